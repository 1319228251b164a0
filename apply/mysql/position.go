package mysql

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"bridge/internal/mysql"
)

// positionSQL asks for the end of the binary log.
func positionSQL(conn *mysql.Conn) string {
	if conn.Flavor() == mysql.MySQL && conn.Version().AtLeast(8, 2, 0) {
		return "SHOW BINARY LOG STATUS"
	}
	return "SHOW MASTER STATUS"
}

// parsePosition reads the answer to [positionSQL].
func parsePosition(r *mysql.Result) (p mysql.BinlogPosition, err error) {
	if len(r.Rows) != 1 || len(r.Rows[0]) < 2 {
		return p, errors.New("the server has no binary log: set log_bin, and restart it")
	}
	name, _ := r.Rows[0][0].Text()
	offset, _ := r.Rows[0][1].Text()
	if _, p.File, err = mysql.ParseBinlogFile(name); err != nil {
		return p, err
	}
	if p.Offset, err = strconv.ParseUint(offset, 10, 64); err != nil {
		return p, fmt.Errorf("the server's position in %s is %q, which is no number", name, offset)
	}
	return p, nil
}

func readPosition(ctx context.Context, conn *mysql.Conn) (mysql.BinlogPosition, error) {
	r, err := conn.One(ctx, positionSQL(conn))
	if err != nil {
		return mysql.BinlogPosition{}, err
	}
	return parsePosition(&r)
}
