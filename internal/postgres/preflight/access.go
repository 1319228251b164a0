package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"bridge/internal/postgres"
)

// privileges checks what apply needs on each table.
func (c *checker) privileges(ctx context.Context) error {
	return c.each(ctx, func(row pgx.CollectableRow) error {
		var oid uint32
		var usage, hidden bool
		var missing []string
		var schema string
		if err := row.Scan(&oid, &schema, &usage, &missing, &hidden); err != nil {
			return err
		}
		t, role := c.find(oid), postgres.Quote(c.role)
		if !usage {
			c.add(Error, t.String(), "role "+c.role+" may not use the schema", "GRANT USAGE ON SCHEMA "+postgres.Quote(schema)+" TO "+role+";")
		}
		if len(missing) > 0 {
			list := strings.Join(missing, ", ")
			c.add(Error, t.String(), "role "+c.role+" lacks "+list, "GRANT "+list+" ON "+postgres.QuoteTable(t.TableName)+" TO "+role+";")
		}
		if hidden {
			c.add(Error, t.String(), "has row security, which applies to role "+c.role+": rows would be hidden from it",
				"ALTER ROLE "+role+" BYPASSRLS;")
		}
		return nil
	}, `
SELECT c.oid, n.nspname, has_schema_privilege(n.oid, 'USAGE'),
       ARRAY(SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p WHERE NOT has_table_privilege(c.oid, p)),
       row_security_active(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY ($1) ORDER BY 2, c.relname`, c.oids())
}

// partitions checks that every partition's rows are named as its root says: the log is written by the
// partition's identity and read by the root's.
func (c *checker) partitions(ctx context.Context) error {
	return c.each(ctx, func(row pgx.CollectableRow) error {
		var root uint32
		var schema, name, kind, persistence, identity string
		if err := row.Scan(&root, &schema, &name, &kind, &persistence, &identity); err != nil {
			return err
		}
		t := c.find(root)
		partition := schema + "." + name
		quoted := postgres.Quote(schema) + "." + postgres.Quote(name)
		switch {
		case kind == "f":
			c.add(Error, t.String(), "partition "+partition+" is a foreign table, whose changes are in no log here", "detach it, or exclude the table under tables.exclude")
		case persistence == "u":
			c.add(Error, t.String(), "partition "+partition+" is unlogged, so its changes are in no log", "ALTER TABLE "+quoted+" SET LOGGED;")
		case identity != t.identity:
			c.add(Error, t.String(), fmt.Sprintf("partition %s has another REPLICA IDENTITY than its root", partition),
				"set the same on both; ALTER TABLE "+quoted+" REPLICA IDENTITY DEFAULT;")
		}
		return nil
	}, `
SELECT r.oid, n.nspname, c.relname, c.relkind::text, c.relpersistence::text, c.relreplident::text
FROM pg_class r CROSS JOIN LATERAL pg_partition_tree(r.oid) p JOIN pg_class c ON c.oid = p.relid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.oid = ANY ($1) AND r.relkind = 'p' AND p.isleaf ORDER BY 2, 3`, c.oids())
}

// publication compares the publication with what's to be replicated.
func (c *checker) publication(ctx context.Context) error {
	p, err := postgres.LoadPublication(ctx, c.conn, c.Publication)
	if err != nil {
		return err
	}
	if p == nil {
		return c.publicationMissing(ctx)
	}
	object := "publication " + p.Name
	if p.AllTables || len(p.Schemas) > 0 {
		c.add(Error, object, "publishes whole schemas or all tables, so also tables that bridge keeps to itself",
			"recreate it with single tables, as \"bridge grants\" prints it")
		return nil
	}
	if !p.Insert || !p.Update || !p.Delete || !p.Truncate {
		c.add(Error, object, "leaves out some kinds of change", "ALTER PUBLICATION "+postgres.Quote(p.Name)+" SET (publish = 'insert, update, delete, truncate');")
	}
	if !p.ViaRoot {
		c.add(Error, object, "shows partitions, not the tables they belong to", "ALTER PUBLICATION "+postgres.Quote(p.Name)+" SET (publish_via_partition_root = true);")
	}
	c.published(p)
	c.unpublished(p)
	return nil
}

