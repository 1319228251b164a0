// Package setup is what makes a region ready: "bridge grants", "bridge check", "bridge init".
package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"bridge/cmd/bridge/internal/engines"
	"bridge/cmd/bridge/internal/shell"
	"bridge/cmd/bridge/internal/topics"
	"bridge/config"
	"bridge/internal/preflight"
	"bridge/stream/kafka"
)

// Init is "bridge init". Each step finds what's there and makes what's missing, so it can be run
// again after a failure, and when tables were added. The row in bridge.node comes last: it says that
// all the rest is there.
type Init struct {
	Timeout  time.Duration `default:"30m" help:"Give up after this time: making the slot waits for running transactions, and every row is read once (${default})."`
	NoVerify bool          `help:"Don't read the rows to verify that the regions begin with the same data."`
}

// Run is called by kong.
func (cmd *Init) Run(ctx context.Context, s *shell.Session) error {
	c, err := s.Config()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, cmd.Timeout)
	defer cancel()
	db, err := engines.Of(c).SetUp(ctx)
	if err != nil {
		return err
	}
	defer db.Close(ctx)

	report, err := db.Preflight(ctx)
	if err != nil {
		return err
	}
	if report.Blocked() {
		s.Outcome = checkOutcome(report)
		return shell.Environment(errors.New("nothing was changed: mend the errors first, then run init again"))
	}
	var steps []engines.Step
	next := nextSteps()
	s.Outcome = shell.Outcome{Human: func(w io.Writer) error { return writeSteps(w, steps, next) }}
	err = cmd.setUp(ctx, c, db, report, func(step engines.Step) { steps = append(steps, step) })
	s.Outcome.Result = map[string]any{"steps": steps}
	if err != nil {
		next = nil
		if m, ok := errors.AsType[*mismatch](err); ok {
			s.Outcome.Result = map[string]any{"steps": steps, "findings": m.findings}
			s.Outcome.Human = func(w io.Writer) error { return errors.Join(writeSteps(w, steps, nil), writeFindings(w, m.findings)) }
		}
		return shell.Environment(err)
	}
	if !slices.ContainsFunc(steps, func(step engines.Step) bool { return step.Changed }) {
		next = nil
	}
	s.Outcome.Result = map[string]any{"steps": steps, "next": next}
	s.Outcome.Summary = fmt.Sprintf("region %s of cluster %s is set up", c.Region, c.Cluster)
	return nil
}

// nextSteps are what an operator does after init.
func nextSteps() []string {
	return []string{
		`set up the other regions, which begin with the same data; each "bridge init" compares`,
		`start "bridge run" in every region; from then on "bridge compare" tells whether they're equal, while they're written to`,
	}
}

func writeSteps(w io.Writer, steps []engines.Step, next []string) error {
	var b strings.Builder
	for _, s := range steps {
		mark := "as it was"
		switch {
		case s.Warning:
			mark = "WARNING"
		case s.Changed:
			mark = "done"
		}
		fmt.Fprintf(&b, "%-9s  %s: %s\n", mark, s.Step, s.Detail)
	}
	for _, n := range next {
		fmt.Fprintf(&b, "next       %s\n", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// setUp runs the steps in the order they depend on each other: what the region begins with is told in its topic.
func (cmd *Init) setUp(ctx context.Context, c *config.Config, db engines.SetUp, report *preflight.Report, done func(engines.Step)) error {
	if err := db.Publish(ctx, report, done); err != nil {
		return err
	}
	topic, err := topics.Open(c, c.Region)
	if err != nil {
		return err
	}
	defer topic.Close() //nolint:errcheck // what was written is acknowledged
	if err := ensureTopic(ctx, c, topic, done); err != nil {
		return err
	}
	if err := cmd.begin(ctx, c, db, topic, report, done); err != nil {
		return err
	}
	node, claimed, err := db.Claim(ctx)
	if err != nil {
		return err
	}
	done(engines.Step{Step: "region", Changed: claimed, Detail: fmt.Sprintf("%s of cluster %s, incarnation %d", node.Region, node.Cluster, node.Incarnation)})
	return nil
}

// begin settles where capture begins, unless that's settled.
func (cmd *Init) begin(ctx context.Context, c *config.Config, db engines.SetUp, topic *kafka.Log, report *preflight.Report, done func(engines.Step)) error {
	step, err := db.Begun(ctx, report, !cmd.NoVerify)
	if err != nil {
		return err
	}
	if step != nil {
		done(*step)
		return nil
	}
	if err := checkUnused(ctx, c, topic); err != nil {
		return err
	}
	b, err := db.Begin(ctx, report, !cmd.NoVerify)
	if err != nil {
		return err
	}
	defer b.Close(context.WithoutCancel(ctx))
	said := ""
	if b.Baseline != nil {
		if said, err = tellBaseline(ctx, c, topic, b); err != nil {
			return errors.Join(err, b.Undo(context.WithoutCancel(ctx)))
		}
	}
	done(b.Step)
	if said != "" {
		done(engines.Step{Step: "data", Changed: true, Detail: said})
	}
	return nil
}

func ensureTopic(ctx context.Context, c *config.Config, log *kafka.Log, done func(engines.Step)) error {
	ctx, cancel := context.WithTimeout(ctx, brokerTimeout)
	defer cancel()
	settings := topics.Settings(c, c.Region)
	missing, err := log.CheckTopic(ctx, settings)
	if err != nil {
		return err
	}
	if err := log.EnsureTopic(ctx, settings); err != nil {
		return fmt.Errorf("%w (replication_factor %d asks for as many brokers)", err, settings.ReplicationFactor)
	}
	problems, err := log.CheckTopic(ctx, settings)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		texts := make([]string, len(problems))
		for i, p := range problems {
			texts[i] = p.String()
		}
		return fmt.Errorf("topic %s isn't as the configuration says: %s", log.Name(), strings.Join(texts, "; "))
	}
	done(engines.Step{Step: "topic", Changed: len(missing) > 0, Detail: log.Name()})
	return nil
}
