package apply

import (
	"slices"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
)

// Fate is what a decision made of a version.
type Fate string

// The fates. What's lost stands in bridge.conflicts alone (I2).
const (
	FateWon        Fate = "won"        // it decided whether there is a row
	FateSuperseded Fate = "superseded" // the winner had seen it
	FateKept       Fate = "kept"       // all that it did is in the row, as it is or merged with others
	FateParked     Fate = "parked"     // a constraint hides the row, or shows it altered; it stands in bridge.parked
	FateLost       Fate = "lost"       // the row isn't as it left it, and who decided that hadn't seen it
)

// fateOf says what became of e, and the columns whose values were lost with it.
func fateOf(r *conflict.Record, e *history.Entry) (Fate, []string) {
	o := &r.Outcome
	removes := e.Image == nil
	switch {
	case r.Parked != nil && e.Tag.Dot == r.Parked.Tag.Dot && e.Order == r.Parked.Order:
		return FateParked, nil
	case r.Parked != nil:
		return FateWon, nil
	case isWinner(r, e) && !removes && !o.Exists:
		return FateLost, carried(e) // an update that found no row and couldn't make one
	case isWinner(r, e):
		return FateWon, nil
	case o.Winner.Saw(e) && (removes || !o.Exists):
		return FateSuperseded, nil
	case removes && o.Exists:
		return FateLost, nil
	case removes:
		return FateKept, nil
	case !o.Exists:
		return FateLost, carried(e)
	}
	lost := lostColumns(r, e)
	switch {
	case len(lost) > 0:
		return FateLost, lost
	case o.Winner.Saw(e):
		return FateSuperseded, nil
	}
	return FateKept, nil
}

// lostColumns are those of which the row hasn't e's change, though who wrote what it has hadn't seen e. Under a rule by
// columns that may be another than the row's winner.
func lostColumns(r *conflict.Record, e *history.Entry) (lost []string) {
	switch {
	case r.Rule != nil && r.Rule.Columns != nil:
		return r.Lost(e)
	case r.Outcome.Winner.Saw(e):
		return nil
	}
	for c, v := range e.Image {
		name := e.Table.Columns[c].Name
		if v.IsAbsent() || e.Old != nil && e.Old[c] == v {
			continue
		}
		if valueOf(&r.Outcome, name) != v {
			lost = append(lost, name)
		}
	}
	return lost
}

// valueOf is a column of the row that was decided.
func valueOf(o *conflict.Outcome, column string) change.Value {
	i := slices.IndexFunc(o.Table.Columns, func(c change.Column) bool { return c.Name == column })
	if i < 0 || i >= len(o.Image) {
		return change.Absent
	}
	return o.Image[i]
}

// carried are the columns of an image.
func carried(e *history.Entry) (names []string) {
	for c, v := range e.Image {
		if !v.IsAbsent() {
			names = append(names, e.Table.Columns[c].Name)
		}
	}
	return names
}
