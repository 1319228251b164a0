package demo

import (
	"context"
	"fmt"
	"time"
)

// verify waits until nothing is on its way and compares all regions, table by table.
func (s *story) verify(ctx context.Context) error {
	s.out.headf("The shops close. Are the regions equal?")
	limited, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("not everything arrived within %s", patience))
	defer cancel()
	if err := s.settle(limited); err != nil {
		return reason(limited, err)
	}
	var err error
	if s.result.Tables, err = s.watcher.compareTables(ctx); err != nil {
		return err
	}
	lost, err := s.watcher.lostOrders(ctx)
	if err != nil {
		return err
	}
	s.conclude(lost)
	return nil
}

// settle waits until everything acknowledged is everywhere.
func (s *story) settle(ctx context.Context) error {
	for {
		l, err := s.look(ctx)
		if err != nil {
			return err
		}
		if l.settled() {
			s.count(l)
			return nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// reason is why something failed: the end of its context, if it has ended.
func reason(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (s *story) count(l *look) {
	for i, r := range s.regions {
		s.result.Transactions[r.name], s.result.Conflicts[r.name] = l.acknowledged[i], l.conflicts[i]
	}
}

// conclude prints the comparison: a line for each region, so that any number of them fits.
func (s *story) conclude(lost int) {
	const cell = "%17s"
	head, verdicts := fmt.Sprintf("  %-6s", ""), fmt.Sprintf("  %-6s", "")
	s.result.Equal = lost == 0
	for _, t := range s.result.Tables {
		head += fmt.Sprintf(cell, t.Table)
		verdict := s.out.style(green, fmt.Sprintf(cell, "equal"))
		if !t.Equal {
			verdict = s.out.style(red, fmt.Sprintf(cell, "DIFFERENT"))
			s.result.Equal = false
		}
		verdicts += verdict
	}
	s.out.textf("  ", "Rows of each table, and a digest of them:")
	s.out.linef("%s", s.out.style(dim, head))
	for i, r := range s.regions {
		line := fmt.Sprintf("  %-6s", r.name)
		for _, t := range s.result.Tables {
			line += fmt.Sprintf(cell, fmt.Sprintf("%s %.8s", count(t.Rows[i]), t.Digests[i]))
		}
		s.out.linef("%s", line)
	}
	s.out.linef("%s", verdicts)
	transactions, conflicts := 0, 0
	for _, r := range s.regions {
		transactions += s.result.Transactions[r.name]
		conflicts += s.result.Conflicts[r.name]
	}
	if lost > 0 {
		s.out.linef("\n%s", s.out.style(red, fmt.Sprintf("%d acknowledged orders are missing.", lost)))
	}
	if s.result.Equal {
		s.out.headf("Equal. %s transactions in %d regions, none lost; %s conflicts decided; one bridge killed, back in %.1f s.",
			count(transactions), len(s.regions), count(conflicts), s.result.CatchUp)
	}
}

// keep tells how to look around, and waits until the reader has.
func (s *story) keep(ctx context.Context) {
	bridge, last := s.options.Bridge, s.regions[len(s.regions)-1]
	files := ""
	for _, r := range s.regions {
		files += " " + r.file
	}
	s.out.headf("Everything runs until you press Ctrl-C. Connect (no password):")
	for _, r := range s.regions {
		s.out.linef("  %s   # %s", r.server.client(), r.name)
	}
	s.out.headf("Things to try:")
	for _, try := range []string{
		fmt.Sprintf("Write in %s, read in %s:", s.regions[0].name, last.name),
		"  UPDATE prices SET cents = 990 WHERE product = 'tea';",
		"  SELECT * FROM prices;",
		"Make a conflict: BEGIN and UPDATE the same row in two regions, then COMMIT both. See what came of it:",
		"  " + s.regions[0].server.dialect().conflict,
		"Ask a bridge how it is:",
		fmt.Sprintf("  %s status -c %s", bridge, s.regions[0].file),
		"Compare the regions, also while you write:",
		fmt.Sprintf("  %s compare%s", bridge, files),
		"Kill one, write, and start it again:",
		fmt.Sprintf("  kill -9 %d", last.bridge.PID()),
		fmt.Sprintf("  %s run -c %s", bridge, last.file),
	} {
		s.out.linef("  %s", try)
	}
	<-ctx.Done()
	s.out.linef("\nEverything stops.")
}
