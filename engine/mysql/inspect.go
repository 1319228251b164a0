package mysql

import (
	"context"
	"fmt"
	"strings"
	"time"

	"bridge/capture"
	"bridge/internal/mysql"
)

// needs are global variables as replication needs them; sessions of applications begin with them. What a session sets
// for itself is seen in the log, and stops capture if it must.
var needs = []struct{ name, value, otherwise string }{
	{"binlog_format", "ROW", "changes would be logged as statements"},
	{"binlog_row_image", "FULL", "old rows wouldn't be logged whole"},
	{"binlog_row_metadata", "FULL", "the log wouldn't tell the columns' names"},
	{"binlog_row_value_options", "", "JSON columns would be logged in part"},
}

// Inspect is [node.Engine]'s: what others may have changed, and what then goes wrong without a word.
func (e *Engine) Inspect(ctx context.Context) error {
	return e.with(ctx, "inspect", func(conn *mysql.Conn) error {
		if _, err := mysql.LoadNode(ctx, conn); err != nil {
			return err
		}
		names := []string{"read_only", "super_read_only", "log_bin", nativeForeignKeys}
		for _, n := range needs {
			names = append(names, n.name)
		}
		is, err := mysql.Variables(ctx, conn, names...)
		if err != nil {
			return err
		}
		if err := check(is); err != nil {
			return err
		}
		return e.lookForCascades(ctx, conn, is[nativeForeignKeys])
	})
}

const nativeForeignKeys = "innodb_native_foreign_keys"

// cascadesEvery is how often all tables are searched for foreign keys, which takes longer than the rest of a look.
const cascadesEvery = time.Minute

// lookForCascades refuses foreign keys that change rows without a trace in the log.
func (e *Engine) lookForCascades(ctx context.Context, conn *mysql.Conn, native string) error {
	now := time.Now()
	if mysql.CascadesLogged(conn, native) || now.Sub(time.Unix(0, e.cascadesLooked.Load())) < cascadesEvery {
		return nil
	}
	list, err := mysql.LoadCascades(ctx, conn, e.Selected)
	if err != nil {
		return err
	}
	if len(list) > 0 {
		return fmt.Errorf("%w: table %s: %s; %s", capture.ErrSetup, list[0].Table, &list[0], mysql.CascadeFix(conn))
	}
	e.cascadesLooked.Store(now.UnixNano())
	return nil
}

func check(is map[string]string) error {
	switch {
	case is["log_bin"] != "ON":
		return fmt.Errorf("%w: the server writes no binary log: put log_bin into its option file and restart it", capture.ErrSetup)
	case isSet(is["read_only"]), isSet(is["super_read_only"]):
		return fmt.Errorf("%w: it's a replica now, or a failover is under way. bridge goes on when it's the region's primary", ErrReadOnly)
	}
	for _, n := range needs {
		got, there := is[n.name]
		if there && !strings.EqualFold(got, n.value) {
			return fmt.Errorf("%w: %s is %q, so %s: SET GLOBAL %s = %s, and put it into the server's option file",
				capture.ErrSetup, n.name, got, n.otherwise, n.name, mysql.Literal(n.value))
		}
	}
	return nil
}

// isSet reads a switch. MariaDB 11.8 has other words for read_only than ON: NO_LOCK and the like.
func isSet(value string) bool { return value != "" && !strings.EqualFold(value, "OFF") && value != "0" }
