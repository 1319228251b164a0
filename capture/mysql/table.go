package mysql

import (
	"bytes"
	"slices"

	"bridge/capture"
	"bridge/change"
	"bridge/internal/mysql"
	"bridge/loopguard"
	"bridge/value"
)

// role is what the rows of a table are to bridge.
type role uint8

const (
	roleData    role = iota // an application's: shipped
	roleMarker              // bridge.progress
	roleBarrier             // bridge.barrier
	roleOther               // bridge's other tables, the server's own, and those that aren't selected: passed over
)

// BarrierTable is the table of schema bridge whose one row a barrier updates.
const BarrierTable = "barrier"

// barrierColumns are what its row says.
var barrierColumns = []string{"run", "token", "floor"}

// table is a table as a table map event told it. Everything but name and role is read by resolve when a
// row needs it: most events of a mesh are echoes, whose rows aren't decoded.
type table struct {
	id   uint64
	body []byte // of the event, from the flags on: it tells whether the table is still the same
	name change.TableName
	role role

	resolved bool
	err      error // why rows of the table can't be captured
	columns  []column
	key      []int // indexes of the primary key's columns, in the key's order
	// shapes are the table as the other regions know it: for rows with complete images, and for others.
	shapes   [2]*change.Table
	withheld []int     // columns of which unchanged values aren't sent: see [capture.Outward.Table]
	forms    []keyForm // of key columns whose texts aren't compared as they are; nil if there are none
	marker   []int     // indexes of the marker's or barrier's columns
}

// column is what it takes to read a value.
type column struct {
	name     string
	typ      byte
	meta     uint16 // by type: length, size of the length, or digits of a fraction
	unsigned bool
	charset  *charset // of text and labels; nil for other types
	collate  uint64   // the collation's id
	labels   []string // of ENUM and SET
	geometry uint64
	native   string // MariaDB: the name of a type that the log shows as BINARY
}

// parseTable reads the head of a table map event.
func parseTable(body []byte) (*table, error) {
	c := cursor{rest: body}
	t := &table{id: c.uint(6), body: c.rest}
	c.uint16() // flags
	t.name.Schema = string(c.name())
	t.name.Name = string(c.name())
	return t, c.done("table map event")
}

// name is a name with its length before and a zero byte behind it.
func (c *cursor) name() []byte {
	b := c.take(int(c.byte()))
	c.byte()
	return b
}

// roleOf says what the rows of a table are to bridge.
func roleOf(n change.TableName, selected func(change.TableName) bool) role {
	switch n.Schema {
	case loopguard.Schema:
		switch n.Name {
		case loopguard.MarkerTable:
			return roleMarker
		case BarrierTable:
			return roleBarrier
		}
		return roleOther
	case "mysql", "sys", "performance_schema", "information_schema":
		return roleOther
	}
	if selected != nil && !selected(n) {
		return roleOther
	}
	return roleData
}

// tables are those announced so far, by the ids that the server gave them. An id is a table in one
// shape, until the server restarts.
type tables struct {
	byID     map[uint64]*table
	latest   map[change.TableName]*table // for statements, which name a table without its columns
	selected func(change.TableName) bool
	outward  capture.Outward
}

func newTables(selected func(change.TableName) bool, outward capture.Outward) *tables {
	return &tables{byID: make(map[uint64]*table), latest: make(map[change.TableName]*table), selected: selected, outward: outward}
}

// announce takes a table map event. Most say what an earlier one has said.
func (ts *tables) announce(body []byte) error {
	c := cursor{rest: body}
	if had := ts.byID[c.uint(6)]; had != nil && !c.short && bytes.Equal(had.body, c.rest) {
		return nil
	}
	t, err := parseTable(body)
	if err != nil {
		return err
	}
	t.body = bytes.Clone(t.body)
	t.role = roleOf(t.name, ts.selected)
	ts.byID[t.id] = t
	if t.role == roleData {
		ts.latest[t.name] = t
	}
	return nil
}

// forget drops what was announced: ids mean something else from here on.
func (ts *tables) forget() { clear(ts.byID) }

// get finds the table of a row.
func (ts *tables) get(id uint64) (*table, error) {
	if t := ts.byID[id]; t != nil {
		return t, nil
	}
	return nil, badLog("rows of a table (id %d) that wasn't announced", id)
}

// shape is the table that operations name. full says that the row's old image is complete.
func (t *table) shape(full bool) *change.Table {
	if full {
		return t.shapes[1]
	}
	return t.shapes[0]
}

// setShapes makes the shapes of the columns.
func (t *table) setShapes(flavor mysql.Flavor, outward *capture.Outward) (err error) {
	columns := make([]change.Column, len(t.columns))
	for n := range t.columns {
		columns[n] = change.Column{Name: t.columns[n].name, Type: t.columns[n].typeName(), Key: slices.Contains(t.key, n)}
	}
	for i, full := range []bool{false, true} {
		local := change.NewTable(t.name, columns, full).On(engine(flavor))
		if t.shapes[i], t.withheld, err = outward.Table(local); err != nil {
			return badLog("%w", err)
		}
	}
	return nil
}

// engine is what tables call a flavor.
func engine(flavor mysql.Flavor) string {
	if flavor == mysql.MariaDB {
		return string(value.MariaDB)
	}
	return string(value.MySQL)
}

// find gives the indexes of columns by their names.
func (t *table) find(names []string) ([]int, error) {
	at := make([]int, len(names))
	for n, name := range names {
		at[n] = slices.IndexFunc(t.columns, func(c column) bool { return c.name == name })
		if at[n] < 0 {
			return nil, badLog("table %s has no column %q in the log: only bridge may change its tables", t.name, name)
		}
	}
	return at, nil
}