func (c *checker) publicationMissing(ctx context.Context) error {
	var may bool
	if err := c.conn.QueryRow(ctx, `SELECT has_database_privilege(current_database(), 'CREATE')`).Scan(&may); err != nil {
		return err
	}
	for _, t := range c.tables {
		may = may && t.owned
	}
	object := "publication " + c.Publication
	if may {
		c.addForInit(object, "is missing")
	} else {
		c.add(Error, object, "is missing, and role "+c.role+" may not create it", `have the DBA run what "bridge grants" prints`)
	}
	return nil
}

// published looks at the tables that the publication names.
func (c *checker) published(p *postgres.Publication) {
	alter := "ALTER PUBLICATION " + postgres.Quote(p.Name)
	for _, t := range p.Tables {
		drop := alter + " DROP TABLE " + postgres.QuoteTable(t.TableName) + ";"
		if t.Filtered || t.Columns {
			c.add(Error, t.String(), "is published with a row filter or a column list; the regions' rows would differ for good",
				drop+" "+postgres.AddTablesSQL(p.Name, t.TableName)+";")
		}
		switch {
		case t.TableName == postgres.MarkerTable:
		case t.Schema == postgres.MarkerTable.Schema:
			c.add(Error, t.String(), "is published, but it's this region's own", drop)
		case !c.Selected(t.TableName):
			c.add(Error, t.String(), "is published, but tables.include and tables.exclude leave it out: its changes would be shipped", drop+" or include it")
		}
	}
}

// unpublished looks for selected tables that the publication lacks.
func (c *checker) unpublished(p *postgres.Publication) {
	for _, t := range c.tables {
		if p.Includes(t.TableName) || !t.keyed { // published without a key, it would refuse updates
			continue
		}
		text := "is not in publication " + p.Name + ", so its changes aren't shipped"
		if p.Owned && t.owned {
			c.addForInit(t.String(), text)
		} else {
			c.add(Error, t.String(), text, postgres.AddTablesSQL(p.Name, t.TableName)+";")
		}
	}
	if p.Includes(postgres.MarkerTable) {
		return
	}
	object, text := "publication "+p.Name, "lacks bridge.progress, without which applied changes would be shipped back"
	if p.Owned {
		c.addForInit(object, text)
	} else {
		c.add(Error, object, text, "ALTER PUBLICATION "+postgres.Quote(p.Name)+" OWNER TO "+postgres.Quote(c.role)+`; then run "bridge init"`)
	}
}

func (c *checker) slot(ctx context.Context) error {
	s, err := postgres.LoadSlot(ctx, c.conn, c.Slot)
	if err != nil {
		return err
	}
	if err := c.standbys(ctx); err != nil {
		return err
	}
	object := "replication slot " + c.Slot
	if s == nil {
		if c.initialised {
			c.add(Error, object, "is gone, and with it the log that it held: what was written since was never shipped",
				"see \"The slot is lost\" in docs/operations.md, and look for who dropped the slot (a failover to a standby without it does)")
		} else {
			c.addForInit(object, "is missing")
		}
		return nil
	}
	if err := s.Usable(c.database); err != nil {
		c.add(Error, object, err.Error(), "")
	}
	if s.WALStatus == "unreserved" {
		c.add(Warning, object, "is about to be lost: it's over max_slot_wal_keep_size", "start bridge now, or raise the limit")
	}
	if s.Active {
		c.add(Note, object, fmt.Sprintf("is in use by process %d: a bridge is running for this region", s.ActivePID), "")
	}
	if c.FailoverSlot && !s.Failover {
		c.add(Warning, object, "isn't a failover slot, as database.failover_slot asks", "recreating it would lose what it holds: stop writes, let bridge catch up, drop it, run \"bridge init\"")
	}
	return nil
}

// standbys looks whether a standby that is promoted has all that was published.
func (c *checker) standbys(ctx context.Context) error {
	var unset bool
	err := c.conn.QueryRow(ctx, `SELECT coalesce((SELECT setting = '' FROM pg_settings WHERE name = 'synchronized_standby_slots'), false)`).Scan(&unset)
	if err == nil && unset && c.FailoverSlot {
		c.add(Warning, "server", "synchronized_standby_slots is empty, so bridge may publish what no standby has; when such a standby is promoted, bridge refuses to go on",
			"ALTER SYSTEM SET synchronized_standby_slots = '<physical slots of the standbys that may be promoted>';")
	}
	return err
}
