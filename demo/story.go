package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// story is the demo while its regions run.
type story struct {
	*mesh
	columns []column // of the table
	shops   []*shop
	watcher *watcher
	began   time.Time // of the load
	last    *look     // that a row of the table was printed for
	lastAt  time.Time
	result  *Result
}

func newStory(ctx context.Context, m *mesh) (*story, error) {
	s := &story{mesh: m, columns: lagColumns(m.names()), result: &Result{Regions: m.names(), Transactions: map[string]int{}, Conflicts: map[string]int{}}}
	for _, r := range m.regions {
		s.result.Engines = append(s.result.Engines, r.engine)
		shop, err := newShop(ctx, r)
		if err != nil {
			s.close()
			return nil, err
		}
		s.shops = append(s.shops, shop)
	}
	var err error
	if s.watcher, err = newWatcher(ctx, s.shops); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *story) close() {
	for _, shop := range s.shops {
		shop.close()
	}
	if s.watcher != nil {
		s.watcher.close()
	}
}

// tell runs the load with all that happens meanwhile, and compares the regions after it.
func (s *story) tell(ctx context.Context) error {
	s.out.headf("In every region a shop places orders, and changes the same carts, prices and customers as the others.")
	s.out.textf("  ", "Each row of this table is a moment. conflicts: decided so far; every region decides by itself, and all come "+
		"to the same. %s", s.legend())
	loading, stop := context.WithCancel(ctx)
	defer stop()
	group, loading := errgroup.WithContext(loading)
	for _, shop := range s.shops {
		group.Go(func() error { return shop.run(loading, s.options.Rate) })
	}
	group.Go(func() error {
		defer stop()
		return s.underLoad(loading)
	})
	if err := group.Wait(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	return s.verify(ctx)
}

// legend says what the table's first lag is.
func (s *story) legend() string {
	names, first := s.names(), s.columns[0]
	if len(first.links) == 1 {
		return fmt.Sprintf("%s: age of the oldest order that %s has acknowledged and %s doesn't have yet; 0 ms says that all have arrived.",
			first.title, names[first.links[0].from], names[first.links[0].to])
	}
	return fmt.Sprintf("%s: age of the oldest order that another region has acknowledged and %s doesn't have yet; 0 ms says that all have arrived.",
		first.title, names[first.links[0].to])
}

// underLoad is what happens while the shops write: a third of the time with all bridges, a third with one
// of them dead, and the rest with it back.
func (s *story) underLoad(ctx context.Context) error {
	third := s.options.Load / 3
	s.began = time.Now()
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := s.watch(ctx, third); err != nil {
		return err
	}
	if err := s.showConflicts(ctx); err != nil {
		return err
	}
	victim := len(s.regions) - 1
	s.kill(victim)
	if err := s.watch(ctx, third); err != nil {
		return err
	}
	return s.revive(ctx, victim, third)
}

// begin prints the table's head and takes the first look.
func (s *story) begin(ctx context.Context) (err error) {
	s.out.linef("\n%s", s.out.style(dim, tableHead(s.columns)))
	if s.last, err = s.look(ctx); err == nil {
		s.lastAt = time.Now()
	}
	return err
}

// look looks at the databases, and whether all bridges run that should.
func (s *story) look(ctx context.Context) (*look, error) {
	for _, r := range s.regions {
		if r.bridge.Ended() {
			return nil, fmt.Errorf("the bridge of %s ended by itself", r.name)
		}
	}
	return s.watcher.look(ctx)
}

// Rows come every rowPause; a terminal's live row changes every livePause.
const (
	rowPause  = 2 * time.Second
	livePause = 250 * time.Millisecond
)

// watch fills the table for a time.
func (s *story) watch(ctx context.Context, d time.Duration) error {
	end := time.Now().Add(d)
	for {
		left := time.Until(end)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(min(livePause, max(0, left))):
		}
		if _, err := s.row(ctx, left <= livePause); err != nil {
			return err
		}
		if left <= livePause {
			return nil
		}
	}
}

// row takes a look and shows it: as a line of the table when it's time for one, or must be.
func (s *story) row(ctx context.Context, must bool) (*look, error) {
	l, err := s.look(ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	since := now.Sub(s.lastAt)
	rate := float64(sum(l.acknowledged)-sum(s.last.acknowledged)) / since.Seconds()
	text := tableRow(s.columns, now.Sub(s.began), rate, sum(l.conflicts), l, func(cell string) string { return s.out.style(red, cell) })
	if !must && since < rowPause {
		s.out.live(text)
		return l, nil
	}
	s.out.linef("%s", text)
	s.last, s.lastAt = l, now
	return l, nil
}

// showConflicts tells some of the conflicts that the first region has decided.
func (s *story) showConflicts(ctx context.Context) error {
	conflicts, err := latestConflicts(ctx, s.watcher.sessions[0], s.regions[0].server.dialect(), 4)
	if err != nil {
		return fmt.Errorf("region %s: read bridge.conflicts: %w", s.regions[0].name, err)
	}
	if len(conflicts) == 0 {
		return nil
	}
	s.out.headf("Conflicts that %s has just decided, as bridge.conflicts keeps them with all versions:", s.regions[0].name)
	for i := range conflicts {
		s.out.textf("  ", "%s", explain(&conflicts[i]))
	}
	return nil
}

// kill ends a bridge as kill -9 does.
func (s *story) kill(victim int) {
	r := s.regions[victim]
	pid := r.bridge.PID()
	r.bridge.Kill()
	s.out.headf("kill -9 %d: the bridge of %s is dead. Its database and its shop go on, and so do the others.", pid, r.name)
	s.out.linef("%s", s.out.style(dim, tableHead(s.columns)))
}

// revive starts a dead bridge again and watches until it has caught up and the time is over.
func (s *story) revive(ctx context.Context, victim int, d time.Duration) error {
	r := s.regions[victim]
	end := time.Now().Add(d)
	l, err := s.look(ctx)
	if err != nil {
		return err
	}
	missing, unsent := l.behind(victim)
	s.out.headf("The bridge of %s is started again. %s lacks %s orders of the others, and they %s of its own.",
		r.name, r.name, count(missing), count(unsent))
	began := time.Now()
	if err := r.startBridge(ctx); err != nil {
		return err
	}
	s.out.linef("%s", s.out.style(dim, tableHead(s.columns)))
	if err := s.catchUp(ctx, l); err != nil {
		return err
	}
	s.result.CatchUp = time.Since(began).Round(time.Millisecond).Seconds()
	s.out.textf("  ", "%.1f s after its start %s had caught up: it went on from the markers in its own database.",
		s.result.CatchUp, r.name)
	return s.watch(ctx, max(rowPause, time.Until(end)))
}

// catchUp watches until every region has what the others had acknowledged at a look.
func (s *story) catchUp(ctx context.Context, then *look) error {
	limited, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("lag didn't return to zero within %s", patience))
	defer cancel()
	for {
		l, err := s.row(limited, false)
		if err != nil {
			return reason(limited, err)
		}
		if l.hasAll(then) {
			_, err = s.row(ctx, true)
			return err
		}
		if err := pause(limited, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// blame adds the ends of the bridges' logs to an error that isn't the reader's Ctrl-C.
func (s *story) blame(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	var b strings.Builder
	for _, r := range s.regions {
		text, failed := os.ReadFile(r.log)
		if failed != nil {
			text = []byte(failed.Error())
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		fmt.Fprintf(&b, "\nlog of %s's bridge:\n  %s", r.name, strings.Join(lines[max(0, len(lines)-5):], "\n  "))
	}
	return fmt.Errorf("%w%s", err, b.String())
}
