package change

import (
	"hash/fnv"
	"io"
	"strings"
)

// TableName names a table: its schema (PostgreSQL) or database (MySQL), and its own name, both as
// the catalog spells them, unquoted.
type TableName struct {
	Schema, Name string
}

// String is the name as people read it; identifiers in SQL are quoted by the engine's own code.
func (n TableName) String() string { return n.Schema + "." + n.Name }

// Column is one column of a [Table].
type Column struct {
	Name string
	// Type is the engine's name of the type without modifiers, schema-qualified unless built in:
	// "integer", "character varying", "public.mood".
	Type string
	// Key says that the column is part of the row's key: the primary key, or the index that the
	// table's replica identity names.
	Key bool
}

// Table is one version of a table's shape, as the log told it. Tables are compared by
// [Table.Fingerprint], never by pointer, and aren't changed once built by [NewTable].
type Table struct {
	TableName
	Columns []Column
	// Keys are the indexes of the key columns, in column order. A table without any can't be
	// replicated: nothing would name its rows.
	Keys []int
	// Full says that the log carries complete old images (REPLICA IDENTITY FULL, binlog_row_image=FULL).
	Full bool
	// Engine is the kind of database whose types and forms of text these are: "postgres", "mysql" or "mariadb".
	// Empty is whatever the reader's own is.
	Engine string

	fingerprint uint64
}

// NewTable builds a table and its fingerprint; it keeps columns.
func NewTable(name TableName, columns []Column, full bool) *Table {
	return newTable(name, columns, full, "")
}

// On is the same table as an engine logs it.
func (t *Table) On(engine string) *Table {
	if t.Engine == engine {
		return t
	}
	return newTable(t.TableName, t.Columns, t.Full, engine)
}

func newTable(name TableName, columns []Column, full bool, engine string) *Table {
	t := &Table{TableName: name, Columns: columns, Full: full, Engine: engine}
	h := fnv.New64a()
	put := func(s string) { io.WriteString(h, s); h.Write([]byte{0}) }
	put(engine)
	put(name.Schema)
	put(name.Name)
	for i, c := range columns {
		put(c.Name)
		put(c.Type)
		if c.Key {
			t.Keys = append(t.Keys, i)
			put("key")
		} else {
			put("") // three texts for every column, so that no name can pass for the mark
		}
	}
	if full {
		put("full")
	}
	t.fingerprint = h.Sum64()
	return t
}

// Fingerprint is equal for equal definitions (FNV-1a over engine, name, columns, types, key and identity).
func (t *Table) Fingerprint() uint64 { return t.fingerprint }

// KeyNames are the names of the key columns, for messages.
func (t *Table) KeyNames() string {
	names := make([]string, len(t.Keys))
	for i, c := range t.Keys {
		names[i] = t.Columns[c].Name
	}
	return strings.Join(names, ", ")
}
