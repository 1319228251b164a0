package apply

import (
	"fmt"
	"slices"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/visibility"
)

// Settlement is a transaction that constraints may keep from being shown as it is (package visibility): of a batch that
// the database refused or that concerns parked rows, or of none, to look at parked rows again. It's a state machine without
// I/O; whoever drives it does as told, in this order:
//
//  0. Write the [Settlement.Locks], if there are any.
//  1. [Settlement.Decide], [Settlement.Look], and look up what [Settlement.Lookups] asks for ([Settlement.Found]),
//     until it asks for nothing. What's found is locked.
//  2. Raise a barrier, and decide and look again. Where that asks for more, go on with 1.
//  3. Do the [Settlement.Steps], and, if [Settlement.Fresh] says that they locked rows which weren't there, raise another barrier, decide and look:
//     if the steps aren't the same any more, roll back and begin again.
//  4. Commit what [Settlement.Moves] says with the rest.
//
// So decisions read a row as it was before their barrier, never fresher: see DESIGN.md §4.
type Settlement struct {
	self    change.Origin
	batch   *Batch // nil of upkeep
	rules   *conflict.Rules
	catalog visibility.Catalog
	parking *visibility.Parking
	mark    visibility.Marker
	// suspects are parked rows to be looked at, orphaned the values of which children may have lost their parent.
	suspects map[change.Key]bool
	orphaned []Orphaned
	// truncates are the tables that the batch truncates, with the last truncate of each; emptied are those that this region's applications
	// truncated, of upkeep. Survivors are rows of theirs that a rule by columns takes from the table, children those of other tables that
	// were written by whoever hadn't seen a truncate of their parents'; both with an operation that tells the key.
	truncates map[change.TableName]*incoming
	emptied   map[change.TableName]bool
	survivors map[change.Key]history.Entry
	children  map[change.Key]history.Entry
	// refuses has the constraints by which rows were found not to fit, and again says that those parked for that are to be tried.
	refuses map[change.Key]string
	again   bool
	// blames says that a row which collides by a constraint that isn't known is one that doesn't fit.
	blames bool
	// unread are the rows, or tables, of which operations that history doesn't hold must be read again to tell what deletes found; rereads says
	// that the last decision found such.
	unread  map[change.Key]bool
	rereads bool
	// recorded is what the last attempt put into bridge.conflicts.
	recorded []conflict.Record

	found   map[change.Key]visibility.Row // locked, as the table had them
	named   map[change.Key]bool           // of those, what was found only as a parent: others may name it meanwhile
	asked   map[change.Key]bool           // was looked up by its key
	sought  map[sought]bool
	lookups []visibility.Lookup
	// Rows, and values of parents, that were looked up a second time, see Doubts: up to which of this region's transactions.
	doubted        map[change.Key]uint64
	doubtedParents map[visibility.Value]uint64

	scene   *visibility.Scene
	records []conflict.Record
	last    map[change.Key]history.Entry // the last version of each row that's known
	claims  map[change.Key]claim         // to lock keys with that aren't there
	barrier uint64                       // of the last decision
	absent  map[change.Key]uint64        // rows that weren't found and may be there, with this region's last transaction that wrote them
}

// claim is a row that's inserted and deleted again, which locks its key, and the unique values that it meets others by.
type claim struct {
	row   *visibility.Row
	table *visibility.Table
	holds []visibility.Value
}

// sought is a value that was looked up.
type sought struct {
	value    visibility.Value
	children string // of which foreign key's table; empty are the value's holders
}

func newSettlement(self change.Origin, b *Batch, rules *conflict.Rules, catalog visibility.Catalog, parking *visibility.Parking, mark visibility.Marker) *Settlement {
	s := &Settlement{
		self: self, batch: b, rules: rules, catalog: catalog, parking: parking, mark: mark,
		suspects: map[change.Key]bool{}, refuses: map[change.Key]string{}, unread: map[change.Key]bool{}, truncates: map[change.TableName]*incoming{},
		found: map[change.Key]visibility.Row{}, named: map[change.Key]bool{}, asked: map[change.Key]bool{}, sought: map[sought]bool{},
		doubted: map[change.Key]uint64{}, doubtedParents: map[visibility.Value]uint64{},
	}
	s.truncating()
	return s
}

// suspect has it look at parked rows, and at the children of parents that may be gone. Due.Again has those tried that the database refused before.
func (s *Settlement) suspect(d Due) {
	for key := range d.Parked {
		s.suspects[key] = true
	}
	s.orphaned, s.emptied, s.again = d.Orphaned, d.Truncated, d.Again
}

// Again forgets what was found, which isn't locked any more: the transaction was rolled back.
func (s *Settlement) Again() {
	clear(s.found)
	clear(s.named)
	clear(s.asked)
	clear(s.sought)
	clear(s.doubted)
	clear(s.doubtedParents)
	s.lookups, s.scene = nil, nil
	if s.batch != nil {
		s.batch.Reset()
	}
}

