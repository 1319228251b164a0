package mysql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bridge/apply"
	"bridge/change"
)

// statement is the text around the rows of one set-based statement, and what its rows are made of.
type statement struct {
	// before and after stand around the rows.
	before, after string
	// row begins a row: "(" in INSERT, and "ROW(" where rows are a table in MySQL.
	row string
	// numbered says that each row begins with the index of its write.
	numbered bool
	columns  []int // of the table's shape, whose values follow
	keyed    bool  // the values are the key's (delete)
	// alone does the write of a single row without a table of rows; nil of kinds that need none. few is up to how many
	// rows of a batch are done so, one by one.
	alone   *plain
	few     int
	counted bool // the rows that it finds are counted in foundRows
	packs   bool // its values are packed: see [packed]
}

// affects reports whether each row that it finds counts as one affected.
func (s *statement) affects() bool { return s.numbered || s.packs }

// foundRows is the user variable in which an overwrite counts the rows that it finds.
const foundRows = "@bridge_found"

// A table of rows costs a server as much as some statements: twice a single one's time. For an update of TEXT or BLOB columns
// MariaDB makes a table on disk, which takes 1.4 ms or more; a row more takes 0.03 ms (measured, 10.11).
const (
	few       = 2
	fewOnDisk = 50
)

// plain is a statement with a row's literals in it.
type plain struct {
	text []string // what stands before each literal
	of   []int    // which columns the literals are of
}

func (p *plain) add(text string, column int) {
	p.text, p.of = append(p.text, text), append(p.of, column)
}

// builder writes the statements of one table in one server's dialect.
type builder struct {
	*table
	maria bool
	// careful says that an update mustn't try to insert: it's not known that its rows are there.
	careful bool
}

// build makes the statement of n writes like w: of its kind, with the columns that its image carries.
func (b *builder) build(w *apply.Write, n int) (*statement, error) {
	switch w.Kind {
	case apply.Upsert:
		return b.upsert(b.carried(w), ""), nil
	case apply.Update:
		if n > few && b.packs(w) {
			return &statement{columns: b.assigned(b.carried(w)), few: few, packs: true}, nil
		}
		if n > few && b.overwrites(w) {
			return b.overwrite(b.carried(w)), nil
		}
		s := b.join("UPDATE ", b.carried(w), b.set)
		s.alone, s.few = b.updateOne(s.columns), few
		if b.maria && slices.ContainsFunc(b.assigned(s.columns), func(i int) bool { return b.columns[i].large() }) {
			s.few = fewOnDisk
		}
		return s, nil
	case apply.Delete:
		s := b.join("DELETE t FROM ", b.Keys, func([]int) string { return "" })
		s.keyed, s.alone, s.few = true, &plain{}, few
		b.whereKey(s.alone, "DELETE FROM "+b.name)
		return s, nil
	case apply.Truncate:
		return &statement{before: "DELETE FROM " + b.name}, nil
	case apply.Lock:
		return &statement{before: "DO (SELECT COUNT(*) FROM " + b.name + " FOR UPDATE)"}, nil
	}
	return nil, fmt.Errorf("write of kind %d on table %s is unknown", w.Kind, b.Table)
}

// carried are the columns that an image assigns and this database lets be assigned.
func (b *builder) carried(w *apply.Write) []int {
	var columns []int
	for i := range b.Columns {
		if !w.Image[i].IsAbsent() && !b.columns[i].generated {
			columns = append(columns, i)
		}
	}
	return columns
}

// packs reports whether updates like w are packed, which takes two thirds of the time of an upsert.
func (b *builder) packs(w *apply.Write) bool {
	return b.packable && !b.careful && len(b.assigned(b.carried(w))) > 0
}

// overwrites reports whether updates like w are done as upserts. MariaDB takes half the time for one: it writes the new values of
// a join into a table on disk if one of them is TEXT, and reads them there. To MySQL the two are alike.
func (b *builder) overwrites(w *apply.Write) bool {
	return b.maria && !b.careful && !b.updateOnly && !slices.ContainsFunc(w.Image, change.Value.IsAbsent)
}

// overwrite is an upsert that takes its rows to be there, and counts them: one that it has inserted is missing, and the transaction is
// begun anew, carefully.
func (b *builder) overwrite(columns []int) *statement {
	s := b.upsert(columns, " AND ("+foundRows+" := "+foundRows+" + 1)")
	s.few, s.counted = few, true
	return s
}

