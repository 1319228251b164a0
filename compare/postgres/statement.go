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
		return postgres.QuoteTable(t.TableName) + " AS t"
	}
	return "ONLY " + postgres.QuoteTable(t.TableName) + " AS t"
}

// row is the list of what is read of a row: its key and its hash.
func (t *table) row(s *compare.Selection) string {
	key := make([]string, len(s.Key))
	for i, name := range s.Key {
		k := t.keys[name]
		key[i] = k.canonical("t." + postgres.Quote(name))
	}
	return "ARRAY[" + strings.Join(key, ", ") + "]::text[], " + hash(s.Columns)
}

// hash is a hash of a row's columns that works in FIPS mode, too. The text of a record tells NULL from an empty
// text, and where one column ends.
func hash(columns []string) string {
	quoted := make([]string, len(columns))
	for i, name := range columns {
		quoted[i] = "t." + postgres.Quote(name)
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
	return "SELECT count(*), coalesce(sum(('x' || encode(substr(" + hash(columns) + ", 1, 8), 'hex'))::bit(64)::bigint), 0)::text FROM " + t.from()
}

// scanSQL reads all rows in the order of their keys.
func (t *table) scanSQL(s *compare.Selection) string {
	order := make([]string, len(s.Key))
	for i, name := range s.Key {
		k := t.keys[name]
		order[i] = k.order("t." + postgres.Quote(name))
	}
	return "SELECT " + t.row(s) + " FROM " + t.from() + " ORDER BY " + strings.Join(order, ", ")
}

// lookSQL reads rows by key with their xmin, which every write changes. Its parameters are a text[] for each key
// column.
func (t *table) lookSQL(s *compare.Selection) string {
	var arrays, names, on []string
	for i, name := range s.Key {
		k := t.keys[name]
		arrays = append(arrays, fmt.Sprintf("$%d::text[]::%s[]", i+1, k.typeName))
		names = append(names, fmt.Sprintf("c%d", i+1))
		on = append(on, fmt.Sprintf("t.%s %s k.c%d", postgres.Quote(name), k.equals, i+1))
	}
	return "SELECT " + t.row(s) + ", t.xmin::text FROM unnest(" + strings.Join(arrays, ", ") + ") AS k(" + strings.Join(names, ", ") +
		") JOIN " + t.from() + " ON " + strings.Join(on, " AND ")
}
