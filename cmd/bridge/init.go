package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"bridge/change"
	"bridge/config"
	"bridge/internal/postgres"
	"bridge/internal/postgres/preflight"
	"bridge/stream/kafka"
)

// initCommand is "bridge init". Each step finds what's there and makes what's missing, so it can be run
// again after a failure, and when tables were added. The row in bridge.node comes last: it says that
// all the rest is there.
type initCommand struct {
	Timeout  time.Duration `default:"30m" help:"Give up after this time: making the slot waits for running transactions, and every row is read once (${default})."`
	NoVerify bool          `help:"Don't read the rows to verify that the regions begin with the same data."`
}

// initStep is one thing that init saw to.
type initStep struct {
	Step    string `json:"step"`
	Changed bool   `json:"changed"`
	Warning bool   `json:"warning,omitempty"` // an operator has something to do about it
	Detail  string `json:"detail"`
}

// Run is called by kong.
func (cmd *initCommand) Run(ctx context.Context, s *session) error {
	c, err := s.config()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, cmd.Timeout)
	defer cancel()
	conn, err := connect(ctx, c, "init")
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))

	report, err := preflight.Run(ctx, conn, preflightSettings(c))
	if err != nil {
		return err
	}
	if report.Blocked() {
		s.outcome = checkOutcome(report)
		return &failure{exitEnvironment, errors.New("nothing was changed: mend the errors first, then run init again")}
	}
	var steps []initStep
	next := nextSteps()
	s.outcome = outcome{human: func(w io.Writer) error { return writeSteps(w, steps, next) }}
	err = cmd.setUp(ctx, c, conn, report, func(step initStep) { steps = append(steps, step) })
	s.outcome.result = map[string]any{"steps": steps}
	if err != nil {
		next = nil
		if m, ok := errors.AsType[*mismatch](err); ok {
			s.outcome.result = map[string]any{"steps": steps, "findings": m.findings}
			s.outcome.human = func(w io.Writer) error { return errors.Join(writeSteps(w, steps, nil), writeFindings(w, m.findings)) }
		}
		return &failure{exitEnvironment, err}
	}
	if !slices.ContainsFunc(steps, func(step initStep) bool { return step.Changed }) {
		next = nil
	}
	s.outcome.result = map[string]any{"steps": steps, "next": next}
	s.outcome.summary = fmt.Sprintf("region %s of cluster %s is set up", c.Region, c.Cluster)
	return nil
}

// nextSteps are what an operator does after init.
func nextSteps() []string {
	return []string{
		`set up the other regions, which begin with the same data; each "bridge init" compares`,
		`start "bridge run" in every region; from then on "bridge compare" tells whether they're equal, while they're written to`,
	}
}

func writeSteps(w io.Writer, steps []initStep, next []string) error {
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

// setUp runs the steps in the order they depend on each other: a slot can't decode with a publication
// that came after it, and what the region begins with is told in its topic.
func (cmd *initCommand) setUp(ctx context.Context, c *config.Config, conn *pgx.Conn, report *preflight.Report, done func(initStep)) error {
	if err := postgres.CreateTables(ctx, conn); err != nil {
		return err
	}
	done(initStep{Step: "tables", Changed: !report.Initialised, Detail: "schema bridge"})

	ran, away, err := postgres.EnsurePublication(ctx, conn, c.Database.Publication, report.Tables)
	if err != nil {
		return err
	}
	detail := c.Database.Publication
	if len(ran) > 0 {
		detail = strings.Join(ran, "; ")
	}
	done(initStep{Step: "publication", Changed: len(ran) > 0, Detail: detail})
	for _, t := range away {
		done(initStep{Step: "not shipped", Warning: true, Detail: fmt.Sprintf("table %s was out of publication %s for a while. What was written to it then isn't in the other "+
			"regions and won't be shipped, and bridge doesn't tell of it again: see with \"bridge compare\" which rows differ, and write them once more", t, c.Database.Publication)})
	}

	topic, err := openTopic(c, c.Region)
	if err != nil {
		return err
	}
	defer topic.Close() //nolint:errcheck // what was written is acknowledged
	if err := ensureTopic(ctx, c, topic, done); err != nil {
		return err
	}
	if err := cmd.ensureSlot(ctx, c, conn, topic, report, done); err != nil {
		return err
	}
	node, claimed, err := postgres.Claim(ctx, conn, c.Cluster, c.Region)
	if err != nil {
		return err
	}
	done(initStep{Step: "region", Changed: claimed, Detail: fmt.Sprintf("%s of cluster %s, incarnation %d", node.Region, node.Cluster, node.Incarnation)})
	return nil
}

// ensureSlot makes the slot of a region that isn't set up; one that is has its slot, or preflight has refused.
func (cmd *initCommand) ensureSlot(ctx context.Context, c *config.Config, conn *pgx.Conn, topic *kafka.Log, report *preflight.Report, done func(initStep)) error {
	slot, err := postgres.LoadSlot(ctx, conn, c.Database.Slot)
	if err != nil {
		return err
	}
	switch {
	case slot != nil && (report.Initialised || cmd.NoVerify):
		done(initStep{Step: "replication slot", Changed: false, Detail: fmt.Sprintf("%s, confirmed up to %s", slot.Name, slot.Confirmed)})
		return nil
	case slot != nil:
		return fmt.Errorf("replication slot %s is there, but the region isn't set up: an earlier init was interrupted, and what the database held "+
			"where the slot begins can't be read any more. Run SELECT pg_drop_replication_slot(%s); and then init again", slot.Name, postgres.Literal(slot.Name))
	}
	if err := checkUnused(ctx, c, topic); err != nil {
		return err
	}
	// Waiting for a transaction that began before isn't a statement gone wild.
	if _, err := conn.Exec(ctx, `SET statement_timeout = 0; SET lock_timeout = 0`); err != nil {
		return fmt.Errorf("create replication slot: %w", err)
	}
	if !cmd.NoVerify {
		b := &beginning{c: c, conn: conn, origin: change.NewOrigin(c.Region, 1), topic: topic, tables: report.Tables}
		return b.make(ctx, done)
	}
	lsn, err := postgres.CreateSlot(ctx, conn, c.Database.Slot, c.Database.FailoverSlot)
	if err != nil {
		return err
	}
	done(initStep{Step: "replication slot", Changed: true, Detail: fmt.Sprintf("%s, from %s", c.Database.Slot, lsn)})
	return nil
}

func ensureTopic(ctx context.Context, c *config.Config, log *kafka.Log, done func(initStep)) error {
	ctx, cancel := context.WithTimeout(ctx, brokerTimeout)
	defer cancel()
	settings := topicSettings(c, c.Region)
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
	done(initStep{Step: "topic", Changed: len(missing) > 0, Detail: log.Name()})
	return nil
}
