package mysql

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"

	"bridge/change"
)

// End is where the binary log ends now. Of MySQL it has no GTIDs: the set that the server tells may lack transactions
// that are before this place in the log already.
func End(ctx context.Context, conn *Conn) (p change.Position, err error) {
	sql := "SHOW BINARY LOG STATUS"
	if conn.flavor == MariaDB || !conn.version.AtLeast(8, 2, 0) {
		sql = "SHOW MASTER STATUS"
	}
	row, err := conn.Text(ctx, sql)
	if errors.Is(err, ErrNoRow) {
		return p, errors.New("the server writes no binary log: put log_bin into its option file and restart it")
	}
	if err != nil {
		return p, fmt.Errorf("%s: %w", sql, err)
	}
	var at BinlogPosition
	if _, at.File, err = ParseBinlogFile(path.Base(row[0])); err == nil {
		at.Offset, err = strconv.ParseUint(row[1], 10, 64)
	}
	if err == nil {
		p.Offset, err = at.Encode()
	}
	if err != nil {
		return p, fmt.Errorf("%s: %w", sql, err)
	}
	if conn.flavor == MariaDB {
		gtid, err := conn.Text(ctx, fmt.Sprintf("SELECT BINLOG_GTID_POS(%s, %d)", Literal(row[0]), at.Offset))
		if err != nil {
			return p, fmt.Errorf("look up the GTID position of %s:%d: %w", row[0], at.Offset, err)
		}
		p.GTID = gtid[0]
	}
	return p, nil
}

// EnsureStart is where a region's capture begins as long as nothing is published: the end of the log when this was asked
// first, which is kept in bridge.node. "bridge init" asks it last: what's committed after that is replicated.
func EnsureStart(ctx context.Context, conn *Conn) (p change.Position, err error) {
	for range 2 {
		row, err := conn.Text(ctx, "SELECT coalesce(start_offset, 0), coalesce(start_gtid, '') FROM bridge.node")
		if errors.Is(err, ErrNoRow) || IsError(err, erNoSuchTable, erNoSuchDatabase) {
			return p, ErrNotInstalled
		}
		if err == nil {
			p.GTID = row[1]
			p.Offset, err = strconv.ParseUint(row[0], 10, 64)
		}
		if err != nil {
			return p, fmt.Errorf("read bridge.node: %w", err)
		}
		if p.Offset != 0 {
			return p, nil
		}
		end, err := End(ctx, conn)
		if err != nil {
			return p, err
		}
		_, err = conn.One(ctx, fmt.Sprintf("UPDATE bridge.node SET start_offset = %d, start_gtid = %s WHERE start_offset IS NULL", end.Offset, Literal(end.GTID)))
		if err != nil {
			return p, fmt.Errorf("write bridge.node: %w", err)
		}
	}
	return p, errors.New("bridge.node keeps no start position: somebody else writes to it")
}
