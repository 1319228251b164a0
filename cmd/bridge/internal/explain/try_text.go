package explain

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"bridge/chronicle"
	"bridge/cmd/bridge/internal/show"
	"bridge/conflict"
)

// trialConflict is a conflict that would come out otherwise.
type trialConflict struct {
	Table   string           `json:"table"`
	Key     []string         `json:"key"`
	Time    time.Time        `json:"time"` // of the latest operation
	Writes  []trialOperation `json:"writes"`
	Now     trialOutcome     `json:"now"`
	Then    trialOutcome     `json:"then"`
	Columns []string         `json:"columns,omitempty"` // that differ, if there's a row either way
	// Latest says that the row wasn't written since.
	Latest bool `json:"latest"`
}

type trialOperation struct {
	Dot  string `json:"dot"`
	Kind string `json:"kind"`
}

// trialOutcome is what the row is by one rule.
type trialOutcome struct {
	Exists bool         `json:"exists"`
	By     string       `json:"by"`   // the transaction that decided whether there is a row
	Kind   string       `json:"kind"` // what it did
	Row    show.Columns `json:"row,omitempty"`
}

func newTrialConflict(d *chronicle.Difference, values bool) trialConflict {
	key, _ := d.Key.Values()
	out := trialConflict{
		Table: d.Key.Table.String(), Key: key, Time: d.At().Time(), Columns: d.Columns, Latest: d.Latest,
		Now: newTrialOutcome(&d.Now, values), Then: newTrialOutcome(&d.Then, values),
	}
	for i := range d.Ops {
		out.Writes = append(out.Writes, trialOperation{d.Ops[i].Tag.Dot.String(), d.Ops[i].Kind.String()})
	}
	return out
}

func newTrialOutcome(o *conflict.Outcome, values bool) trialOutcome {
	out := trialOutcome{Exists: o.Exists, By: o.Winner.Tag.Dot.String(), Kind: o.Winner.Kind.String()}
	if values && o.Exists {
		out.Row = show.Row(o.Table, o.Image)
	}
	return out
}

func writeTrial(w io.Writer, r *TrialResult, sum *chronicle.Count) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "table\toperations\tconflicts\tdifferent\trows\tlacking\tcut")
	for _, t := range r.Tables {
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%d\t%d\t%d\n", t.Table, t.Operations, t.Conflicts, t.Different, t.Rows, t.Lacking, t.Cut)
	}
	if len(r.Conflicts) > 0 {
		fmt.Fprintln(tw)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	var b strings.Builder
	for i := range r.Conflicts[:min(len(r.Conflicts), show.MaxRows)] {
		r.Conflicts[i].write(&b)
	}
	if n := sum.Different - show.MaxRows; n > 0 {
		fmt.Fprintf(&b, "and %d more (--json lists them, up to --limit)\n", n)
	}
	for _, p := range r.Policies {
		fmt.Fprintln(&b, p)
	}
	if sum.Lacking > 0 {
		fmt.Fprintf(&b, "lacking: %s can't be tried, because one of the rules needs whole rows and the log didn't carry them\n", show.Count(sum.Lacking, "conflict"))
	}
	if sum.Cut > 0 {
		fmt.Fprintf(&b, "cut: %s can't be tried, because what comes before the records that were read may be part of it\n", show.Count(sum.Cut, "conflict"))
	}
	if r.OtherRules > 0 {
		b.WriteString(foreignRemark(r.OtherRules) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (c *trialConflict) write(b *strings.Builder) {
	fmt.Fprintf(b, "%s (%s) at %s", c.Table, strings.Join(c.Key, ", "), c.Time.Format(stamp))
	if !c.Latest {
		b.WriteString(", written again since")
	}
	fmt.Fprintf(b, "\n  now   %s\n  then  %s\n", c.Now.text(c.Columns), c.Then.text(c.Columns))
	if len(c.Columns) > 0 && c.Now.Row == nil {
		fmt.Fprintf(b, "  in    %s\n", strings.Join(c.Columns, ", "))
	}
}

// text tells an outcome, with the values of the columns that differ if they're to be shown.
func (o *trialOutcome) text(differ []string) string {
	if !o.Exists {
		return fmt.Sprintf("no row, by %s (%s)", o.By, o.Kind)
	}
	text := fmt.Sprintf("a row, by %s (%s)", o.By, o.Kind)
	var values []string
	for _, c := range o.Row {
		for _, name := range differ {
			if c.Name == name {
				values = append(values, name+" = "+c.Text())
			}
		}
	}
	if len(values) > 0 {
		text += ": " + strings.Join(values, ", ")
	}
	return text
}
