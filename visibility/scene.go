package visibility

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"bridge/change"
)

// Candidate is what a row's operations made of it, beside what the table shows of it now.
type Candidate struct {
	Key   change.Key
	Table *Table
	// Row is the candidate, nil where there's none: the row is deleted, or was given up.
	Row   *Row
	Marks Marks
	Claim Claim
	// Now is what the table shows, nil where it shows nothing.
	Now      *Row
	NowMarks Marks
	// Aside says that the row was met as another's rival, parent or child: it changes only if one of those in the scene does so to it.
	Aside bool
	// Refuses is the constraint by which this database doesn't take the row, if it's known not to.
	Refuses string
	// Lost are the deleted rows that the row lacks: see [Parked]. Kin are the keys of those that they name: if one is deleted later, the row
	// lacks it, too.
	Lost []Lost
	Kin  []change.Key

	Verdict
}

// Verdict is what a decision makes of a candidate.
type Verdict struct {
	Shown      *Row // nil: the table shows nothing
	ShownMarks Marks
	// Reason and Constraint say why Shown isn't Row; empty where it is.
	Reason     Reason
	Constraint string
	// Blockers are the rows by which it's so, and Tables those of which any row might end it.
	Blockers []change.Key
	Tables   []change.TableName
}

// Scene is the candidates that a decision is about, with all that can hide them.
type Scene struct {
	catalog Catalog
	byKey   map[change.Key]*Candidate
	order   []*Candidate
	// Sought are the referred values of which all rows that offer them are in the scene.
	Sought map[Value]bool
}

// NewScene makes an empty scene of tables of the catalog.
func NewScene(catalog Catalog) *Scene {
	return &Scene{catalog: catalog, byKey: map[change.Key]*Candidate{}, Sought: map[Value]bool{}}
}

// Add puts a candidate into the scene. There's one of a key at most.
func (s *Scene) Add(c *Candidate) {
	s.byKey[c.Key] = c
	s.order = append(s.order, c)
}

// Get is the candidate of a key, nil if it isn't in the scene.
func (s *Scene) Get(key change.Key) *Candidate { return s.byKey[key] }

// All are the candidates in the order in which they came.
func (s *Scene) All() []*Candidate { return s.order }

// Marker finds the values of a row.
type Marker func(t *Table, r *Row) (Marks, error)

// Decide says of every candidate what the table shows of it. It's a function of the candidates alone, whatever their order.
func (s *Scene) Decide(mark Marker) error {
	holders := s.holders()
	crowded := map[change.Key]*crowding{}
	for {
		for _, c := range s.order {
			c.Verdict = Verdict{}
			if c.Row == nil {
				continue
			}
			if err := c.amongRivals(holders, crowded[c.Key], mark); err != nil {
				return err
			}
		}
		if err := s.orphans(mark); err != nil {
			return err
		}
		if more := s.crowd(holders, crowded); !more {
			return nil
		}
	}
}

// holders are the candidates by the unique values that they hold, shown or not: a rival that's hidden counts, or else what is shown would
// depend on who came first.
func (s *Scene) holders() map[Value][]*Candidate {
	holders := map[Value][]*Candidate{}
	for _, c := range s.order {
		if c.Row == nil {
			continue
		}
		for _, v := range c.Marks.Holds {
			if v.Has() {
				holders[v] = append(holders[v], c)
			}
		}
	}
	return holders
}

// amongRivals decides what unique keys let be shown of the candidate.
func (c *Candidate) amongRivals(holders map[Value][]*Candidate, crowded *crowding, mark Marker) error {
	c.Shown, c.ShownMarks = c.Row, c.Marks
	for i, v := range c.Marks.Holds {
		lost := false
		for _, rival := range holders[v] {
			if rival != c && c.Claim.Compare(rival.Claim) < 0 {
				c.Blockers = append(c.Blockers, rival.Key)
				lost = true
			}
		}
		if !lost || c.Shown == nil {
			continue
		}
		u := &c.Table.Unique[i]
		c.Reason, c.Constraint = ByUnique, u.Name
		if u.Loser == Park {
			c.Shown = nil
			continue
		}
		c.Shown = u.altered(c)
	}
	if crowded != nil {
		c.Shown, c.Reason, c.Constraint = nil, ByUnique, crowded.constraint
		c.Blockers = append(c.Blockers, crowded.by...)
	}
	if c.Refuses != "" {
		c.Shown, c.Reason, c.Constraint = nil, Refused, c.Refuses
	}
	return c.remark(mark)
}

// crowding is why a candidate can't be shown altered either.
type crowding struct {
	constraint string
	by         []change.Key
}

