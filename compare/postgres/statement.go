package postgres

import (
	"fmt"
	"slices"
	"strings"

	"bridge/compare"
	"bridge/internal/postgres"
)

// from names the table in a FROM clause. Tables that inherit from it are tables of their own, partitions aren't.
func (t *table) from() string {
	if t.partitioned {
		return postgres.QuoteTable(t.local) + " AS t"
	}
	return "ONLY " + postgres.QuoteTable(t.local) + " AS t"
}

// row is the list of what is read of a row: its key and its hash.
func (t *table) row(s *compare.Selection) string {
	key := make([]string, len(s.Key))
	for i, name := range s.Key {
		k := t.keys[name]
		key[i] = k.canonical(t.quoted(name))
	}
	return "ARRAY[" + strings.Join(key, ", ") + "]::text[], " + t.hash(s.Columns)
}

// values is the list of a row's columns as they are.
func (t *table) values(s *compare.Selection) string {
	quoted := make([]string, len(s.Columns))
	for i, name := range s.Columns {
		quoted[i] = t.quoted(name)
	}
	return strings.Join(quoted, ", ")
}

// hash is a hash of a row's columns that works in FIPS mode, too. The text of a record tells NULL from an empty
// text, and where one column ends.
func (t *table) hash(columns []string) string {
	quoted := make([]string, len(columns))
	for i, name := range columns {
		quoted[i] = t.quoted(name)
	}
	return "sha256(convert_to(ROW(" + strings.Join(quoted, ", ") + ")::text, 'UTF8'))"
}

// sumSQL counts the rows and adds up the first eight bytes of their hashes.
func (t *table) sumSQL() string {
	columns := make([]string, len(t.Columns))
	for i := range t.Columns {
		columns[i] = t.Columns[i].Name
	}
	slices.Sort(columns)
	return "SELECT count(*), coalesce(sum(('x' || encode(substr(" + t.hash(columns) + ", 1, 8), 'hex'))::bit(64)::bigint), 0)::text FROM " + t.from()
}

// scanSQL reads all rows, in the order of their keys if they must be.
func (t *table) scanSQL(s *compare.Selection) string {
	list := t.values(s)
	if s.Native() {
		list = t.row(s)
	}
	sql := "SELECT " + list + " FROM " + t.from()
	if !s.Ordered() {
		return sql
	}
	order := make([]string, len(s.Key))
	for i, name := range s.Key {
		k := t.keys[name]
		order[i] = k.order(t.quoted(name))
	}
	return sql + " ORDER BY " + strings.Join(order, ", ")
}

// lookSQL reads rows by key with their xmin, which every write changes. Its parameters are a text[] for each key
// column.
func (t *table) lookSQL(s *compare.Selection) string {
	list := t.values(s)
	if s.Native() {
		list = t.row(s)
	}
	var arrays, names, on []string
	for i, name := range s.Key {
		k := t.keys[name]
		arrays = append(arrays, fmt.Sprintf("$%d::text[]::%s[]", i+1, k.typeName))
		names = append(names, fmt.Sprintf("c%d", i+1))
		on = append(on, fmt.Sprintf("%s %s k.c%d", t.quoted(name), k.equals, i+1))
	}
	return "SELECT " + list + ", t.xmin::text FROM unnest(" + strings.Join(arrays, ", ") + ") AS k(" + strings.Join(names, ", ") +
		") JOIN " + t.from() + " ON " + strings.Join(on, " AND ")
}
