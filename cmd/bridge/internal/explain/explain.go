package explain

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"bridge/cmd/bridge/internal/engines"
	"bridge/cmd/bridge/internal/settings"
	"bridge/cmd/bridge/internal/shell"
	"bridge/conflict"
)

// rulesExplain is "bridge rules explain".
type rulesExplain struct {
	Table   string        `arg:"" help:"The table, as schema.table."`
	Timeout time.Duration `default:"30s" help:"Give up on a database that doesn't answer (${default})."`
}

// TableResult is what --json shows.
type TableResult struct {
	Table string `json:"table"` // its name between the regions
	conflict.Explanation
	// Unique are the unique keys but the one that names rows.
	Unique  []explainedKey `json:"unique,omitempty"`
	Foreign []explainedKey `json:"foreign_keys,omitempty"`
	// Next is the rule that regions go over to; nil if it stays.
	Next *conflict.Explanation `json:"next,omitempty"`
	// Fix makes the log carry what the rule needs.
	Fix string `json:"fix,omitempty"`
}

// Run is called by kong.
func (cmd *rulesExplain) Run(ctx context.Context, s *shell.Session) error {
	c, err := s.Config()
	if err != nil {
		return err
	}
	table, err := settings.FindTable(c, cmd.Table)
	if err != nil {
		return shell.Usage(err)
	}
	if !c.Replicates(table.Local.Schema, table.Local.Name) {
		return shell.Usage(fmt.Errorf("table %s isn't replicated: see tables.include and tables.exclude", table.Local))
	}
	rules, err := settings.Rules(c)
	if err != nil {
		return err
	}
	names, err := settings.Names(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, cmd.Timeout)
	defer cancel()
	shape, err := engines.Of(c).Shape(ctx, table.Local)
	if err != nil {
		return err
	}
	if shape, err = names.StreamTable(shape); err != nil {
		return err
	}
	each := rules.Each(table.Stream)
	e := TableResult{Table: table.Stream.String(), Explanation: each[0].Explain(shape, settings.Regions(c))}
	if len(each) > 1 {
		next := each[1].Explain(shape, settings.Regions(c))
		e.Next = &next
	}
	if e.Unique, e.Foreign, err = explainKeys(ctx, c, table.Stream); err != nil {
		return err
	}
	if e.Images.Needed && !e.Images.Logged {
		e.Fix = engines.Of(c).WholeRows(table.Local)
	}
	s.Outcome = shell.Outcome{
		Result: e, Human: func(w io.Writer) error { return writeExplanation(w, &e) },
		Summary: fmt.Sprintf("table %s: %s", table, e.Rule),
	}
	return nil
}

func writeExplanation(w io.Writer, e *TableResult) error {
	if err := writeRule(w, &e.Explanation); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "\n%s\n", imagesLine(e)); err != nil {
		return err
	}
	if err := writeKeys(w, "unique key", e.Unique); err != nil {
		return err
	}
	if err := writeKeys(w, "foreign key", e.Foreign); err != nil || e.Next == nil {
		return err
	}
	_, err := fmt.Fprint(w, "\nRegions go over to other rules (conflicts.next). A conflict with a write that was published under them is decided so:\n\n")
	if err != nil {
		return err
	}
	return writeRule(w, e.Next)
}

// writeRule is the rule without what the log must have for it.
func writeRule(w io.Writer, e *conflict.Explanation) error {
	for _, line := range e.Words {
		fmt.Fprintln(w, line) //nolint:errcheck // Flush tells
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw)
	for _, c := range e.Cases {
		fmt.Fprintf(tw, "%s\t%s\n", c.Conflict, c.Text)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if len(e.Columns) > 0 {
		fmt.Fprintln(tw)
	}
	for _, c := range e.Columns {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", c.Column, c.Type, c.Merge, c.Text)
		if c.Problem != "" {
			fmt.Fprintf(tw, "\t\t\tIt can't be: %s.\n", c.Problem)
		}
		if x := c.Example; x != nil {
			fmt.Fprintf(tw, "\t\t\t%s made %s, and later, without having seen that, %s: %s\n", x.Before, x.First, x.Second, x.After)
		}
	}
	return tw.Flush()
}

// imagesLine says whether the log has what the rule needs.
func imagesLine(e *TableResult) string {
	switch {
	case !e.Images.Needed:
		return "The rule needs nothing of the log that it doesn't have."
	case e.Images.Logged:
		return "The rule needs whole rows in the log, before and after each change. This region's log has them."
	}
	return "The rule needs whole rows in the log, before and after each change, and this region's log lacks them: " + strings.TrimSpace(e.Fix)
}
