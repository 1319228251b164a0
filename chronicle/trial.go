package chronicle

import (
	"bridge/change"
	"bridge/conflict"
	"bridge/history"
)

// Trial decides conflicts by other rules than those by which they were decided.
type Trial struct {
	current, changed *conflict.Rules
	unread           change.Vector
	keep             int

	// Tables are the counts, by table.
	Tables map[change.TableName]*Count
	// Differences are the first that were found, as many as are to be kept.
	Differences []*Difference
	last        map[change.Key]*Difference
	rows        map[change.Key]bool // that differ
}

// Count is of one table.
type Count struct {
	Operations int `json:"operations"`
	Conflicts  int `json:"conflicts"` // decided by both
	Different  int `json:"different"` // conflicts that come out otherwise
	Rows       int `json:"rows"`      // of these, counted once each
	// Lacking are conflicts of which the log doesn't tell what one of the rules needs.
	Lacking int `json:"lacking"`
	// Cut are conflicts of which some operations may not have been read.
	Cut int `json:"cut"`
}

// Add adds another table's.
func (c *Count) Add(other *Count) {
	c.Operations += other.Operations
	c.Conflicts += other.Conflicts
	c.Different += other.Different
	c.Rows += other.Rows
	c.Lacking += other.Lacking
	c.Cut += other.Cut
}

// Difference is a conflict that comes out otherwise.
type Difference struct {
	Key       change.Key
	Ops       history.Row
	Now, Then conflict.Outcome
	// Columns are those whose values differ, when there's a row either way.
	Columns []string
	// Latest says that nothing was written to the row since, so that it would be another row today.
	Latest bool
}

// At is the time of the latest of its operations.
func (d *Difference) At() change.Timestamp { return d.Ops[len(d.Ops)-1].Tag.Time }

// NewTrial makes a trial of changed rules against the current ones that keeps so many differences. unread are the
// transactions that aren't among those that come: what hasn't seen them all may be concurrent with one.
func NewTrial(current, changed *conflict.Rules, unread change.Vector, keep int) *Trial {
	return &Trial{
		current: current, changed: changed, unread: unread, keep: keep,
		Tables: map[change.TableName]*Count{}, last: map[change.Key]*Difference{}, rows: map[change.Key]bool{},
	}
}

// Row takes operations of a row, as [Window] gives them.
func (t *Trial) Row(key change.Key, ops history.Row) {
	c := t.Tables[key.Table]
	if c == nil {
		c = &Count{}
		t.Tables[key.Table] = c
	}
	if d := t.last[key]; d != nil {
		d.Latest = false
		delete(t.last, key)
	}
	changed := t.changed.Of(key.Table)
	episodes := Episodes(key, ops, t.current)
	for i := range episodes {
		e := &episodes[i]
		n := e.ownOperations()
		c.Operations += n
		if !e.Contested() || n == 0 {
			continue
		}
		then, lacks := e.decide(changed)
		switch {
		case !t.whole(e.Ops):
			c.Cut++
			continue
		case lacks || e.Lacks:
			c.Lacking++
			continue
		}
		c.Conflicts++
		differ, columns := difference(t.current.Of(key.Table), changed, &e.Outcome, &then)
		if !differ {
			continue
		}
		c.Different++
		if !t.rows[key] {
			t.rows[key] = true
			c.Rows++
		}
		if len(t.Differences) < t.keep {
			d := &Difference{Key: key, Ops: e.Ops, Now: e.Outcome, Then: then, Columns: columns, Latest: i == len(episodes)-1}
			t.Differences = append(t.Differences, d)
			if d.Latest {
				t.last[key] = d
			}
		}
	}
}

// whole reports whether no transaction that wasn't read can be concurrent with ops.
func (t *Trial) whole(ops history.Row) bool {
	for i := range ops {
		if !ops[i].Tag.Seen().Covers(t.unread) {
			return false
		}
	}
	return true
}

// difference compares two rules' outcomes, and names the columns that differ. How a rule spells a value that it merged
// makes no difference.
func difference(current, changed *conflict.Rule, now, then *conflict.Outcome) (differ bool, columns []string) {
	if now.Exists != then.Exists || !now.Exists {
		return now.Exists != then.Exists, nil
	}
	alike := func(o *conflict.Outcome) map[string]change.Value {
		image := current.Canonical(o.Table, changed.Canonical(o.Table, o.Image))
		out := make(map[string]change.Value, len(image))
		for c, v := range image {
			out[o.Table.Columns[c].Name] = v
		}
		return out
	}
	a, b := alike(now), alike(then)
	for _, c := range now.Table.Columns {
		if a[c.Name] != b[c.Name] {
			columns = append(columns, c.Name)
		}
	}
	return len(columns) > 0, columns
}