// crowd finds candidates that are shown altered for whose altered values there's no place either: these are hidden. The latest claims
// come first. It reports whether there are such that it hadn't found before.
func (s *Scene) crowd(holders map[Value][]*Candidate, crowded map[change.Key]*crowding) (more bool) {
	var altered []*Candidate
	for _, c := range s.order {
		if c.isAltered() {
			altered = append(altered, c)
		}
	}
	slices.SortFunc(altered, func(a, b *Candidate) int { return b.Claim.Compare(a.Claim) })
	shown := map[Value]change.Key{}
	for _, c := range altered {
		if by := c.crowdedBy(holders, shown); by != nil {
			crowded[c.Key], more = by, true
			continue
		}
		for _, v := range c.ShownMarks.Holds {
			shown[v] = c.Key
		}
	}
	return more
}

// crowdedBy says which candidates have an altered one's unique values: of what it took in place of its own any that holds it, however early.
func (c *Candidate) crowdedBy(holders map[Value][]*Candidate, shown map[Value]change.Key) *crowding {
	for i, v := range c.ShownMarks.Holds {
		if !v.Has() {
			continue
		}
		var by []change.Key
		for _, rival := range holders[v] {
			if rival != c && (v != c.Marks.Holds[i] || c.Claim.Compare(rival.Claim) < 0) {
				by = append(by, rival.Key)
			}
		}
		if rival, ok := shown[v]; ok {
			by = append(by, rival)
		}
		if len(by) > 0 {
			return &crowding{c.Table.Unique[i].Name, by}
		}
	}
	return nil
}

func (c *Candidate) isAltered() bool { return c.Shown != nil && c.Shown != c.Row }

// remark finds the values of what's shown.
func (c *Candidate) remark(mark Marker) (err error) {
	switch {
	case c.Shown == nil:
		c.ShownMarks = Marks{}
	case c.Shown != c.Row:
		c.ShownMarks, err = mark(c.Table, c.Shown)
	}
	return err
}

// altered is what's shown of a candidate that loses the unique key.
func (u *Unique) altered(c *Candidate) *Row {
	value := change.Null
	if u.Loser == Rename {
		text, _ := c.Row.value(u.Column).Text()
		value = change.Text(text + "~" + suffix(c.Key))
	}
	return c.Shown.with(u.Column, value)
}

// suffix tells renamed rows of a table apart: the row's key, or, where that's no short plain text, a hash of it. It's not of the claim:
// regions in which the row's operations are stable don't know that (found by simulation).
func suffix(key change.Key) string {
	const room = 12 // as many as the digits of the hash
	values, ok := key.Values()
	text := strings.Join(values, "-")
	plain := !strings.ContainsFunc(text, func(r rune) bool { return r < '!' || r > '~' })
	if ok && plain && len(text) <= room {
		return text
	}
	hash := sha256.Sum256([]byte(key.Row))
	return hex.EncodeToString(hash[:room/2])
}

// with is the row with another value in a column.
func (r *Row) with(column string, v change.Value) *Row {
	out := *r
	out.Image = slices.Clone(r.Image)
	out.Set(column, v)
	return &out
}

// Set puts a value into a column of the row, if it has one of that name.
func (r *Row) Set(column string, v change.Value) {
	for i := range r.Table.Columns {
		if r.Table.Columns[i].Name == column {
			r.Image[i] = v
		}
	}
}

// orphans hides children whose parents aren't shown, and their children. It begins with all shown and hides until nothing changes:
// rows that name each other, or themselves, stay.
func (s *Scene) orphans(mark Marker) error {
	for changed := true; changed; {
		changed = false
		offered := s.offered()
		for _, c := range s.order {
			if c.Shown == nil {
				continue
			}
			hidden, err := s.orphan(c, offered, mark)
			if err != nil {
				return err
			}
			changed = changed || hidden
		}
	}
	return nil
}

// offered are the values that shown rows offer, and of others in the scene that they don't any more.
func (s *Scene) offered() map[Value]bool {
	offered := map[Value]bool{}
	for _, c := range s.order {
		for _, v := range c.NowMarks.Offers {
			offered[v] = offered[v]
		}
		for _, v := range c.Marks.Offers {
			offered[v] = offered[v]
		}
	}
	for _, c := range s.order {
		for _, v := range c.ShownMarks.Offers {
			offered[v] = true
		}
	}
	return offered
}

// orphan hides a candidate if a parent that it names isn't shown, or alters it; it reports whether it did.
func (s *Scene) orphan(c *Candidate, offered map[Value]bool, mark Marker) (bool, error) {
	for i, v := range c.ShownMarks.Names {
		shown, known := offered[v]
		if !v.Has() || shown || !known && !s.Sought[v] {
			continue
		}
		f := &c.Table.Foreign[i]
		c.Reason, c.Constraint = ByParent, f.Name
		if parent, ok := s.catalog[f.Parent].KeyOf(v); ok {
			c.Blockers = append(c.Blockers, parent)
		} else {
			c.Tables = append(c.Tables, f.Parent)
		}
		if f.Policy != NullChild {
			c.Shown = nil
			return true, c.remark(mark)
		}
		for _, column := range f.Columns {
			c.Shown = c.Shown.with(column, change.Null)
		}
		return true, c.remark(mark)
	}
	return false, nil
}
