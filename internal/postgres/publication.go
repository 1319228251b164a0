package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"bridge/change"
	"bridge/loopguard"
)

// MarkerTable is bridge.progress, the only one of bridge's own tables that is published.
var MarkerTable = change.TableName{Schema: loopguard.Schema, Name: loopguard.MarkerTable}

// Publication is a publication as the catalog has it.
type Publication struct {
	Name                             string
	Owned                            bool // by the current role or one it is a member of
	AllTables                        bool
	ViaRoot                          bool // publish_via_partition_root
	Insert, Update, Delete, Truncate bool
	// Tables are those that it names, without what FOR ALL TABLES or TABLES IN SCHEMA bring in.
	Tables []PublishedTable
	// Schemas are those of FOR TABLES IN SCHEMA.
	Schemas []string
}

// PublishedTable is a table that a publication names.
type PublishedTable struct {
	change.TableName
	OID      uint32 // the table's
	Entry    uint32 // OID of its entry in the publication: another one when it was dropped from it and added again
	Filtered bool   // has a WHERE clause
	Columns  bool   // has a column list
	Unlogged bool   // it or a partition of it is: those changes are in no log
}

// Includes reports whether the publication publishes t, in whichever way.
func (p *Publication) Includes(t change.TableName) bool {
	if p.AllTables {
		return true
	}
	for _, s := range p.Schemas {
		if s == t.Schema {
			return true
		}
	}
	for i := range p.Tables {
		if p.Tables[i].TableName == t {
			return true
		}
	}
	return false
}

// LoadPublication reads a publication; nil when there's none of that name.
func LoadPublication(ctx context.Context, conn *pgx.Conn, name string) (*Publication, error) {
	p := &Publication{Name: name}
	err := conn.QueryRow(ctx, `
SELECT pg_has_role(pubowner, 'MEMBER'), puballtables, pubviaroot, pubinsert, pubupdate, pubdelete, pubtruncate
FROM pg_publication WHERE pubname = $1`, name).
		Scan(&p.Owned, &p.AllTables, &p.ViaRoot, &p.Insert, &p.Update, &p.Delete, &p.Truncate)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err == nil {
		p.Tables, err = publishedTables(ctx, conn, name)
	}
	if err == nil {
		p.Schemas, err = publishedSchemas(ctx, conn, name)
	}
	if err != nil {
		return nil, fmt.Errorf("read publication %s: %w", name, err)
	}
	return p, nil
}

func publishedTables(ctx context.Context, conn *pgx.Conn, name string) ([]PublishedTable, error) {
	// PostgreSQL 14 has neither filters nor column lists; to_jsonb finds the columns where they are.
	rows, err := conn.Query(ctx, `
SELECT n.nspname, c.relname, c.oid, r.oid, to_jsonb(r) ->> 'prqual' IS NOT NULL, to_jsonb(r) ->> 'prattrs' IS NOT NULL,
       c.relpersistence = 'u' OR c.relkind = 'p' AND EXISTS (
         SELECT FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid WHERE t.isleaf AND l.relpersistence = 'u')
FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid
     JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE p.pubname = $1 ORDER BY 1, 2`, name)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t PublishedTable, err error) {
		return t, row.Scan(&t.Schema, &t.Name, &t.OID, &t.Entry, &t.Filtered, &t.Columns, &t.Unlogged)
	})
}

func publishedSchemas(ctx context.Context, conn *pgx.Conn, name string) ([]string, error) {
	if !has(conn, 15) {
		return nil, nil
	}
	rows, err := conn.Query(ctx, `
SELECT n.nspname FROM pg_publication p JOIN pg_publication_namespace s ON s.pnpubid = p.oid
       JOIN pg_namespace n ON n.oid = s.pnnspid
WHERE p.pubname = $1 ORDER BY 1`, name)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// CreatePublicationSQL is the statement that creates an empty publication as bridge needs it:
// partitions appear as their root, so that regions may partition differently.
func CreatePublicationSQL(name string) string {
	return "CREATE PUBLICATION " + Quote(name) +
		" WITH (publish = 'insert, update, delete, truncate', publish_via_partition_root = true)"
}

// AddTablesSQL is the statement that adds tables to a publication.
func AddTablesSQL(name string, add ...change.TableName) string {
	quoted := make([]string, len(add))
	for i, t := range add {
		quoted[i] = QuoteTable(t)
	}
	return "ALTER PUBLICATION " + Quote(name) + " ADD TABLE " + strings.Join(quoted, ", ")
}

// EnsurePublication makes the publication if it's missing, and adds bridge.progress and those tables
// that it lacks, and remembers what it publishes. It returns the statements that it ran, and which tables
// were away (see [RememberPublished]); the role must own what the statements touch.
func EnsurePublication(ctx context.Context, conn *pgx.Conn, name string, tables []change.TableName) (ran []string, away []change.TableName, err error) {
	p, err := LoadPublication(ctx, conn, name)
	if err != nil {
		return nil, nil, err
	}
	if p == nil {
		ran = append(ran, CreatePublicationSQL(name))
		p = &Publication{Name: name}
	}
	var missing []change.TableName
	for _, t := range append([]change.TableName{MarkerTable}, tables...) {
		if !p.Includes(t) {
			missing = append(missing, t)
		}
	}
	if len(missing) > 0 {
		ran = append(ran, AddTablesSQL(name, missing...))
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, sql := range ran {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		return nil
	})
	if err == nil {
		p, err = LoadPublication(ctx, conn, name)
	}
	if err == nil {
		away, err = RememberPublished(ctx, conn, p)
	}
	if err != nil {
		return nil, nil, err
	}
	return ran, away, nil
}
