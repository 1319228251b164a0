package mysql

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"bridge/change"
	"bridge/internal/mysql"
)

// catalog is what the source asks the server beside the log, in a session that's opened when it's needed
// and opened anew when it was lost.
type catalog struct {
	server  mysql.Server
	session mysql.Session
	conn    *mysql.Conn

	flavor    mysql.Flavor
	version   mysql.Version
	encrypted bool // the session uses TLS
	charsets  map[string]*charset
	byID      map[uint64]collation
	forms     *mysql.KeyForms
}

func newCatalog(c Config) *catalog {
	return &catalog{server: c.Server, session: mysql.Session{Name: c.Name}}
}

// collation is one of the server's.
type collation struct {
	name    string
	charset *charset
}

func (c *catalog) mariadb() bool { return c.flavor == mysql.MariaDB }

// open connects and learns what doesn't change while the server runs.
func (c *catalog) open(ctx context.Context) error {
	if c.conn != nil && !c.conn.Broken() {
		return nil
	}
	conn, err := c.server.Connect(ctx, c.session)
	if err != nil {
		return err
	}
	c.conn, c.flavor, c.version = conn, conn.Flavor(), conn.Version()
	if c.byID != nil {
		return nil
	}
	row, err := c.one(ctx, "SHOW SESSION STATUS LIKE 'Ssl_cipher'")
	if err != nil {
		return err
	}
	c.encrypted = row[1] != ""
	return c.loadCollations(ctx)
}

func (c *catalog) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// query returns a query's rows as text; NULL is "". A session that was lost in the meantime is replaced
// once.
func (c *catalog) query(ctx context.Context, sql string) ([][]string, error) {
	images, err := c.images(ctx, sql)
	if err != nil {
		return nil, err
	}
	rows := make([][]string, len(images))
	for i, r := range images {
		rows[i] = make([]string, len(r))
		for j, v := range r {
			rows[i][j], _ = v.Text()
		}
	}
	return rows, nil
}

// lookUpLimit bounds a look-up, which isn't broken off with its caller's context: a source whose wait was ended
// can be asked again, and must find its session, and what it was reading, as they were.
const lookUpLimit = 10 * time.Second

// images is query with values as they are.
func (c *catalog) images(ctx context.Context, sql string) ([]change.Image, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookUpLimit)
	defer cancel()
	for attempt := 0; ; attempt++ {
		if err := c.open(ctx); err != nil {
			return nil, err
		}
		result, err := c.conn.One(ctx, sql)
		if err != nil {
			if attempt == 0 && c.conn.Broken() && ctx.Err() == nil {
				continue
			}
			return nil, err
		}
		return result.Rows, nil
	}
}

// one is the one row that a query gives.
func (c *catalog) one(ctx context.Context, sql string) ([]string, error) {
	rows, err := c.query(ctx, sql)
	if err == nil && len(rows) != 1 {
		err = mysql.ErrNoRow
	}
	if err != nil {
		return nil, err
	}
	return rows[0], nil
}

func (c *catalog) loadCollations(ctx context.Context) error {
	sql := "SELECT ID, COLLATION_NAME, CHARACTER_SET_NAME FROM information_schema.COLLATIONS"
	if c.mariadb() && c.version.AtLeast(10, 10, 0) { // some are of several character sets there, each with an id
		sql = "SELECT ID, FULL_COLLATION_NAME, CHARACTER_SET_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY"
	}
	rows, err := c.query(ctx, sql)
	if err != nil {
		return fmt.Errorf("read the server's collations: %w", err)
	}
	c.byID, c.charsets = make(map[uint64]collation), make(map[string]*charset)
	for _, r := range rows {
		id, err := strconv.ParseUint(r[0], 10, 64)
		if err != nil {
			continue // a collation that no column can have
		}
		cs := c.charsets[r[2]]
		if cs == nil {
			cs = &charset{name: r[2], binary: r[2] == "binary"}
			c.charsets[r[2]] = cs
		}
		c.byID[id] = collation{r[1], cs}
	}
	return nil
}

// charsetOf is the character set of a collation; nil for one that the server doesn't have.
func (c *catalog) charsetOf(id uint64) *charset { return c.byID[id].charset }

