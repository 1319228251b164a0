package postgres

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"bridge/capture"
	"bridge/internal/postgres"
)

// timeline names one server's log: its system identifier and timeline. A promotion begins a new timeline; a
// position beyond the place where it began means another thing in each of the two.
type timeline struct {
	system string
	number int32
}

// sameLog refuses a log in which the published position isn't what it was: after a failover to a standby that hadn't
// received all that was published, or a restore. The log may have grown past the position since, so
// that its end doesn't show it. Then it remembers the log, in bridge.node: a copy of the database brings
// along which log it was copied from.
func (e *Engine) sameLog(ctx context.Context, published pglogrepl.LSN) error {
	config, err := e.Server.Config(postgres.Session{Name: e.name("start"), Replication: true})
	if err != nil {
		return err
	}
	conn, err := pgconn.ConnectConfig(ctx, &config.Config)
	if err != nil {
		return fmt.Errorf("connect to the database for replication: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it has done its work
	now, err := pglogrepl.IdentifySystem(ctx, conn)
	if err != nil {
		return fmt.Errorf("read which log the server writes: %w", err)
	}
	return e.with(ctx, "start", func(db *pgx.Conn) error {
		had, err := loadTimeline(ctx, db)
		if err != nil {
			return err
		}
		is := timeline{now.SystemID, now.Timeline}
		if had == is {
			return nil
		}
		if had.number != 0 && published != 0 {
			if err := is.holds(ctx, conn, had, published); err != nil {
				return err
			}
		}
		_, err = db.Exec(ctx, `UPDATE bridge.node SET system_identifier = $1, timeline = $2`, is.system, is.number)
		if err != nil {
			return fmt.Errorf("write bridge.node: %w", err)
		}
		return nil
	})
}

func loadTimeline(ctx context.Context, db *pgx.Conn) (t timeline, err error) {
	err = db.QueryRow(ctx, `SELECT coalesce(system_identifier, ''), coalesce(timeline, 0) FROM bridge.node`).Scan(&t.system, &t.number)
	if err != nil {
		return t, fmt.Errorf("read bridge.node: %w", err)
	}
	return t, nil
}

// holds refuses a published position of timeline had that isn't in t's past.
func (t timeline) holds(ctx context.Context, conn *pgconn.PgConn, had timeline, published pglogrepl.LSN) error {
	if t.system != had.system {
		return fmt.Errorf("%w: the server isn't the one whose log was read before (system identifier %s, it was %s): the database was loaded into "+
			"another server: see \"The log isn't the one it was\" in docs/operations.md. If pg_upgrade did it and kept the slot: UPDATE bridge.node SET timeline = NULL", capture.ErrLogBehind, t.system, had.system)
	}
	if t.number == had.number {
		return nil
	}
	file, err := pglogrepl.TimelineHistory(ctx, conn, t.number)
	if err != nil {
		return fmt.Errorf("read the history of timeline %d: %w", t.number, err)
	}
	fork, found, err := forkOf(file.Content, had.number)
	switch {
	case err != nil:
		return fmt.Errorf("history of timeline %d: %w", t.number, err)
	case !found:
		return fmt.Errorf("%w: the server's timeline %d doesn't descend from timeline %d, whose log was read before: "+
			"another standby was promoted, or an older copy restored: see \"The log isn't the one it was\" in docs/operations.md", capture.ErrLogBehind, t.number, had.number)
	case published > fork:
		return fmt.Errorf("%w: what was published ends at %s, but the server left that log (timeline %d) at %s for timeline %d: a standby without the last "+
			"transactions was promoted, or an older copy restored. The other regions have transactions that are lost here: see \"The log isn't the one it was\" in docs/operations.md; "+
			"with synchronized_standby_slots (PostgreSQL 17) nothing is published that a standby lacks",
			capture.ErrLogBehind, published, had.number, fork, t.number)
	}
	return nil
}

// forkOf finds, in a timeline's history file, where it or an ancestor of it left another timeline. A line is
// a timeline, the position where it was left, and a reason.
func forkOf(file []byte, left int32) (at pglogrepl.LSN, found bool, err error) {
	lines := bufio.NewScanner(bytes.NewReader(file))
	for lines.Scan() {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		var number int32
		if len(fields) < 2 {
			return 0, false, fmt.Errorf("line %q isn't understood", text)
		}
		if _, err := fmt.Sscan(fields[0], &number); err != nil {
			return 0, false, fmt.Errorf("line %q isn't understood: %w", text, err)
		}
		if number != left {
			continue
		}
		at, err := pglogrepl.ParseLSN(fields[1])
		if err != nil {
			return 0, false, fmt.Errorf("line %q isn't understood: %w", text, err)
		}
		return at, true, nil
	}
	return 0, false, lines.Err()
}