// upsert inserts rows, or makes those that are there be so. The first assignment is the guard: it gives the key a value that it
// can't have when the row that is in the way has another primary key (see [table.guard]). found is evaluated for each other
// row that's there.
func (b *builder) upsert(columns []int, found string) *statement {
	names := make([]string, len(columns))
	for n, i := range columns {
		names[n] = b.columns[i].name
	}
	var same []string
	for _, i := range b.Keys {
		same = append(same, b.column(i)+" = "+b.fresh(i))
	}
	guard, never := b.guard()
	set := []string{fmt.Sprintf("%s = IF(%s%s, %s, %s)", b.column(guard), strings.Join(same, " AND "), found, b.fresh(guard), never)}
	for _, i := range columns {
		if i != guard {
			set = append(set, b.column(i)+" = "+b.fresh(i))
		}
	}
	for _, name := range b.keptNow(columns) {
		set = append(set, b.name+"."+name+" = "+b.name+"."+name)
	}
	alias := " AS new"
	if b.maria {
		alias = ""
	}
	return &statement{
		before:  fmt.Sprintf("INSERT INTO %s (%s) VALUES ", b.name, strings.Join(names, ", ")),
		after:   alias + " ON DUPLICATE KEY UPDATE " + strings.Join(set, ", "),
		row:     "(",
		columns: columns,
	}
}

// column is a column of the table that is inserted into.
func (b *builder) column(i int) string { return b.name + "." + b.columns[i].name }

// fresh is a column of the row that was to be inserted.
func (b *builder) fresh(i int) string {
	if b.maria {
		return "VALUES(" + b.columns[i].name + ")"
	}
	return "new." + b.columns[i].name
}

// join is a statement on the rows r and, for each, the row t of the table with its key.
func (b *builder) join(verb string, columns []int, tail func([]int) string) *statement {
	s := &statement{numbered: true, columns: columns}
	names := []string{"n"}
	for _, i := range columns {
		names = append(names, alias(i))
	}
	list := strings.Join(names, ", ")
	end := ""
	if b.maria {
		s.before, s.row, end = verb+"(WITH v("+list+") AS (VALUES ", "(", ") SELECT * FROM v) AS r"
	} else {
		s.before, s.row, end = verb+"(VALUES ", "ROW(", ") AS r("+list+")"
	}
	s.after = end + " STRAIGHT_JOIN " + b.name + " AS t FORCE INDEX (PRIMARY) ON " + b.match() + tail(columns)
	return s
}

// locking asks which of the rows of s are in the table, and locks those.
func (b *builder) locking(s *statement) *statement {
	l := b.join("SELECT r.n FROM ", s.columns, func([]int) string { return " FOR UPDATE" })
	l.keyed = s.keyed
	return l
}

// alias is the name of a column's values in r.
func alias(i int) string { return "c" + strconv.Itoa(i) }

// match is the condition that a row of the table has the key of r.
func (b *builder) match() string {
	var on []string
	for _, i := range b.Keys {
		opening, closing := b.columns[i].comparison()
		on = append(on, "t."+b.columns[i].name+" = "+opening+"r."+alias(i)+closing)
	}
	return strings.Join(on, " AND ")
}

func (b *builder) set(columns []int) string {
	var set []string
	for _, i := range b.assigned(columns) {
		set = append(set, "t."+b.columns[i].name+" = r."+alias(i))
	}
	for _, name := range b.unchanged(columns) {
		set = append(set, "t."+name+" = t."+name)
	}
	return " SET " + strings.Join(set, ", ")
}

// assigned are those of the columns that an update assigns: of the key's, those whose text may change.
func (b *builder) assigned(columns []int) []int {
	return slices.DeleteFunc(slices.Clone(columns), func(i int) bool { return b.Columns[i].Key && !b.columns[i].equalDiffer() })
}

// unchanged are the quoted names of the columns that an update assigns their own values: at least one, if it assigns no other.
func (b *builder) unchanged(columns []int) []string {
	kept := b.keptNow(columns)
	if len(kept) == 0 && len(b.assigned(columns)) == 0 { // a table of nothing but its key
		kept = append(kept, b.columns[b.Keys[0]].name)
	}
	return kept
}

// updateOne is the update of one row.
func (b *builder) updateOne(columns []int) *plain {
	p := &plain{}
	before := "UPDATE " + b.name + " SET "
	for _, i := range b.assigned(columns) {
		p.add(before+b.columns[i].name+" = ", i)
		before = ", "
	}
	for _, name := range b.unchanged(columns) {
		before += name + " = " + name + ", "
	}
	b.whereKey(p, strings.TrimSuffix(before, ", "))
	return p
}

// whereKey ends a statement with the condition that the row has the key of the literals.
func (b *builder) whereKey(p *plain, before string) {
	before += " WHERE "
	for _, i := range b.Keys {
		opening, closing := b.columns[i].comparison()
		p.add(before+b.columns[i].name+" = "+opening, i)
		before = closing + " AND "
	}
	p.text = append(p.text, strings.TrimSuffix(before, " AND "))
}

// keptNow are the quoted names of the columns that the server would set to the current time, unless they're assigned.
func (b *builder) keptNow(assigned []int) []string {
	var kept []string
next:
	for _, name := range b.clocks {
		for _, i := range assigned {
			if b.columns[i].name == name {
				continue next
			}
		}
		kept = append(kept, name)
	}
	return kept
}
