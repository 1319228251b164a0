package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"bridge/change"
)

// remembered is a row of bridge.published, and whether there's still a table of that name.
type remembered struct {
	change.TableName
	table, entry uint32
	exists       bool
}

// away reports whether t, the same table as published now, was taken out of the publication since.
func (r *remembered) away(t *PublishedTable) bool {
	return t != nil && t.OID == r.table && t.Entry != r.entry
}

// CheckPublished compares what p publishes with what it did at the last look, and remembers it. What is written to a
// table while it isn't published never comes out of the log again, so that must not go unnoticed: the error
// names such a table. A table that was dropped or renamed, or that selected doesn't choose any more, is
// forgotten.
func CheckPublished(ctx context.Context, conn *pgx.Conn, p *Publication, selected func(change.TableName) bool) error {
	had, err := loadRemembered(ctx, conn)
	if err != nil {
		return err
	}
	now := p.byName()
	batch := &pgx.Batch{}
	for i := range had {
		h := &had[i]
		t := now[h.TableName]
		switch {
		case t != nil && t.OID == h.table && t.Entry == h.entry:
			delete(now, h.TableName)
		case !h.exists || !selected(h.TableName):
			if t == nil {
				batch.Queue(`DELETE FROM bridge.published WHERE table_schema = $1 AND table_name = $2`, h.Schema, h.Name)
			}
		case t == nil && !p.Includes(h.TableName):
			return fmt.Errorf("table %s isn't in publication %s any more: what is written to it isn't shipped. Run %s and then \"bridge init\", and see with "+
				"\"bridge compare\" which rows the others lack; or exclude the table under tables.exclude", h, p.Name, AddTablesSQL(p.Name, h.TableName))
		case h.away(t):
			return fmt.Errorf("table %s was out of publication %s for a while: what was written to it then wasn't shipped. "+
				"Run \"bridge init\" to go on, and see with \"bridge compare\" which rows the others lack", h, p.Name)
		}
	}
	for _, t := range now {
		queueRemember(batch, t)
	}
	return sendRemembered(ctx, conn, batch)
}

func (p *Publication) byName() map[change.TableName]*PublishedTable {
	tables := make(map[change.TableName]*PublishedTable, len(p.Tables))
	for i := range p.Tables {
		tables[p.Tables[i].TableName] = &p.Tables[i]
	}
	return tables
}

// RememberPublished takes what p publishes as what [CheckPublished] is to expect. away are the tables that it would
// have refused, because they were out of the publication for a while: from now on nothing tells of it.
func RememberPublished(ctx context.Context, conn *pgx.Conn, p *Publication) (away []change.TableName, err error) {
	had, err := loadRemembered(ctx, conn)
	if err != nil {
		return nil, err
	}
	now := p.byName()
	for i := range had {
		if had[i].away(now[had[i].TableName]) {
			away = append(away, had[i].TableName)
		}
	}
	slices.SortFunc(away, func(a, b change.TableName) int { return strings.Compare(a.String(), b.String()) })
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM bridge.published`)
	for i := range p.Tables {
		queueRemember(batch, &p.Tables[i])
	}
	return away, sendRemembered(ctx, conn, batch)
}

func loadRemembered(ctx context.Context, conn *pgx.Conn) ([]remembered, error) {
	rows, err := conn.Query(ctx, `
SELECT b.table_schema, b.table_name, b.table_oid, b.entry, c.oid IS NOT NULL
FROM bridge.published b LEFT JOIN pg_namespace n ON n.nspname = b.table_schema
     LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = b.table_name AND c.relkind IN ('r', 'p')`)
	if err == nil {
		var list []remembered
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r remembered, err error) {
			return r, row.Scan(&r.Schema, &r.Name, &r.table, &r.entry, &r.exists)
		})
		if err == nil {
			return list, nil
		}
	}
	return nil, fmt.Errorf("read bridge.published: %w", err)
}

func queueRemember(batch *pgx.Batch, t *PublishedTable) {
	batch.Queue(`INSERT INTO bridge.published (table_schema, table_name, table_oid, entry) VALUES ($1, $2, $3, $4)
		ON CONFLICT (table_schema, table_name) DO UPDATE SET table_oid = excluded.table_oid, entry = excluded.entry`,
		t.Schema, t.Name, t.OID, t.Entry)
}

func sendRemembered(ctx context.Context, conn *pgx.Conn, batch *pgx.Batch) error {
	if batch.Len() == 0 {
		return nil
	}
	if err := conn.SendBatch(ctx, batch).Close(); err != nil { // one transaction
		return fmt.Errorf("write bridge.published: %w", err)
	}
	return nil
}
