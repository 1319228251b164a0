package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"bridge/change"
	"bridge/internal/postgres"
)

// table is one table to replicate. Partitions are their root's matter.
type table struct {
	change.TableName
	oid         uint32
	partitioned bool
	identity    string // relreplident: d, n, f or i
	owned       bool
	keyed       bool // bridge can name its rows
}

// loadTables finds the selected tables and says which can't be replicated at all.
func (c *checker) loadTables(ctx context.Context) error {
	var skipped []string
	err := c.each(ctx, func(row pgx.CollectableRow) error {
		var t table
		var kind, persistence string
		if err := row.Scan(&t.Schema, &t.Name, &t.oid, &kind, &persistence, &t.identity, &t.owned); err != nil {
			return err
		}
		switch {
		case !c.Selected(t.TableName):
		case kind != "r" && kind != "p":
			skipped = append(skipped, t.String())
		case persistence == "u":
			c.add(Warning, t.String(), "is unlogged, so its changes are in no log and it isn't replicated",
				"ALTER TABLE "+postgres.QuoteTable(t.TableName)+" SET LOGGED; or exclude it under tables.exclude")
		default:
			t.partitioned = kind == "p"
			c.tables = append(c.tables, &t)
		}
		return nil
	}, `
SELECT n.nspname, c.relname, c.oid, c.relkind::text, c.relpersistence::text, c.relreplident::text, pg_has_role(c.relowner, 'MEMBER')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'bridge')
ORDER BY 1, 2`)
	if err != nil {
		return err
	}
	if len(skipped) > 0 {
		c.add(Note, "views and foreign tables", "are not replicated: "+strings.Join(skipped, ", "), "")
	}
	if len(c.tables) == 0 {
		c.add(Error, "tables", "no table matches tables.include", "correct the patterns, or create the tables first")
	}
	return nil
}

// keyColumn is a column of the index that names a table's rows.
type keyColumn struct {
	table         uint32
	column        string
	typeOID       uint32
	deterministic bool
	generated     bool
	immediate     bool
	index         string
	primary       bool
}

// keys checks that every table has a key, and one whose values are the same text wherever they're equal.
func (c *checker) keys(ctx context.Context) error {
	columns, err := c.keyColumns(ctx)
	if err != nil {
		return err
	}
	names, err := c.keyTypes(ctx, columns)
	if err != nil {
		return err
	}
	candidates, err := c.identityCandidates(ctx)
	if err != nil {
		return err
	}
	for _, t := range c.tables {
		var key []keyColumn
		for _, k := range columns {
			if k.table == t.oid {
				key = append(key, k)
			}
		}
		c.key(t, key, candidates[t.oid])
		for _, k := range key {
			c.keyColumn(t, k, names[k.typeOID])
		}
	}
	return nil
}

// keyColumns are the columns of each table's identity index or, unless the identity is an index, its
// primary key.
func (c *checker) keyColumns(ctx context.Context) (list []keyColumn, err error) {
	err = c.each(ctx, func(row pgx.CollectableRow) error {
		var k keyColumn
		err := row.Scan(&k.table, &k.column, &k.typeOID, &k.deterministic, &k.generated, &k.immediate, &k.index, &k.primary)
		list = append(list, k)
		return err
	}, `
SELECT i.indrelid, a.attname, a.atttypid, coalesce(l.collisdeterministic, true), a.attgenerated <> '', i.indimmediate, x.relname, i.indisprimary
FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
     CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, n)
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
     LEFT JOIN pg_collation l ON l.oid = a.attcollation
WHERE i.indrelid = ANY ($1) AND i.indisvalid AND k.n <= i.indnkeyatts
  AND CASE t.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END
ORDER BY i.indrelid, k.n`, c.oids())
	return list, err
}

func (c *checker) keyTypes(ctx context.Context, columns []keyColumn) (map[uint32]string, error) {
	var oids []uint32
	for _, k := range columns {
		if !slices.Contains(oids, k.typeOID) {
			oids = append(oids, k.typeOID)
		}
	}
	names := map[uint32]string{}
	err := c.each(ctx, func(row pgx.CollectableRow) error {
		var oid uint32
		var name, key string
		err := row.Scan(&oid, &name, &key)
		names[oid] = key
		return err
	}, postgres.KeyTypesSQL, oids)
	return names, err
}

// identityCandidates are, per table, a unique index that could name its rows.
func (c *checker) identityCandidates(ctx context.Context) (map[uint32]string, error) {
	names := map[uint32]string{}
	err := c.each(ctx, func(row pgx.CollectableRow) error {
		var oid uint32
		var name string
		err := row.Scan(&oid, &name)
		names[oid] = name
		return err
	}, `
SELECT i.indrelid, min(x.relname::text) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
WHERE i.indrelid = ANY ($1) AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
  AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[]) k JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k
                  WHERE NOT a.attnotnull)
GROUP BY 1`, c.oids())
	return names, err
}

// key checks the index that names the rows of t.
func (c *checker) key(t *table, key []keyColumn, candidate string) {
	name := postgres.QuoteTable(t.TableName)
	exclude := " or exclude it under tables.exclude"
	switch {
	case t.identity == "n":
		c.add(Error, t.String(), "has REPLICA IDENTITY NOTHING, so the log doesn't name its rows",
			"ALTER TABLE "+name+" REPLICA IDENTITY DEFAULT;"+exclude)
	case len(key) == 0 && t.identity == "f":
		c.add(Error, t.String(), "has REPLICA IDENTITY FULL but no primary key, so two equal rows can't be told apart",
			"ALTER TABLE "+name+" ADD PRIMARY KEY (...);"+exclude)
	case len(key) == 0 && candidate != "":
		c.add(Error, t.String(), "has no primary key; once it's published, updates and deletes on it fail",
			"ALTER TABLE "+name+" REPLICA IDENTITY USING INDEX "+postgres.Quote(candidate)+";"+exclude)
	case len(key) == 0:
		c.add(Error, t.String(), "has no primary key; once it's published, updates and deletes on it fail",
			"ALTER TABLE "+name+" ADD PRIMARY KEY (...);"+exclude)
	case !key[0].immediate:
		c.add(Error, t.String(), "has a DEFERRABLE primary key, which can't name rows in the log; once it's published, updates and deletes on it fail",
			"drop the constraint "+postgres.Quote(key[0].index)+" and add it without DEFERRABLE,"+exclude)
	default:
		t.keyed = true
	}
}

func (c *checker) keyColumn(t *table, k keyColumn, typeName string) {
	if _, err := postgres.Normalizer(typeName); err != nil {
		t.keyed = false
		c.add(Error, t.String(), fmt.Sprintf("key column %q: %v", k.column, err), "use another key; or exclude the table under tables.exclude")
	}
	if !k.deterministic {
		t.keyed = false
		c.add(Error, t.String(), fmt.Sprintf("key column %q has a nondeterministic collation: different texts name one row", k.column),
			"give the column a deterministic collation; or exclude the table under tables.exclude")
	}
	if k.generated {
		t.keyed = false
		c.add(Error, t.String(), fmt.Sprintf("key column %q is generated, and the log doesn't carry it", k.column), "use another key; or exclude the table under tables.exclude")
	}
}
