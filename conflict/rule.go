package conflict

import (
	"slices"
	"strings"
	"sync"

	"bridge/change"
	"bridge/history"
)

// Order ranks concurrent operations of a row.
type Order uint8

// The orders. All but the first need complete images: see [Rule.NeedsImages].
const (
	LatestWins   Order = iota // by (timestamp, origin)
	EarliestWins              // the same, the other way round
	ByPriority                // by the region's place in Rule.Regions, then the latest
	ByHome                    // the row's own region before others, then the latest
)

// Deletes says how deletes rank against concurrent inserts and updates.
type Deletes uint8

// What comes before the rule's order.
const (
	DeletesByOrder Deletes = iota // nothing: a delete is an operation like others
	DeleteWins
	UpdateWins
)

// Rule is how a table's conflicts are decided. It's the same in every region, or they diverge. It isn't
// changed once it's in use.
type Rule struct {
	Order   Order
	Deletes Deletes
	// Regions are the regions' names for ByPriority, the best first. Those that aren't named come after them.
	Regions []string
	// Home finds a row's own region for ByHome.
	Home *Home
	// Columns merges rows column by column, in place of taking the winner's row; it demands LatestWins. Columns
	// that aren't named are assigned: the latest change stands. Nil takes whole rows.
	Columns map[string]Column
	// Groups are columns that are assigned together: who changes one has changed all.
	Groups [][]string

	plans sync.Map // table's fingerprint to *plan

	// While rules change: the rule of the other epoch, and what tags of this one's have. See [Rules.Becoming].
	other *Rule
	under string
	newer bool
}

// Home tells a row's own region from a column that every operation's image carries.
type Home struct {
	Column string
	// Regions are the regions' names by the column's value, without spaces at its end.
	Regions map[string]string
	// Ranges are regions by ranges of values.
	Ranges []Range
	// Else is the region of all other values; empty is none: then no region is at home.
	Else string
}

// Range is the values from From up to To, which isn't in it; an empty bound is none. Numbers are compared by value,
// all else by bytes.
type Range struct{ From, To, Region string }

func (r *Range) holds(text string) bool {
	return (r.From == "" || compareValues(text, r.From) >= 0) && (r.To == "" || compareValues(text, r.To) < 0)
}

// LastWriteWins is the default rule: the latest (timestamp, origin) wins the row, each column the latest value that
// an operation carries.
var LastWriteWins = &Rule{}

// String is the rule's name in the configuration and in bridge.conflicts.
func (r *Rule) String() string {
	if r == nil {
		return "no rule"
	}
	name := [...]string{"last_write_wins", "first_write_wins", "priority", "home"}[r.Order]
	if r.Columns != nil {
		name = "columns"
	}
	return name + [...]string{"", ", delete_wins", ", update_wins"}[r.Deletes]
}

// NeedsImages reports whether the rule needs complete images, after each change and before: the table's log must
// carry them (REPLICA IDENTITY FULL, binlog_row_image=FULL).
func (r *Rule) NeedsImages() bool {
	return r.Order != LatestWins || r.Deletes != DeletesByOrder || r.Columns != nil
}

// LocksMissing reports whether a later insert doesn't win by itself. Then a row that's being decided must be locked
// even where there's none.
func (r *Rule) LocksMissing() bool {
	return r.Order != LatestWins || r.Deletes != DeletesByOrder || r.other != nil && r.other.LocksMissing()
}

// Lacking is an operation that carries less than the rule needs to decide by it; nil if none does. While rules change each must be what
// its own one needs, and those that compete in the newer epoch what both need: regions' logs have carried that since they announced it.
func (r *Rule) Lacking(ops history.Row) *history.Entry {
	var few [8]int
	var competing []int
	if r.newer {
		competing = maximal(few[:0], ops)
	}
	for i := range ops {
		e := &ops[i]
		if r.of(e).lacks(e) || r.newer && slices.Contains(competing, i) && (r.lacks(e) || r.other.lacks(e)) {
			return e
		}
	}
	return nil
}