// Refuse notes that the database doesn't take a row, by which constraint. It reports whether that's news.
func (s *Settlement) Refuse(key change.Key, constraint string) bool {
	_, known := s.refuses[key]
	s.refuses[key] = constraint
	return !known
}

// table is what is known of a table's constraints; nothing, of one that has none.
func (s *Settlement) table(t *change.Table) *visibility.Table {
	if known := s.catalog[t.TableName]; known != nil {
		return known
	}
	return &visibility.Table{Shape: t}
}

// Found takes in what a lookup found.
func (s *Settlement) Found(l *visibility.Lookup, rows []visibility.Row) {
	for _, r := range rows {
		if _, had := s.found[r.Key]; !had { // had: what it was before this transaction wrote it
			s.found[r.Key] = r
			s.named[r.Key] = l.Parents
		}
		s.named[r.Key] = s.named[r.Key] && l.Parents
	}
}

// Lookups are what must be looked up next.
func (s *Settlement) Lookups() []visibility.Lookup {
	l := s.lookups
	s.lookups = nil
	return l
}

// lookup asks for rows of a table.
func (s *Settlement) lookup(t *visibility.Table, columns []string, values []change.Value) {
	s.lookups = addLookup(s.lookups, visibility.Lookup{Table: t, Columns: columns, Values: [][]change.Value{values}})
}

// lookupParent asks for the rows that a child may name.
func (s *Settlement) lookupParent(t *visibility.Table, columns []string, values []change.Value) {
	s.lookups = addLookup(s.lookups, visibility.Lookup{Table: t, Columns: columns, Values: [][]change.Value{values}, Parents: true})
}

// addLookup asks for rows, together with others that are looked for in the same way.
func addLookup(lookups []visibility.Lookup, more visibility.Lookup) []visibility.Lookup {
	for i := range lookups {
		if l := &lookups[i]; l.Table.Shape.Fingerprint() == more.Table.Shape.Fingerprint() && l.Unique == more.Unique && l.Parents == more.Parents && l.Held == more.Held && slices.Equal(l.Columns, more.Columns) {
			l.Values = append(l.Values, more.Values...)
			return lookups
		}
	}
	return append(lookups, more)
}

// seek asks for the row of a key, once.
func (s *Settlement) seek(key change.Key, t *change.Table, images ...change.Image) error {
	if s.asked[key] {
		return nil
	}
	var columns []string
	for _, c := range t.Keys {
		columns = append(columns, t.Columns[c].Name)
	}
	values, ok := keyValues(key, t, columns, images)
	if !ok {
		return fmt.Errorf("%w: the log doesn't tell the key of row %s", ErrRefused, key)
	}
	s.asked[key] = true
	s.lookup(s.table(t), columns, values)
	return nil
}

// keyValues are the texts of a key's columns: as an image has them, or, where capture leaves them to the key, as that has them.
func keyValues(key change.Key, t *change.Table, columns []string, images []change.Image) (values []change.Value, ok bool) {
	for _, image := range images {
		if image == nil {
			continue
		}
		r := visibility.Row{Key: key, Table: t, Image: image}
		if values, ok := r.Values(columns); ok {
			return values, true
		}
	}
	r := visibility.Row{Key: key, Table: t, Image: keyImage(key, t)}
	return r.Values(columns)
}

// keyImage is what a key tells of its row: its columns, in the forms that the key has; nil if it isn't the table's.
func keyImage(key change.Key, t *change.Table) change.Image {
	texts, ok := key.Values()
	if !ok || len(texts) != len(t.Keys) {
		return nil
	}
	image := make(change.Image, len(t.Columns))
	for n, c := range t.Keys {
		image[c] = change.Text(texts[n])
	}
	return image
}

// asOf is the place in the log up to which local operations on a row count: all, of one that's locked.
func (s *Settlement) asOf(key change.Key, barrier uint64) uint64 {
	if _, locked := s.found[key]; locked {
		return ^uint64(0)
	}
	return barrier
}

// Lacks is [Batch.Lacks]'s.
func (s *Settlement) Lacks(h *history.History, barrier uint64) (refs []history.Ref) {
	if h.Whole() {
		return nil
	}
	if s.batch != nil {
		for _, r := range s.batch.rows {
			refs = append(refs, h.Lacks(r.key, s.asOf(r.key, barrier))...)
		}
	}
	for key := range s.found {
		refs = append(refs, h.Lacks(key, ^uint64(0))...)
	}
	for _, key := range sortedKeys(s.suspects) {
		refs = append(refs, h.Lacks(key, s.asOf(key, barrier))...)
	}
	for _, child := range s.childTables() {
		refs = append(refs, h.Lacks(change.Key{Table: child}, barrier)...)
	}
	for _, key := range sortedKeys(s.unread) {
		refs = append(refs, h.Lacks(key, ^uint64(0))...)
	}
	return refs
}
