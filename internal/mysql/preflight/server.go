package preflight

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"bridge/internal/mysql"
	"bridge/internal/preflight"
)

// The oldest versions that bridge runs on.
var (
	minMySQL   = mysql.Version{Major: 8, Minor: 4}
	minMariaDB = mysql.Version{Major: 10, Minor: 11}
)

func (c *checker) mariadb() bool { return c.conn.Flavor() == mysql.MariaDB }

func (c *checker) server(context.Context) error {
	least := minMySQL
	if c.mariadb() {
		least = minMariaDB
	}
	if v := c.conn.Version(); !v.AtLeast(least.Major, least.Minor, 0) {
		c.add(preflight.Error, "server", fmt.Sprintf("%s %s is too old", c.conn.Flavor(), v), fmt.Sprintf("upgrade to %d.%d or later", least.Major, least.Minor))
	}
	if c.variables["read_only"] != "OFF" || c.variables["super_read_only"] == "ON" {
		c.add(preflight.Error, "server", "is read-only, as a replica is; bridge writes to the server it reads", "connect to the primary, or SET GLOBAL read_only = OFF;")
	}
	if kind := cluster(c.variables); kind != "" {
		c.add(preflight.Error, "server", "is a member of "+kind+", whose other members write without waiting for the locks here that bridge's decisions rely on",
			"let bridge work on a server with replicas, or on the primary of a group with one")
	}
	if c.variables["lower_case_table_names"] != "0" {
		c.add(preflight.Note, "server", "lower_case_table_names is "+c.variables["lower_case_table_names"]+": the log names databases and tables in small letters, and so must the other regions", "")
	}
	return nil
}

// cluster names the kind of cluster with several writers that the server is in; "" is none.
func cluster(variables map[string]string) string {
	switch {
	case variables["wsrep_on"] == "ON":
		return "a Galera cluster"
	case variables["group_replication_group_name"] != "" && variables["group_replication_single_primary_mode"] == "OFF":
		return "a replication group with several primaries"
	}
	return ""
}

// setting is a variable that must have a value.
type setting struct {
	name, want string
	level      preflight.Level
	follows    string // what follows from another value
}

var logSettings = []setting{
	{"binlog_format", "ROW", preflight.Error, "the log holds statements, from which rows can't be told"},
	{"binlog_row_image", "FULL", preflight.Error, "the log lacks columns that conflicts are decided by"},
	{"binlog_row_metadata", "FULL", preflight.Error, "the log lacks the names, signs and character sets of columns"},
	{"binlog_row_value_options", "", preflight.Error, "the log holds parts of JSON documents only"},
	{"gtid_mode", "ON", preflight.Warning, "after a failover bridge can't find its place in the log"},
	{"gtid_strict_mode", "ON", preflight.Warning, "GTIDs may be in the log out of order, and bridge goes on from a GTID"},
	{"log_replica_updates", "ON", preflight.Warning, "what this server replicates from another isn't in its log, so other regions don't get it"},
	{"sync_binlog", "1", preflight.Warning, "after a loss of power this server may lack transactions that the other regions have"},
	{"innodb_flush_log_at_trx_commit", "1", preflight.Warning, "after a loss of power this server may lack transactions that the other regions have"},
}

// log looks at what the binary log holds, and for how long.
func (c *checker) log(context.Context) error {
	if c.variables["log_bin"] != "ON" {
		c.add(preflight.Error, "server", "log_bin is OFF: there's no binary log to read", "put log_bin = binlog and a server_id into the option file and restart the server")
		return nil
	}
	if engine := c.variables["binlog_storage_engine"]; engine != "" && !strings.EqualFold(engine, "binlog") {
		c.add(preflight.Error, "server", "binlog_storage_engine is "+engine+", a log that bridge doesn't read", "keep the log in files: remove binlog_storage_engine from the option file and restart the server")
	}
	if c.variables["server_id"] == "0" {
		c.add(preflight.Error, "server", "server_id is 0, with which the server gives its log to nobody", "SET GLOBAL server_id = <a number that no other server has>; and put it into the option file")
	}
	if c.variables["log_replica_updates"] == "" {
		c.variables["log_replica_updates"] = c.variables["log_slave_updates"] // MariaDB's name
	}
	for _, s := range logSettings {
		if got, ok := c.variables[s.name]; ok && !strings.EqualFold(got, s.want) {
			c.add(s.level, "server", fmt.Sprintf("%s is %s: %s", s.name, orEmpty(got), s.follows), setFix(s.name, s.want))
		}
	}
	if kept, known := c.kept(); known && kept < 24*time.Hour {
		c.add(preflight.Warning, "server", fmt.Sprintf("the log is kept for %v: when bridge is away for longer, this region must be joined anew", kept),
			"SET GLOBAL binlog_expire_logs_seconds = 259200; and put it into the option file")
	}
	return nil
}

