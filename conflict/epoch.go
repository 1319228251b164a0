package conflict

import (
	"fmt"
	"maps"
	"slices"

	"bridge/change"
	"bridge/history"
)

// Becoming are rules on their way to other ones, while regions write. From some transaction on a region publishes under next, each at
// its own time, and says so in the transaction's tag. So operations of both epochs compete.
//
// A row is decided by the rule of the newest epoch among its maximal operations, which are the same in every region, whatever it has
// dropped. Where columns are merged each operation is read by its own epoch's rule: as what it was to those who decided by that. Both are
// functions of the set of operations (I1).
//
// The error names a table, and says why one rule can't turn into the other in one step: some decisions of the old one can't be read
// by the new.
//
// Refused: the oldest epoch of the maximal operations (one late transaction would bring back rules that a region has retired), and all operations
// by the deciding rule (what p and q came to by the old rule is in a later operation's image, but only where p and q aren't dropped yet
// would the new one come to another thing).
func (r *Rules) Becoming(next *Rules) (*Rules, error) {
	tables := maps.Clone(r.Tables)
	if tables == nil {
		tables = map[change.TableName]*Rule{}
	}
	for t := range next.Tables {
		tables[t] = r.Of(t)
	}
	now := &Rules{Tables: map[change.TableName]*Rule{}, Fingerprint: r.Fingerprint}
	then := &Rules{Tables: map[change.TableName]*Rule{}, Fingerprint: next.Fingerprint}
	for t := range tables {
		if why := r.Of(t).unreadable(next.Of(t)); why != "" {
			return nil, fmt.Errorf("table %s: %s", t, why)
		}
		now.Tables[t], then.Tables[t] = pair(r.Of(t), next.Of(t), r.Fingerprint, next.Fingerprint)
	}
	if why := r.Default.unreadable(next.Default); why != "" {
		return nil, fmt.Errorf("default: %s", why)
	}
	now.Default, then.Default = pair(r.Default, next.Default, r.Fingerprint, next.Fingerprint)
	now.next = then
	return now, nil
}

// Known are the fingerprints of the rules, and of those that they become.
func (r *Rules) Known() []string {
	if r.next == nil {
		return []string{r.Fingerprint}
	}
	return []string{r.Fingerprint, r.next.Fingerprint}
}

// Next is the fingerprint of what the rules become.
func (r *Rules) Next() (fingerprint string, ok bool) {
	if r.next == nil {
		return "", false
	}
	return r.next.Fingerprint, true
}

// Each are a table's rules: two while they change, if they differ for the table.
func (r *Rules) Each(t change.TableName) []*Rule {
	rules := []*Rule{r.Of(t)}
	if r.next != nil && r.next.Of(t) != rules[0] {
		rules = append(rules, r.next.Of(t))
	}
	return rules
}

// For is the rule that decides a row's operations.
func (r *Rules) For(t change.TableName, ops history.Row) *Rule {
	rule := r.Of(t)
	if r.next == nil || rule.other == nil {
		return rule
	}
	var few [8]int
	if slices.ContainsFunc(maximal(few[:0], ops), func(m int) bool { return ops[m].Tag.Rules == r.next.Fingerprint }) {
		return r.next.Of(t)
	}
	return rule
}

// NeedImages reports whether a table's operations must have complete images now.
func (r *Rules) NeedImages(t change.TableName) bool {
	return r.Of(t).NeedsImages() || r.next != nil && r.next.Of(t).NeedsImages()
}

// pair are copies of two rules that know each other; the same rule twice if they say the same.
func pair(now, next *Rule, from, to string) (*Rule, *Rule) {
	if now == next {
		return now, next
	}
	a, b := now.epoch(from), next.epoch(to)
	a.other, b.other, b.newer = next, now, true
	return a, b
}

func (r *Rule) epoch(under string) *Rule {
	return &Rule{Order: r.Order, Deletes: r.Deletes, Regions: r.Regions, Home: r.Home, Columns: r.Columns, Groups: r.Groups, under: under}
}

// of is the rule under which e was written.
func (r *Rule) of(e *history.Entry) *Rule {
	if r.other != nil && e.Tag.Rules != r.under {
		return r.other
	}
	return r
}

// unreadable says why operations written under r can't compete with those under next; "" if they can.
func (r *Rule) unreadable(next *Rule) string {
	switch {
	case r.Columns == nil && next.Columns == nil:
		return ""
	case r.Columns == nil || next.Columns == nil:
		if r.Order != LatestWins || next.Order != LatestWins {
			return fmt.Sprintf("%s can't become %s in one step: change it to last_write_wins first, for the whole row", r, next)
		}
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(r.Columns)) {
		if a, b := r.Columns[name], next.Columns[name]; a.adds() && !a.equal(b) {
			return fmt.Sprintf("column %s can't be %s first and %s then, for what they make together depends on the order, and so do spellings: "+
				"change the table to last_write_wins first, for the whole row", name, a.Merge, b.Merge)
		}
	}
	return ""
}

// adds reports whether changes of the column may be added to others: all ways to merge but those of which the latest stands.
func (c Column) adds() bool { return c.Merge != Assign && c.Merge != Manual && !c.Merge.computed() }

func (c Column) equal(d Column) bool {
	resets := c.Reset == d.Reset || c.Reset != nil && d.Reset != nil && *c.Reset == *d.Reset
	return c.Merge == d.Merge && c.Separator == d.Separator && c.JSON == d.JSON && resets
}
