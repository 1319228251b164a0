// Package naming maps a region's own names of tables and columns to the names that they have between the regions.
//
// Terms: a local name is the one that the region's catalog has. A stream name is the one in records, in keys and in
// history, the same in all regions. Capture turns local names into stream names; apply turns them back where it
// writes SQL. Patterns that select tables, and policies of columns, are about local names.
//
// The mapping is one to one: a name that two local names would have, or none, is an error and never a guess.
// The package does no I/O.
package naming

import (
	"fmt"

	"bridge/change"
	"bridge/loopguard"
)

// Rules are what an operator has said about names. What no rule names has its local name in the streams, too.
type Rules struct {
	// Schemas are stream names by local names (on MySQL and MariaDB: of databases).
	Schemas map[string]string
	// Tables go before Schemas.
	Tables []Table
}

// Table is the rule of one table.
type Table struct {
	Local change.TableName
	// Stream is the table's stream name; the zero one is what Schemas make of Local.
	Stream change.TableName
	// Columns are stream names by local names.
	Columns map[string]string
}

// Names is the mapping. The zero Names is the identity. It's safe for use by many goroutines.
type Names struct {
	schemas, schemasBack map[string]string
	tables               map[change.TableName]*table
	tablesBack           map[change.TableName]*table
}

type table struct {
	local, stream        change.TableName
	columns, columnsBack map[string]string
}

// New makes the mapping, or says which rules contradict each other.
func New(r Rules) (Names, error) {
	n := Names{schemas: r.Schemas, tables: map[change.TableName]*table{}, tablesBack: map[change.TableName]*table{}}
	var err error
	if n.schemasBack, err = inverse(r.Schemas, "schemas"); err != nil {
		return Names{}, err
	}
	for local, stream := range r.Schemas {
		if local == loopguard.Schema || stream == loopguard.Schema {
			return Names{}, fmt.Errorf("schema %s is bridge's own: no rule may name it", loopguard.Schema)
		}
	}
	for _, rule := range r.Tables {
		if err := n.add(rule); err != nil {
			return Names{}, err
		}
	}
	return n, nil
}

func (n *Names) add(rule Table) error {
	t := &table{local: rule.Local, stream: rule.Stream, columns: rule.Columns}
	if t.stream == (change.TableName{}) {
		t.stream = n.bySchema(t.local)
	}
	if t.local.Schema == loopguard.Schema || t.stream.Schema == loopguard.Schema {
		return fmt.Errorf("schema %s is bridge's own: no rule may name it", loopguard.Schema)
	}
	if n.tables[t.local] != nil {
		return fmt.Errorf("two rules name table %s", t.local)
	}
	if other := n.tablesBack[t.stream]; other != nil {
		return fmt.Errorf("tables %s and %s have the same name between the regions, %s", other.local, t.local, t.stream)
	}
	var err error
	if t.columnsBack, err = inverse(t.columns, "columns of table "+t.local.String()); err != nil {
		return err
	}
	n.tables[t.local], n.tablesBack[t.stream] = t, t
	return nil
}

func inverse(m map[string]string, what string) (map[string]string, error) {
	back := make(map[string]string, len(m))
	for local, stream := range m {
		if local == "" || stream == "" {
			return nil, fmt.Errorf("a name is empty among the rules for %s", what)
		}
		if other, taken := back[stream]; taken {
			return nil, fmt.Errorf("%s: %s and %s have the same name between the regions, %s", what, min(local, other), max(local, other), stream)
		}
		back[stream] = local
	}
	return back, nil
}

// Identity reports whether every name stands for itself.
func (n Names) Identity() bool { return len(n.schemas) == 0 && len(n.tables) == 0 }

// Stream is a local table's stream name. It's an error when another table has that name between the regions.
func (n Names) Stream(local change.TableName) (change.TableName, error) {
	stream := n.forth(local)
	if n.back(stream) != local {
		return change.TableName{}, fmt.Errorf("table %s has the name between the regions that the configuration gives to %s: "+
			"rename it there (tables.schemas, tables.rename), or exclude it", local, n.back(stream))
	}
	return stream, nil
}

// Local is the local name of a table in the streams. It's an error when no local table could have that stream name.
func (n Names) Local(stream change.TableName) (change.TableName, error) {
	local := n.back(stream)
	if n.forth(local) != stream {
		return change.TableName{}, fmt.Errorf("no table here stands for %s of the other regions: the configuration gives %s another name between the regions "+
			"(tables.schemas, tables.rename); say there which table stands for it", stream, local)
	}
	return local, nil
}

func (n Names) forth(local change.TableName) change.TableName {
	if t := n.tables[local]; t != nil {
		return t.stream
	}
	return n.bySchema(local)
}

func (n Names) bySchema(local change.TableName) change.TableName {
	if schema, ok := n.schemas[local.Schema]; ok {
		local.Schema = schema
	}
	return local
}

func (n Names) back(stream change.TableName) change.TableName {
	if t := n.tablesBack[stream]; t != nil {
		return t.local
	}
	if schema, ok := n.schemasBack[stream.Schema]; ok {
		stream.Schema = schema
	}
	return stream
}

// StreamColumn is the stream name of a local table's column. It's an error when another column has it.
func (n Names) StreamColumn(local change.TableName, column string) (string, error) {
	return rename(n.tables[local], column, true)
}

// StreamColumns is StreamColumn for several.
func (n Names) StreamColumns(local change.TableName, columns []string) (names []string, err error) {
	for _, c := range columns {
		name, err := n.StreamColumn(local, c)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// LocalColumn is the local name of a column in the streams; local is its table's local name.
func (n Names) LocalColumn(local change.TableName, column string) (string, error) {
	return rename(n.tables[local], column, false)
}

func rename(t *table, column string, forth bool) (string, error) {
	if t == nil || len(t.columns) == 0 {
		return column, nil
	}
	to, from := t.columns, t.columnsBack
	if !forth {
		to, from = from, to
	}
	name, ok := to[column]
	if !ok {
		name = column
	}
	back, ok := from[name]
	if !ok {
		back = name
	}
	if back != column {
		return "", fmt.Errorf("table %s: columns %q and %q would both be %q on the other side; give each its own name in tables.rename", t.local, back, column, name)
	}
	return name, nil
}
