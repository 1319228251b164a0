package preflight

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"bridge/internal/postgres"
)

// MinVersion is the oldest major version of PostgreSQL that bridge runs on: the first whose pgoutput
// streams running transactions and passes logical messages on.
const MinVersion = 14

func (c *checker) server(ctx context.Context) error {
	if v := postgres.MajorVersion(c.conn); v < MinVersion {
		c.add(Error, "server", fmt.Sprintf("PostgreSQL %d is too old", v), fmt.Sprintf("upgrade to %d or later", MinVersion))
	}
	var level, encoding, keep string
	var recovery bool
	err := c.conn.QueryRow(ctx, `SELECT current_setting('wal_level'), current_setting('server_encoding'),
		current_setting('max_slot_wal_keep_size'), pg_is_in_recovery()`).Scan(&level, &encoding, &keep, &recovery)
	if err != nil {
		return err
	}
	if recovery {
		c.add(Error, "server", "this is a standby; bridge writes to the database it reads", "connect to the primary")
	}
	if level != "logical" {
		c.add(Error, "server", "wal_level is "+level+"; the log doesn't hold what bridge reads",
			"ALTER SYSTEM SET wal_level = 'logical'; and restart the server")
	}
	if encoding != "UTF8" {
		c.add(Error, "database "+c.database, "the encoding is "+encoding+"; regions exchange text as UTF-8",
			"use a database with ENCODING 'UTF8'")
	}
	if keep == "-1" {
		c.add(Note, "server", "max_slot_wal_keep_size is unlimited: while bridge or Kafka is down, the log grows until the disk is full",
			"watch the disk, or set a limit with room for the longest outage; beyond it the slot is lost, and with it the region's place in the mesh")
	}
	return nil
}

// room looks for free replication slots, walsenders and connections.
func (c *checker) room(ctx context.Context) error {
	var slots, maxSlots, senders, maxSenders, maxConnections, reserved int
	err := c.conn.QueryRow(ctx, `
SELECT (SELECT count(*) FROM pg_replication_slots WHERE slot_name <> $1), current_setting('max_replication_slots')::int,
       (SELECT count(*) FROM pg_stat_replication r WHERE pid IS DISTINCT FROM (SELECT active_pid FROM pg_replication_slots WHERE slot_name = $1)),
       current_setting('max_wal_senders')::int,
       current_setting('max_connections')::int, current_setting('superuser_reserved_connections')::int`, c.Slot).
		Scan(&slots, &maxSlots, &senders, &maxSenders, &maxConnections, &reserved)
	if err != nil {
		return err
	}
	if slots >= maxSlots {
		c.add(Error, "server", fmt.Sprintf("all %d replication slots are taken", maxSlots),
			fmt.Sprintf("ALTER SYSTEM SET max_replication_slots = %d; and restart the server", slots+2))
	}
	if senders >= maxSenders {
		c.add(Error, "server", fmt.Sprintf("all %d walsenders are taken", maxSenders),
			fmt.Sprintf("ALTER SYSTEM SET max_wal_senders = %d; and restart the server", senders+2))
	}
	if free := maxConnections - reserved; c.Connections > free {
		c.add(Error, "server", fmt.Sprintf("bridge needs %d connections, and the server allows %d", c.Connections, free),
			"lower database.apply_connections or raise max_connections")
	}
	return nil
}

// maxClockOffset is far above what NTP leaves, and far below what would let one region win every
// conflict unnoticed.
const maxClockOffset = time.Second

// clock compares the server's clock with this machine's. Commit times decide conflicts.
func (c *checker) clock(ctx context.Context) error {
	var server time.Time
	before := time.Now()
	if err := c.conn.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&server); err != nil {
		return err
	}
	after := time.Now()
	offset := server.Sub(before)
	if server.After(before) {
		offset = max(0, server.Sub(after))
	}
	if offset.Abs() > maxClockOffset {
		c.add(Warning, "server", fmt.Sprintf("the server's clock is %v off this machine's; commit times decide which write is the last", offset.Round(time.Millisecond)),
			"synchronize the clocks of all regions' database servers (chrony or NTP)")
	}
	return nil
}

func (c *checker) roleRights(ctx context.Context) error {
	var replication bool
	err := c.conn.QueryRow(ctx, `SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user`).Scan(&replication)
	if err != nil {
		return err
	}
	if !replication {
		c.add(Error, "role "+c.role, "may not read the log", "ALTER ROLE "+postgres.Quote(c.role)+" REPLICATION;")
	}
	// Trying is the one way to find out on every version.
	rollback := errors.New("rollback")
	err = pgx.BeginFunc(ctx, c.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL session_replication_role = 'replica'`); err != nil {
			return err
		}
		return rollback
	})
	switch {
	case errors.Is(err, rollback):
	case postgres.Classify(err) == postgres.Retry:
		return err
	default:
		c.add(Error, "role "+c.role, "may not set session_replication_role; triggers and foreign keys would run again for applied rows", c.grantSetting())
	}
	return nil
}

func (c *checker) grantSetting() string {
	if postgres.MajorVersion(c.conn) >= 15 {
		return "GRANT SET ON PARAMETER session_replication_role TO " + postgres.Quote(c.role) + ";"
	}
	return "as superuser: ALTER ROLE " + postgres.Quote(c.role) + " SET session_replication_role = 'replica';"
}

// node looks at bridge's own schema: whether it's this region's, or can be made.
func (c *checker) node(ctx context.Context) error {
	var there, owned, may bool
	err := c.conn.QueryRow(ctx, `
SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'bridge'),
       coalesce((SELECT pg_has_role(nspowner, 'MEMBER') FROM pg_namespace WHERE nspname = 'bridge'), false),
       has_database_privilege(current_database(), 'CREATE')`).Scan(&there, &owned, &may)
	if err != nil {
		return err
	}
	switch role := postgres.Quote(c.role); {
	case there && !owned:
		c.add(Error, "schema bridge", "belongs to another role", "ALTER SCHEMA bridge OWNER TO "+role+";")
		return nil
	case !there && !may:
		c.add(Error, "schema bridge", "is missing, and this role may not create it", "CREATE SCHEMA bridge AUTHORIZATION "+role+";")
		return nil
	}
	n, err := postgres.LoadNode(ctx, c.conn)
	if errors.Is(err, postgres.ErrNotInstalled) {
		c.addForInit("schema bridge", "this database isn't set up yet")
		return nil
	}
	if err != nil {
		return err
	}
	c.initialised = true
	if err := n.Match(c.Cluster, c.Region); err != nil {
		c.add(Error, "bridge.node", err.Error(), "")
	}
	return nil
}
