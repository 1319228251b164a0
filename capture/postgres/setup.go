package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"bridge/capture"
	"bridge/internal/postgres"
)

// oldestServer is the first version whose pgoutput has messages and streaming.
const oldestServer = 14

// check refuses what would go wrong later, or silently. It returns where to start.
func (c Config) check(ctx context.Context, conn *pgx.Conn) (start pglogrepl.LSN, err error) {
	if v := postgres.MajorVersion(conn); v < oldestServer {
		return 0, fmt.Errorf("%w: the server is PostgreSQL %d, capture needs %d or later", capture.ErrSetup, v, oldestServer)
	}
	if _, err := CheckPublication(ctx, conn, c.Publication); err != nil {
		return 0, err
	}
	if c.SkipApplied {
		if err := CheckOrigins(ctx, conn); err != nil {
			return 0, err
		}
	}
	return c.checkSlot(ctx, conn)
}

// CheckOrigins refuses other replication origins than bridge's: where applied rows are left out of the log, what's written
// under those would be, too.
func CheckOrigins(ctx context.Context, conn *pgx.Conn) error {
	if postgres.MajorVersion(conn) < postgres.OriginServer { // it leaves nothing out
		return nil
	}
	names, err := postgres.OtherOrigins(ctx, conn)
	if err != nil || len(names) == 0 {
		return err
	}
	text, fix := postgres.WhenOthers(names[0])
	return fmt.Errorf("%w: %s: %s", capture.ErrSetup, text, fix)
}

func (c Config) checkSlot(ctx context.Context, conn *pgx.Conn) (start pglogrepl.LSN, err error) {
	s, err := postgres.LoadSlot(ctx, conn, c.Slot)
	if err != nil {
		return 0, err
	}
	if s == nil {
		return 0, fmt.Errorf("%w: %s: it was dropped, or this server is a promoted standby without it. What was committed since the last "+
			"position read isn't in the log any more: see \"The slot is lost\" in docs/operations.md, or run \"bridge init\" if it has never run", ErrSlotMissing, c.Slot)
	}
	if s.WALStatus == "lost" {
		return 0, fmt.Errorf("%w: %w", ErrSlotLost, s.Usable(conn.Config().Database))
	}
	if err := s.Usable(conn.Config().Database); err != nil {
		return 0, fmt.Errorf("%w: %w", capture.ErrSetup, err)
	}
	if s.Active {
		return 0, slotActive(c.Slot, s.ActivePID)
	}
	var twoPhase bool
	if err := conn.QueryRow(ctx, `SELECT two_phase FROM pg_replication_slots WHERE slot_name = $1`, c.Slot).Scan(&twoPhase); err != nil {
		return 0, fmt.Errorf("read replication slot %s: %w", c.Slot, err)
	}
	if twoPhase {
		return 0, fmt.Errorf("%w: replication slot %s decodes prepared transactions before their commit: use one created without two_phase", capture.ErrSetup, c.Slot)
	}
	if start, err = c.start(s); err != nil {
		return 0, err
	}
	return start, c.checkEnd(ctx, conn, start)
}

// checkEnd refuses a log that ends before start. The server would take the position without a word, and pass over
// all that commits until the log has grown to it.
func (c Config) checkEnd(ctx context.Context, conn *pgx.Conn, start pglogrepl.LSN) error {
	var end *string
	err := conn.QueryRow(ctx, `SELECT CASE WHEN NOT pg_is_in_recovery() AND pg_current_wal_flush_lsn() < $1::text::pg_lsn
		THEN pg_current_wal_flush_lsn()::text END`, start.String()).Scan(&end)
	if err != nil {
		return fmt.Errorf("read where the log ends: %w", err)
	}
	if end == nil {
		return nil
	}
	return fmt.Errorf("%w: the last transaction known to be published ends at %s, this server's log at %s: the database was restored "+
		"from an older copy, or a standby without the last transactions was promoted: see \"The log isn't the one it was\" in docs/operations.md", capture.ErrLogBehind, start, *end)
}

// start is c.Start if the slot can go on there.
func (c Config) start(s *postgres.Slot) (pglogrepl.LSN, error) {
	confirmed, err := pglogrepl.ParseLSN(s.Confirmed)
	if err != nil {
		return 0, fmt.Errorf("%w: replication slot %s has no confirmed position yet: create it anew", capture.ErrSetup, c.Slot)
	}
	start := pglogrepl.LSN(c.Start.Offset)
	if start == 0 {
		return confirmed, nil
	}
	if confirmed > start {
		return 0, fmt.Errorf("%w: slot %s is confirmed up to %s, but the last transaction known to be published ends at %s. What was committed "+
			"between is lost to the other regions: someone else read the slot, or the topic isn't this region's. Check both; if they're right, see \"The slot is lost\" in docs/operations.md",
			ErrSlotAhead, c.Slot, confirmed, start)
	}
	return start, nil
}

func slotActive(slot string, pid int) error {
	return fmt.Errorf("%w: server process %d reads %s: another bridge runs for this region, or its connection was cut and the server hasn't noticed yet "+
		"(it will after wal_sender_timeout; SELECT pg_terminate_backend(%[2]d) ends it at once)", ErrSlotActive, pid, slot)
}

// explain gives the server's errors about replication their meaning here.
func (c Config) explain(err error) error {
	server, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	switch server.Code {
	case "55006": // object_in_use
		return fmt.Errorf("%w: %w", ErrSlotActive, err)
	case "58P01": // undefined_file: a segment of the log
		return fmt.Errorf("%w: %w: see \"The slot is lost\" in docs/operations.md", ErrSlotLost, err)
	case "42704": // undefined_object: pgoutput reads the catalog as of the change
		return fmt.Errorf("%w: at this position of the log publication %s didn't exist yet (the slot is older than it): %w: "+
			"drop the slot and run \"bridge init\"", capture.ErrSetup, c.Publication, err)
	case "42501":
		return fmt.Errorf("%w: %w: ALTER ROLE … REPLICATION", capture.ErrSetup, err)
	}
	return err
}

// senderTimeout is how long the server waits for a sign of life; 0 is forever.
func senderTimeout(ctx context.Context, conn *pgx.Conn) (time.Duration, error) {
	var milliseconds int64
	err := conn.QueryRow(ctx, `SELECT setting::bigint FROM pg_settings WHERE name = 'wal_sender_timeout'`).Scan(&milliseconds)
	if err != nil {
		return 0, fmt.Errorf("read wal_sender_timeout: %w", err)
	}
	return time.Duration(milliseconds) * time.Millisecond, nil
}