// columnTypes are the types of a table's columns, with their modifiers, as they're now.
func (c *catalog) columnTypes(ctx context.Context, t change.TableName) (map[string]string, error) {
	rows, err := c.query(ctx, "SELECT COLUMN_NAME, COLUMN_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = "+
		mysql.Literal(t.Schema)+" AND TABLE_NAME = "+mysql.Literal(t.Name))
	if err != nil {
		return nil, fmt.Errorf("read the columns of table %s: %w", t, err)
	}
	types := make(map[string]string, len(rows))
	for _, r := range rows {
		types[r[0]] = strings.ToLower(r[1])
	}
	return types, nil
}

// logFiles are the names of the binary logs that the server has, oldest first.
func (c *catalog) logFiles(ctx context.Context) ([]string, error) {
	rows, err := c.query(ctx, "SHOW BINARY LOGS")
	if err != nil {
		return nil, fmt.Errorf("list the binary logs: %w", err)
	}
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r[0]
	}
	return names, nil
}

// anonymous reports whether a file of a MySQL server's log has a group without a GTID from a place on.
func (c *catalog) anonymous(ctx context.Context, file string, offset uint64) (bool, error) {
	const page = 1000
	for {
		rows, err := c.query(ctx, fmt.Sprintf("SHOW BINLOG EVENTS IN %s FROM %d LIMIT %d", mysql.Literal(file), offset, page))
		if err != nil {
			return false, fmt.Errorf("look for transactions without GTIDs in %s: %w", file, err)
		}
		for _, r := range rows {
			if r[2] == "Anonymous_Gtid" {
				return true, nil
			}
		}
		if len(rows) < page {
			return false, nil
		}
		if offset, err = strconv.ParseUint(rows[len(rows)-1][4], 10, 64); err != nil {
			return false, fmt.Errorf("look for transactions without GTIDs in %s: %w", file, err)
		}
	}
}

// end is where the log ends now.
func (c *catalog) end(ctx context.Context) (end logEnd, err error) {
	sql := "SHOW BINARY LOG STATUS"
	if c.mariadb() || !c.version.AtLeast(8, 2, 0) {
		sql = "SHOW MASTER STATUS"
	}
	row, err := c.one(ctx, sql)
	if err != nil {
		return end, fmt.Errorf("%s: %w", sql, err)
	}
	_, number, err := mysql.ParseBinlogFile(path.Base(row[0]))
	offset, errO := strconv.ParseUint(row[1], 10, 64)
	if err := errors.Join(err, errO); err != nil {
		return end, fmt.Errorf("%s: %w", sql, err)
	}
	end = logEnd{file: row[0], at: mysql.BinlogPosition{File: number, Offset: offset}}
	if !c.mariadb() {
		end.gtids = strings.ReplaceAll(row[4], "\n", "")
	}
	return end, nil
}

// committed is up to where a MariaDB server has committed what's in its log. For the last groups of a file it's a
// moment ahead: the server counts from the next one's beginning when it begins that.
func (c *catalog) committed(ctx context.Context) (at mysql.BinlogPosition, err error) {
	const sql = "SHOW STATUS LIKE 'binlog_snapshot_%'"
	rows, err := c.query(ctx, sql)
	if err != nil {
		return at, fmt.Errorf("%s: %w", sql, err)
	}
	for _, r := range rows {
		switch strings.ToLower(r[0]) {
		case "binlog_snapshot_file":
			_, at.File, err = mysql.ParseBinlogFile(path.Base(r[1]))
		case "binlog_snapshot_position":
			at.Offset, err = strconv.ParseUint(r[1], 10, 64)
		}
		if err != nil {
			return at, fmt.Errorf("%s: %w", sql, err)
		}
	}
	return at, nil
}

// logEnd is where a log ends.
type logEnd struct {
	file  string
	at    mysql.BinlogPosition
	gtids string // MySQL's gtid_executed, which may lack groups of the last moment
}

// gtidsAt is what a MariaDB server's log had up to a place; "" when it hasn't that file.
func (c *catalog) gtidsAt(ctx context.Context, file string, offset uint64) (string, error) {
	row, err := c.one(ctx, fmt.Sprintf("SELECT BINLOG_GTID_POS(%s, %d)", mysql.Literal(file), offset))
	if err != nil {
		return "", fmt.Errorf("look up the GTID position of %s:%d: %w", file, offset, err)
	}
	return row[0], nil
}
