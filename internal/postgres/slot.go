package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Slot is a replication slot as the server shows it.
type Slot struct {
	Name      string
	Plugin    string
	Type      string // "logical" or "physical"
	Database  string
	Active    bool
	ActivePID int    // 0 when inactive
	WALStatus string // reserved, extended, unreserved or lost
	Confirmed string // confirmed_flush_lsn
	Failover  bool   // synchronized to standbys; false before PostgreSQL 17
}

// LoadSlot reads a slot; nil when there's none of that name.
func LoadSlot(ctx context.Context, db Querier, name string) (*Slot, error) {
	var s Slot
	err := db.QueryRow(ctx, `
SELECT slot_name::text, coalesce(plugin::text, ''), slot_type, coalesce(database::text, ''), active,
       coalesce(active_pid, 0), coalesce(wal_status, ''), coalesce(confirmed_flush_lsn::text, ''),
       coalesce((to_jsonb(s) ->> 'failover')::boolean, false)
FROM pg_replication_slots s WHERE slot_name = $1`, name).
		Scan(&s.Name, &s.Plugin, &s.Type, &s.Database, &s.Active, &s.ActivePID, &s.WALStatus, &s.Confirmed, &s.Failover)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read replication slot %s: %w", name, err)
	}
	return &s, nil
}

// Usable says why bridge can't read database's log through the slot, or nil.
func (s *Slot) Usable(database string) error {
	switch {
	case s.Type != "logical" || s.Plugin != "pgoutput":
		return fmt.Errorf("replication slot %s is %s with plugin %q, not a logical one of pgoutput: choose another name in database.slot",
			s.Name, s.Type, s.Plugin)
	case s.Database != database:
		return fmt.Errorf("replication slot %s belongs to database %s: choose another name in database.slot", s.Name, s.Database)
	case s.WALStatus == "lost":
		return fmt.Errorf("replication slot %s is lost: the server removed log that it still needed (max_slot_wal_keep_size). "+
			"What wasn't read is gone: see \"The slot is lost\" in docs/operations.md", s.Name)
	}
	return nil
}

var errNoFailoverSlots = errors.New("a failover slot needs PostgreSQL 17 or later: set database.failover_slot to false")

// CreateSlot creates bridge's logical slot and returns where it begins. It waits for the transactions
// that are running to end. The publication must exist before: a slot can't decode with one that came
// later. failover asks PostgreSQL 17 and later to keep a copy on standbys.
func CreateSlot(ctx context.Context, conn *pgx.Conn, name string, failover bool) (lsn string, err error) {
	sql := `SELECT lsn::text FROM pg_create_logical_replication_slot($1, 'pgoutput')`
	if failover {
		if !has(conn, 17) {
			return "", errNoFailoverSlots
		}
		sql = `SELECT lsn::text FROM pg_create_logical_replication_slot($1, 'pgoutput', false, false, true)`
	}
	if err := conn.QueryRow(ctx, sql, name).Scan(&lsn); err != nil {
		return "", fmt.Errorf("create replication slot %s: %w", name, err)
	}
	return lsn, nil
}

// SlotSnapshot is a logical slot that was just made, and the name of a snapshot that shows the database exactly
// as of the slot's beginning: nothing that the slot will send, and all that it won't. The snapshot is there
// until Close.
type SlotSnapshot struct {
	Begin    string // LSN
	Snapshot string
	conn     *pgconn.PgConn
}

// CreateSlotSnapshot is [CreateSlot] for who wants to read what the database holds where the slot begins.
func CreateSlotSnapshot(ctx context.Context, server Server, session Session, name string, failover bool) (*SlotSnapshot, error) {
	session.Replication, session.StatementTimeout, session.LockTimeout = true, 0, 0
	config, err := server.Config(session)
	if err != nil {
		return nil, err
	}
	conn, err := pgconn.ConnectConfig(ctx, &config.Config)
	if err != nil {
		return nil, fmt.Errorf("create replication slot %s: connect for replication: %w", name, err)
	}
	if failover && majorVersion(conn) < 17 {
		conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing was done with it
		return nil, errNoFailoverSlots
	}
	sql := "CREATE_REPLICATION_SLOT " + Quote(name) + " LOGICAL pgoutput EXPORT_SNAPSHOT"
	if failover { // an option of PostgreSQL 17, which has this form of the command
		sql = "CREATE_REPLICATION_SLOT " + Quote(name) + " LOGICAL pgoutput (SNAPSHOT 'export', FAILOVER true)"
	}
	made, err := pglogrepl.ParseCreateReplicationSlot(conn.Exec(ctx, sql))
	if err != nil {
		conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the slot's error is the one that counts
		return nil, fmt.Errorf("create replication slot %s: %w", name, err)
	}
	return &SlotSnapshot{Begin: made.ConsistentPoint, Snapshot: made.SnapshotName, conn: conn}, nil
}

// Close lets go of the snapshot. The slot stays.
func (s *SlotSnapshot) Close(ctx context.Context) error { return s.conn.Close(ctx) }

// DropSlot drops a slot that nobody uses, with the log that it holds.
func DropSlot(ctx context.Context, conn *pgx.Conn, name string) error {
	if _, err := conn.Exec(ctx, `SELECT pg_drop_replication_slot($1)`, name); err != nil {
		return fmt.Errorf("drop replication slot %s: %w", name, err)
	}
	return nil
}

// MajorVersion is the server's major version: 15 of "15.18 (Debian …)". 0 when it can't be read.
func MajorVersion(conn *pgx.Conn) int { return majorVersion(conn.PgConn()) }

func majorVersion(conn *pgconn.PgConn) int {
	text := conn.ParameterStatus("server_version")
	if i := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		text = text[:i]
	}
	major, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return major
}

func has(conn *pgx.Conn, major int) bool { return MajorVersion(conn) >= major }