// semiSync looks at when a commit that waits for a replica counts: bridge publishes it then.
func (c *checker) semiSync(context.Context) error {
	for _, name := range []string{"rpl_semi_sync_source", "rpl_semi_sync_master"} { // the plugin's present name, and its earlier one
		if c.variables[name+"_enabled"] == "ON" && c.variables[name+"_wait_point"] == "AFTER_COMMIT" {
			c.add(preflight.Warning, "server", name+"_wait_point is AFTER_COMMIT: after a failover the replica may lack transactions that the other regions have",
				setFix(name+"_wait_point", "AFTER_SYNC"))
		}
	}
	return nil
}

func orEmpty(s string) string {
	if s == "" {
		return "empty"
	}
	return s
}

// setFix is how a variable is changed; some can only be set at the start.
func setFix(name, want string) string {
	switch name {
	case "log_replica_updates":
		return "put log_slave_updates = ON into the option file and restart the server"
	case "gtid_mode":
		return "SET GLOBAL enforce_gtid_consistency = ON; and then SET GLOBAL gtid_mode = OFF_PERMISSIVE; ON_PERMISSIVE; ON; one after the other, and put both into the option file"
	}
	if _, err := strconv.Atoi(want); err != nil {
		want = strings.TrimSpace(mysql.Literal(want))
	}
	return "SET GLOBAL " + name + " = " + want + "; and put it into the option file"
}

// kept is how long the server keeps its log; known is false when it keeps it until someone purges it.
func (c *checker) kept() (d time.Duration, known bool) {
	if c.variables["binlog_expire_logs_auto_purge"] == "OFF" {
		return 0, false
	}
	if s, _ := strconv.ParseInt(c.variables["binlog_expire_logs_seconds"], 10, 64); s > 0 {
		return time.Duration(s) * time.Second, true
	}
	if days, _ := strconv.ParseFloat(c.variables["expire_logs_days"], 64); days > 0 {
		return time.Duration(days * 24 * float64(time.Hour)), true
	}
	return 0, false
}

// filters looks for databases that the log leaves out.
func (c *checker) filters(ctx context.Context) error {
	if c.variables["log_bin"] != "ON" {
		return nil
	}
	sql := "SHOW BINARY LOG STATUS"
	if c.mariadb() || !c.conn.Version().AtLeast(8, 2, 0) {
		sql = "SHOW MASTER STATUS"
	}
	row, err := c.conn.Text(ctx, sql)
	if mysql.IsError(err, privilegeErrors...) {
		c.add(preflight.Error, c.object(), "may not see where the log ends", "GRANT REPLICATION CLIENT ON *.* TO "+c.grantee()+";")
		return nil
	}
	if err != nil {
		return err
	}
	for i, name := range []string{"binlog_do_db", "binlog_ignore_db"} {
		if row[2+i] != "" {
			c.add(preflight.Error, "server", fmt.Sprintf("%s is %s: the changes of some databases, maybe of database bridge, aren't in the log", name, row[2+i]),
				"remove "+name+" from the option file and restart the server; tables.exclude leaves tables out of replication")
		}
	}
	return nil
}

// room looks for free connections.
func (c *checker) room(context.Context) error {
	for _, name := range []string{"max_connections", "max_user_connections"} {
		if most, err := strconv.Atoi(c.variables[name]); err == nil && most > 0 && c.Connections > most {
			c.add(preflight.Error, "server", fmt.Sprintf("bridge needs %d connections, and %s allows %d", c.Connections, name, most),
				"lower database.apply_connections or raise "+name)
		}
	}
	return nil
}

// maxClockOffset is far above what NTP leaves, and far below what would let one region win every
// conflict unnoticed.
const maxClockOffset = time.Second

// clock compares the server's clock with this machine's. Commit times decide conflicts.
func (c *checker) clock(ctx context.Context) error {
	before := time.Now()
	row, err := c.conn.Text(ctx, "SELECT utc_timestamp(6)")
	if err != nil {
		return err
	}
	after := time.Now()
	server, err := time.Parse("2006-01-02 15:04:05.999999", row[0])
	if err != nil {
		return err
	}
	offset := server.Sub(before)
	if server.After(before) {
		offset = max(0, server.Sub(after))
	}
	if offset.Abs() > maxClockOffset {
		c.add(preflight.Warning, "server", fmt.Sprintf("the server's clock is %v off this machine's; commit times decide which write is the last", offset.Round(time.Millisecond)),
			"synchronize the clocks of all regions' database servers (chrony or NTP)")
	}
	return nil
}
