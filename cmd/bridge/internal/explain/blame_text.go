package explain

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"bridge/chronicle"
	"bridge/cmd/bridge/internal/show"
)

// writeBlame tells a row's story to people.
func writeBlame(w io.Writer, r *BlameResult) error {
	var b strings.Builder
	for i := range r.Events {
		r.Events[i].write(&b)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw)
	for i := range r.Columns {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", r.Columns[i].Column, show.Value(r.Columns[i].value), r.Columns[i].why())
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, strings.Join(r.remarks(), "\n")+"\n")
	return err
}

func (e *blameEvent) write(b *strings.Builder) {
	fate := string(e.Fate)
	switch e.Fate {
	case chronicle.Superseded:
		fate += fmt.Sprintf(" by %d", e.By)
	case chronicle.Lost:
		fate += fmt.Sprintf(" to %d", e.By)
	}
	if len(e.Concurrent) > 0 {
		fate += "; concurrent with " + list(e.Concurrent)
	}
	fmt.Fprintf(b, "%3d  %s  %s  %s  %s\n", e.Number, e.Time.Format(stamp), e.Dot, e.Kind, fate)
	if len(e.Saw) > 0 {
		fmt.Fprintf(b, "     had seen %s\n", show.VectorText(e.Saw))
	}
	for _, c := range e.Changes {
		before := ""
		if !c.from.IsAbsent() {
			before = show.Value(c.from) + " -> "
		}
		fmt.Fprintf(b, "     %s: %s%s\n", c.Column, before, show.Value(c.to))
	}
}

// stamp is a timestamp for people, with all its digits.
const stamp = "2006-01-02T15:04:05.000000Z"

func list(numbers []int) string {
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(numbers)), ", "), "[]")
}

// why says where the column's value comes from.
func (c *blameColumn) why() string {
	switch {
	case c.Merged && !c.onto.IsAbsent():
		return "merged from " + list(c.Events) + ", onto " + show.Value(c.onto)
	case c.Merged:
		return "merged from " + list(c.Events)
	case len(c.Events) > 0:
		return "from " + list(c.Events)
	case c.Before:
		return "from before all that was read"
	}
	return "what was read doesn't tell"
}

// remarks are what else there is to know.
func (r *BlameResult) remarks() []string {
	out := []string{"Rule: " + r.Rule + "."}
	last := &r.Events[len(r.Events)-1]
	switch {
	case !r.Told:
		out = append(out, "How the latest conflict ended can't be told: the rule needs whole rows, and the log didn't carry them.")
	case !r.Exists:
		out = append(out, fmt.Sprintf("There's no row: %s.", r.gone(last)))
	}
	if !r.Whole {
		out = append(out, "The first of these may be concurrent with writes that the topics don't have any more, or that came before --since.")
	}
	if r.OtherRules {
		out = append(out, "Some of these were written under other conflict rules than the configuration's: what became of the row then may not be what these rules say.")
	}
	switch {
	case r.Told && r.Present != r.Exists:
		out = append(out, fmt.Sprintf("But in this region's database there's %s: %s.", map[bool]string{true: "a row", false: "none"}[r.Present], otherwise))
	case len(r.Differs) > 0:
		out = append(out, fmt.Sprintf("But in this region's database the row is otherwise in %s: %s.", strings.Join(r.Differs, ", "), otherwise))
	}
	for _, c := range r.Recorded {
		out = append(out, fmt.Sprintf("Recorded here as conflict %d: %s, %s, when %s:%d arrived (bridge conflicts show %[1]d).", c.ID, c.Type, c.Outcome, c.Origin, c.Seq))
	}
	return out
}

// otherwise is why a database may have another row than the topics tell.
const otherwise = "it was written since, isn't published or applied yet, was decided by other rules, or was changed where bridge doesn't see it"

// gone says who removed the row.
func (r *BlameResult) gone(last *blameEvent) string {
	for _, e := range r.Events {
		if e.Fate == chronicle.Stands {
			return fmt.Sprintf("%d is a %s", e.Number, e.Kind)
		}
	}
	return fmt.Sprintf("the last write is %d, a %s", last.Number, last.Kind)
}
