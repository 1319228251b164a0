package mysql

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"bridge/change"
	"bridge/internal/mysql"
)

// Begin takes a snapshot of the server for [Region.Baseline], and returns the position that belongs to it: the
// snapshot holds exactly what the log has up to there, of all tables. It lasts until the region is closed; nothing else
// may be asked of the region then.
//
// MariaDB tells the position itself. On MySQL, the log's end doesn't belong to a snapshot that's taken beside it: a
// transaction is in the log before it can be seen. So bridge commits one of its own (an update of bridge.barrier),
// takes the snapshot, and looks whether its own is still the log's last one. Transactions become visible in the order
// of the log (binlog_order_commits): when the own one's commit has returned, all before it can be seen; and after it
// there was none, when the snapshot had been taken. On a busy server that takes some attempts.
//
// bridge's own tables must be there; no bridge may run. Refused: FLUSH TABLES WITH READ LOCK, which waits for every
// long query while everybody waits for it, and performance_schema.log_status: both take privileges that bridge has
// no other use for.
func (r *Region) Begin(ctx context.Context) (change.Position, error) {
	if _, err := r.conn.One(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"); err != nil {
		return change.Position{}, fmt.Errorf("begin a snapshot: %w", err)
	}
	if r.conn.Flavor() == mysql.MariaDB {
		return r.beginMariaDB(ctx)
	}
	return r.beginMySQL(ctx)
}

const snapshotSQL = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"

// beginMariaDB reads the position that the server keeps with the snapshot.
func (r *Region) beginMariaDB(ctx context.Context) (p change.Position, err error) {
	results, err := r.conn.Exec(ctx, snapshotSQL+"; SHOW STATUS WHERE Variable_name IN ('binlog_snapshot_file', 'binlog_snapshot_position')")
	if err != nil {
		return p, fmt.Errorf("begin a snapshot: %w", err)
	}
	is := map[string]string{}
	for _, row := range results[len(results)-1].Rows {
		name, _ := row[0].Text()
		is[name], _ = row[1].Text()
	}
	file := is["Binlog_snapshot_file"]
	at, err := binlogPosition(file, is["Binlog_snapshot_position"])
	if err != nil {
		return p, fmt.Errorf("the snapshot's position: %w", err)
	}
	if p.Offset, err = at.Encode(); err != nil {
		return p, err
	}
	gtid, err := r.conn.Text(ctx, fmt.Sprintf("SELECT BINLOG_GTID_POS(%s, %d)", mysql.Literal(file), at.Offset))
	if err != nil {
		return p, fmt.Errorf("the snapshot's GTID position: %w", err)
	}
	p.GTID = gtid[0]
	return p, nil
}

func binlogPosition(file, offset string) (p mysql.BinlogPosition, err error) {
	if _, p.File, err = mysql.ParseBinlogFile(file); err != nil {
		return p, err
	}
	if p.Offset, err = strconv.ParseUint(offset, 10, 64); err != nil {
		return p, fmt.Errorf("place %q in %s isn't a number", offset, file)
	}
	return p, nil
}

// attempts is how often the own transaction may turn out not to be the last.
const attempts = 500

// errBusy says that too much is written.
var errBusy = errors.New("transactions committed at every attempt to take a snapshot between two of them: begin again when less is written")

func (r *Region) beginMySQL(ctx context.Context) (p change.Position, err error) {
	is, err := mysql.Variables(ctx, r.conn, "binlog_order_commits")
	if err != nil {
		return p, err
	}
	if is["binlog_order_commits"] == "OFF" {
		return p, errors.New("with binlog_order_commits = OFF no snapshot has a place in the log: run SET GLOBAL binlog_order_commits = ON, and try again")
	}
	for range attempts {
		at, between, err := r.try(ctx)
		if err != nil {
			return p, fmt.Errorf("begin a snapshot: %w", err)
		}
		if between {
			p.Offset, err = at.Encode()
			return p, err
		}
	}
	return p, errBusy
}

// try takes a snapshot right after a transaction of its own, and reports whether no other came between. It's one packet,
// so that little time is for others.
func (r *Region) try(ctx context.Context) (at mysql.BinlogPosition, between bool, err error) {
	end := "SHOW MASTER STATUS"
	if r.conn.Version().AtLeast(8, 2, 0) {
		end = "SHOW BINARY LOG STATUS"
	}
	results, err := r.conn.Exec(ctx, "COMMIT; "+end+"; UPDATE bridge.barrier SET token = token + 1 WHERE single = 1; "+snapshotSQL+"; "+end)
	if err != nil {
		return at, false, err
	}
	const before, update, after = 1, 2, 4 // which results
	if results[update].Affected != 1 {
		return at, false, mysql.ErrNotInstalled
	}
	from, file, err := logEnd(results[before])
	if err != nil {
		return at, false, err
	}
	if at, _, err = logEnd(results[after]); err != nil || at.File != from.File {
		return at, false, err
	}
	between, err = r.endsWithBarrier(ctx, file, from.Offset, at.Offset)
	return at, between, err
}

// logEnd reads what the server says of its log's end.
func logEnd(r mysql.Result) (at mysql.BinlogPosition, file string, err error) {
	if len(r.Rows) != 1 || len(r.Rows[0]) < 2 {
		return at, "", errors.New("the server writes no binary log: put log_bin into its option file and restart it")
	}
	file, _ = r.Rows[0][0].Text()
	offset, _ := r.Rows[0][1].Text()
	file = path.Base(file)
	at, err = binlogPosition(file, offset)
	return at, file, err
}

// endsWithBarrier reports whether the last transaction of a part of the log is an update of bridge.barrier alone, and
// the part ends with it.
func (r *Region) endsWithBarrier(ctx context.Context, file string, from, to uint64) (bool, error) {
	result, err := r.conn.One(ctx, fmt.Sprintf("SHOW BINLOG EVENTS IN %s FROM %d", mysql.Literal(file), from))
	if err != nil {
		return false, err
	}
	barrier, ended := false, uint64(0)
	for _, row := range result.Rows {
		var event [6]string // file, place, type, server, end, what it says
		for i := range min(len(row), len(event)) {
			event[i], _ = row[i].Text()
		}
		end, err := strconv.ParseUint(event[4], 10, 64)
		if err != nil {
			return false, fmt.Errorf("an event of %s has no end: %w", file, err)
		}
		if end > to {
			break // written since; the events of a compressed transaction all have its end
		}
		ended = end
		kind, what := event[2], event[5]
		switch {
		case strings.Contains(kind, "Gtid"): // a transaction's first event, with GTIDs or without
			barrier = false
		case kind == "Table_map":
			barrier = strings.HasSuffix(what, " (bridge.barrier)")
		}
	}
	// The end has 32 bits there; a file may have more.
	return barrier && uint32(ended) == uint32(to), nil
}
