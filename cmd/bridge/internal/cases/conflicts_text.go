package cases

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"bridge/apply"
	"bridge/casebook"
	"bridge/cmd/bridge/internal/show"
	"bridge/conflict"
)

// writeCases is a table of conflicts for people.
func writeCases(w io.Writer, cases []*casebook.Case) error {
	if len(cases) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "id\tdecided (UTC)\ttype\trow\trule\toutcome\twon\tlost\tresolved\n")
	for _, c := range cases {
		won := ""
		if winner := c.Winner(); winner != nil {
			won = winner.Dot().String()
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.ID, c.DecidedAt.Format(time.DateTime), c.Type, show.Cell(c.Row()), c.Rule, c.Outcome,
			won, losers(c), resolved(c))
	}
	return t.Flush()
}

// losers are the versions of which something isn't in the row.
func losers(c *casebook.Case) string {
	var names []string
	for i := range c.Versions {
		if v := &c.Versions[i]; v.Fate == apply.FateLost {
			names = append(names, v.Dot().String())
		}
	}
	if len(names) > 3 {
		names = append(names[:2], fmt.Sprintf("%d more", len(names)-2))
	}
	if names == nil {
		return "-"
	}
	return strings.Join(names, ", ")
}

func resolved(c *casebook.Case) string {
	switch {
	case c.Resolution == nil && c.Awaits != conflict.NothingAwaited:
		return "awaits a " + string(c.Awaits)
	case c.Resolution == nil:
		return ""
	}
	return "by " + show.Cell(c.Resolution.By)
}

// writeCase shows one conflict.
func writeCase(w io.Writer, s *shownCase) error {
	var b strings.Builder
	fmt.Fprintf(&b, "conflict %d: %s on %s, decided %s UTC\n", s.ID, s.Type, s.Row(), s.DecidedAt.Format("2006-01-02 15:04:05.000"))
	fmt.Fprintf(&b, "rule %s, outcome %s, when %s:%d arrived\n\n", s.Rule, s.Outcome, s.Origin, s.Seq)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	if err := writeVersions(w, s); err != nil {
		return err
	}
	b.Reset()
	fmt.Fprintln(&b)
	for _, sentence := range s.Story {
		fmt.Fprintln(&b, sentence)
	}
	switch {
	case s.NowError != "":
		fmt.Fprintf(&b, "The row as it is now can't be read: %s.\n", s.NowError)
	case s.Changed != "":
		fmt.Fprintf(&b, "Now: %s.\n", s.Changed)
	default:
		fmt.Fprintln(&b, "Now: the row is as it was decided.")
	}
	if r := s.Resolution; r == nil && s.Awaits != conflict.NothingAwaited {
		fmt.Fprintf(&b, "It awaits a %s, in this region.\n", s.Awaits)
	} else if r != nil {
		fmt.Fprintf(&b, "Resolved %s UTC by %s: %s\n", r.At.Format("2006-01-02 15:04:05"), r.By, r.How)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeVersions is a table with a column for each version, one for the result, and one for the row as it is.
func writeVersions(w io.Writer, s *shownCase) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	line := func(title string, of func(*casebook.Version) string, result, now string) {
		fmt.Fprint(t, title)
		for i := range s.Versions {
			fmt.Fprintf(t, "\t%s", of(&s.Versions[i]))
		}
		fmt.Fprintf(t, "\t%s\t%s\n", result, now)
	}
	line("", func(v *casebook.Version) string { return v.Dot().String() }, "decided", "now")
	line("kind", func(v *casebook.Version) string { return v.Kind }, presence(s.Result != nil, s.Result != nil && s.Result.Exists),
		presence(s.NowError == "", s.Now != nil))
	line("time", func(v *casebook.Version) string { return v.Time.UTC().Format("01-02 15:04:05.000000") }, "", "")
	line("had seen", func(v *casebook.Version) string { return show.VectorText(v.Saw) }, "", "")
	line("fate", func(v *casebook.Version) string { return string(v.Fate) }, "", "")
	var result casebook.Image
	if s.Result != nil {
		result = s.Result.Image
	}
	for _, column := range shownColumns(s) {
		line(show.Cell(column), func(v *casebook.Version) string {
			mark := ""
			if slices.Contains(v.Lost, column) {
				mark = " (lost)"
			}
			return valueText(v.Image, column) + mark
		}, valueText(result, column), valueText(s.Now, column))
	}
	return t.Flush()
}

func presence(known, exists bool) string {
	switch {
	case !known:
		return "unknown"
	case exists:
		return "a row"
	}
	return "no row"
}

// shownColumns are those of the table, in their order, and those that only versions have.
func shownColumns(s *shownCase) []string {
	columns := slices.Clone(s.columns)
	others := map[string]bool{}
	for i := range s.Versions {
		for name := range s.Versions[i].Image {
			others[name] = true
		}
	}
	for _, name := range columns {
		delete(others, name)
	}
	return append(columns, slices.Sorted(maps.Keys(others))...)
}

func valueText(image casebook.Image, column string) string {
	value, ok := image[column]
	switch {
	case !ok:
		return ""
	case value == nil:
		return "NULL"
	}
	return show.Cell(*value)
}

// writeStats is a table of counts for people.
func writeStats(w io.Writer, s *casebook.Stats) error {
	if len(s.Groups) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "table\ttype\trule\tconflicts\topen\tlost updates\n")
	for _, g := range s.Groups {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%d\n", g.Table, g.Type, g.Rule, g.Cases, g.Open, g.Lost)
	}
	return t.Flush()
}

// rate is a number an hour for people.
func rate(perHour float64) string {
	if perHour >= 10 {
		return fmt.Sprintf("%.0f", perHour)
	}
	return fmt.Sprintf("%.2g", perHour)
}
