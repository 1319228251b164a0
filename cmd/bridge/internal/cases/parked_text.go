package cases

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"bridge/casebook"
	"bridge/cmd/bridge/internal/show"
)

// writeParkedList is a table of parked rows for people.
func writeParkedList(w io.Writer, list []*casebook.Parked) error {
	if len(list) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "row\tparked (UTC)\treason\tconstraint\tclaim\tclaimed (UTC)\tshown\n")
	for _, p := range list {
		shown := "no"
		if !p.Hidden() {
			shown = "altered"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", show.Cell(p.Row()), p.ParkedAt.Format(time.DateTime), p.Reason, show.Cell(p.Constraint),
			p.ClaimOrigin, p.ClaimTime.Format("01-02 15:04:05.000"), shown)
	}
	return t.Flush()
}

// writeParked shows one parked row beside what stands in its way.
func writeParked(w io.Writer, s *shownParked) error {
	if _, err := fmt.Fprintf(w, "%s: parked %s UTC, reason %s\n\n", s.Row(), s.ParkedAt.Format(time.DateTime), s.Reason); err != nil {
		return err
	}
	if err := writeParkedImages(w, s); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintln(&b)
	for _, sentence := range s.Story {
		fmt.Fprintln(&b, sentence)
	}
	if s.InTheWayError != "" {
		fmt.Fprintf(&b, "What stands in its way can't be read: %s.\n", s.InTheWayError)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeParkedImages is a table with a column each for the row, what's shown of it, and the row of its own table in its way.
func writeParkedImages(w io.Writer, s *shownParked) error {
	titles, images := []string{"parked"}, []casebook.Image{s.Image}
	if !s.Hidden() {
		titles, images = append(titles, "shown"), append(images, s.Shown)
	}
	if o := s.InTheWay; o != nil && o.Row != nil && !o.Parent {
		titles, images = append(titles, "in its way"), append(images, o.Row)
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(t, "\t%s\n", strings.Join(titles, "\t"))
	for _, column := range s.Columns() {
		fmt.Fprint(t, show.Cell(column))
		for _, image := range images {
			fmt.Fprintf(t, "\t%s", valueText(image, column))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}
