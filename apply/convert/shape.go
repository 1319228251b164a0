package convert

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"bridge/apply"
	"bridge/change"
	"bridge/naming"
	"bridge/value"
)

// shape is how rows of one shape of another engine's table are converted.
type shape struct {
	from, to *change.Table
	name     string   // the table's, for messages
	columns  []column // in to's order
	inPlace  bool     // the columns have the same order in both
}

// column is one column of shape.to.
type column struct {
	from  int    // its place in shape.from
	name  string // between the regions, in the spelling that local capture gives it
	told  string // its names for messages
	local Column
	plan  *value.Plan // nil: texts are the same
	form  func(ctx context.Context, text string) (string, error)
	// unassigned is of a column that this database computes.
	unassigned bool
}

// newShape compares a table with the one here. c.mu is held.
func (c *Converter) newShape(ctx context.Context, t *change.Table) (*shape, error) {
	local, err := c.Names.LocalTable(t)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", apply.ErrRefused, err)
	}
	here, err := c.Catalog.Columns(ctx, local.TableName)
	if err != nil {
		return nil, fmt.Errorf("read the columns of table %s: %w", local, err)
	}
	s := &shape{from: t, name: naming.Both(local.String(), t.String())}
	if len(here) == 0 {
		return nil, fmt.Errorf("%w: table %s isn't in this database; create one that holds what the other regions' does, and it goes on by itself", apply.ErrRefused, s.name)
	}
	for i := range local.Columns {
		col, err := c.newColumn(s, local, i, here)
		if err != nil {
			return nil, err
		}
		s.columns = append(s.columns, col)
	}
	slices.SortFunc(s.columns, func(a, b column) int { return cmp.Compare(a.local.Place, b.local.Place) })
	s.inPlace = slices.IsSortedFunc(s.columns, func(a, b column) int { return cmp.Compare(a.from, b.from) })
	columns := make([]change.Column, len(s.columns))
	for n, col := range s.columns {
		columns[n] = change.Column{Name: col.name, Type: col.local.Type.Name, Key: t.Columns[col.from].Key}
	}
	s.to = change.NewTable(t.TableName, columns, t.Full).On(string(c.Engine))
	return s, nil
}

// newColumn compares column i of the table, whose names here are t's, with the one here.
func (c *Converter) newColumn(s *shape, t *change.Table, i int, here map[string]Column) (column, error) {
	there := t.Columns[i]
	told := naming.Both(there.Name, s.from.Columns[i].Name)
	name, ok := c.find(here, there.Name)
	if !ok {
		return column{}, fmt.Errorf("%w: table %s lacks column %s, which has type %s in a region of %s; ALTER TABLE … ADD COLUMN with a type that holds its values, and it goes on by itself",
			apply.ErrRefused, s.name, told, there.Type, t.Engine)
	}
	stream, err := c.Names.StreamColumn(t.TableName, name)
	if err != nil {
		return column{}, fmt.Errorf("%w: %w", apply.ErrRefused, err)
	}
	col := column{from: i, name: stream, told: told, local: here[name]}
	if col.local.Generated && !there.Key {
		col.unassigned = true
		return col, nil
	}
	fail := func(err error) (column, error) {
		return column{}, fmt.Errorf("%w: table %s, column %s, which comes from a region of %s: %w; change its type in one of the regions, and it goes on by itself",
			apply.ErrRefused, s.name, told, t.Engine, err)
	}
	from, err := value.OnWire(value.Engine(t.Engine), there.Type)
	if err != nil {
		return fail(err)
	}
	policy := value.RefuseValue
	if c.Policy != nil {
		policy = c.Policy(t.TableName, there.Name)
	}
	if there.Key {
		if policy.Alters() { // two rows would become one
			policy = value.RefuseValue
		}
		if err := c.checkKey(from, col.local.Type); err != nil {
			return fail(err)
		}
		col.form = col.local.Form
	}
	if col.plan, err = value.NewPlan(from, col.local.Type, policy); err != nil {
		return fail(err)
	}
	return col, nil
}

// find is a column's name as this database spells it: case means nothing to MySQL and MariaDB.
func (c *Converter) find(here map[string]Column, name string) (string, bool) {
	if _, ok := here[name]; ok || c.Engine == value.Postgres {
		return name, ok
	}
	for spelled := range here {
		if strings.EqualFold(spelled, name) {
			return spelled, true
		}
	}
	return "", false
}

// checkKey refuses a pair of key columns of which one holds values equal that the other tells apart. Between MySQL
// and MariaDB collations decide, which records don't tell: capture refuses those that only one of them has.
func (c *Converter) checkKey(from, local value.Type) error {
	if (from.Engine == value.Postgres) == (local.Engine == value.Postgres) {
		return nil
	}
	if from.Class == value.Text && from.Engine != value.Postgres {
		from.Collation = "utf8mb4_0900_bin" // or one like it: capture refuses others where engines are mixed
	}
	if isEnum(from) {
		from = from.WithLabels(nil)
	}
	_, err := value.KeyForm(local, from)
	return err
}

// isEnum reports whether a PostgreSQL key column's type, whose name is all that a record tells, is an enum. Of types
// that aren't built in, PostgreSQL's capture takes enums and citext for keys, and no others.
func isEnum(t value.Type) bool {
	_, name, qualified := strings.Cut(t.Name, ".")
	return t.Engine == value.Postgres && t.Class == value.Opaque && qualified && name != "citext"
}
