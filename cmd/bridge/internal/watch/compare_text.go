package watch

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"bridge/cmd/bridge/internal/show"
	"bridge/compare"
)

// writeComparison lists the tables, and then what differs in each and which values don't go over.
func writeComparison(w io.Writer, r *compare.Result) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, t := range r.Tables {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", t.Table, rowCounts(t, r.Regions), show.Verdict(t))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, t := range r.Tables {
		if err := writeDifferences(w, t); err != nil {
			return err
		}
	}
	if r.Reason == "" {
		return nil
	}
	_, err := fmt.Fprintf(w, "undecided because: %s\n", r.Reason)
	return err
}

// rowCounts is one number when the scans had the same; while rows are being inserted they don't.
func rowCounts(t *compare.TableResult, regions []string) string {
	var parts []string
	same := true
	for _, region := range regions {
		n, ok := t.Rows[region]
		if !ok {
			continue
		}
		same = same && n == t.Rows[regions[0]]
		parts = append(parts, fmt.Sprintf("%s %d", region, n))
	}
	switch {
	case len(parts) == 0:
		return "rows not compared"
	case same:
		return show.Count(t.Rows[regions[0]], "row")
	}
	return strings.Join(parts, ", ") + " rows"
}

func writeDifferences(w io.Writer, t *compare.TableResult) error {
	var b strings.Builder
	if t.Verdict == compare.Equal {
		return nil // whatever its columns can't hold: nobody has such a value
	}
	fmt.Fprintf(&b, "%s\n", t.Table)
	for _, d := range t.Definition {
		fmt.Fprintf(&b, "  %s\n", d)
	}
	for _, l := range t.Limits {
		fmt.Fprintf(&b, "  note: %s\n", l)
	}
	rows := func(list []compare.Difference, what string) {
		for _, d := range list[:min(len(list), show.MaxRows)] {
			fmt.Fprintf(&b, "  (%s) = (%s): %s\n", strings.Join(t.Key, ", "), strings.Join(d.Key, ", "), show.Difference(&d))
		}
		if n := len(list) - show.MaxRows; n > 0 {
			fmt.Fprintf(&b, "  and %d more %s (--json lists them)\n", n, what)
		}
	}
	rows(t.Different, "that differ")
	rows(t.Undecided, "undecided")
	_, err := io.WriteString(w, b.String())
	return err
}