// lacks says whether e carries less than the rule needs.
func (r *Rule) lacks(e *history.Entry) bool {
	if !r.NeedsImages() {
		return false
	}
	switch e.Kind {
	case change.Insert:
		return !e.Image.Complete()
	case change.Update: // columns that its image lacks are unchanged: see [Rule.whole]
		return e.Old == nil || !e.Old.Complete()
	case change.Delete:
		return e.Old == nil || !e.Old.Complete()
	}
	return false
}

// whole is ops with whole images, if the rule needs them. Capture leaves unchanged columns out of an update which mustn't
// be written back where they came from (capture.Outward); the image before it has them. Neither ops nor in is changed.
func (r *Rule) whole(ops history.Row, in *history.Entry) (history.Row, *history.Entry) {
	if !r.NeedsImages() && r.other == nil {
		return ops, in
	}
	copied := false
	for i := range ops {
		if e := &ops[i]; r.fills(e) && e.Kind == change.Update && e.Old != nil && !e.Image.Complete() {
			if !copied {
				ops, copied = slices.Clone(ops), true
			}
			ops[i].Image = e.Image.Over(e.Old)
		}
	}
	if in != nil && r.fills(in) && in.Kind == change.Update && in.Old != nil && !in.Image.Complete() {
		filled := *in
		filled.Image = in.Image.Over(in.Old)
		in = &filled
	}
	return ops, in
}

// fills reports whether columns that e's image lacks count as written with what was there.
func (r *Rule) fills(e *history.Entry) bool {
	return r.of(e).NeedsImages() || r.Columns == nil && r.NeedsImages()
}

// beats reports whether a stands before b, none of which had seen the other.
func (r *Rule) beats(a, b *history.Entry) bool {
	if r.Deletes != DeletesByOrder && removes(a.Kind) != removes(b.Kind) {
		return removes(a.Kind) == (r.Deletes == DeleteWins)
	}
	switch r.Order {
	case EarliestWins:
		return a.Compare(b) < 0
	case ByPriority:
		if x, y := r.rank(a), r.rank(b); x != y {
			return x < y
		}
	case ByHome:
		if x, y := r.Home.is(a), r.Home.is(b); x != y {
			return x
		}
	}
	return a.Compare(b) > 0
}

func (r *Rule) rank(e *history.Entry) int { return r.rankOf(e.Tag.Dot.Origin.Region()) }

// rankOf is a region's place in Rule.Regions, or behind them.
func (r *Rule) rankOf(region string) int {
	if i := slices.Index(r.Regions, region); i >= 0 {
		return i
	}
	return len(r.Regions)
}

// is reports whether e was written in its row's own region.
func (h *Home) is(e *history.Entry) bool {
	image := e.Image
	if image == nil {
		image = e.Old
	}
	home := h.Else
	for c := range image {
		if e.Table.Columns[c].Name != h.Column {
			continue
		}
		text, ok := image[c].Text()
		text = strings.TrimRight(text, " ") // a char's padding, which some engines log
		if region, named := h.Regions[text]; ok && named {
			home = region
		}
		for i := range h.Ranges {
			if ok && h.Ranges[i].holds(text) {
				home = h.Ranges[i].Region
				break
			}
		}
	}
	return home != "" && home == e.Tag.Dot.Origin.Region()
}

// Rules are the rules of all tables.
type Rules struct {
	Default *Rule
	Tables  map[change.TableName]*Rule
	// Fingerprint is equal in regions that decide alike. Empty is last_write_wins for all tables.
	Fingerprint string

	next *Rules // those that these become; nil is none
}

// All is one rule for all tables.
func All(r *Rule) *Rules { return &Rules{Default: r} }

// Of is a table's rule: see [Rules.For] for while they change.
func (r *Rules) Of(t change.TableName) *Rule {
	if rule, ok := r.Tables[t]; ok {
		return rule
	}
	return r.Default
}
