package mysql

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Session says what one connection is for.
type Session struct {
	Name     string // program_name among the connection's attributes: bridge/<region>/<role>
	Database string // the default database; bridge's SQL qualifies every name and needs none

	// LockTimeout is how long a statement waits for a row's or a table's lock; 0 is the longest there
	// is. The server counts whole seconds: it's rounded up.
	LockTimeout time.Duration
	// StatementTimeout is how long a statement may run; 0 is no limit. MySQL has it for queries only
	// (max_execution_time), MariaDB for every statement.
	StatementTimeout time.Duration
}

// sqlMode is strict, so that a value that doesn't fit is an error. Zero and odd dates are allowed, since
// tables have them from laxer times; a 0 in an auto-increment column is 0. It has neither
// NO_BACKSLASH_ESCAPES nor ANSI_QUOTES, which literals rely on, nor PAD_CHAR_TO_FULL_LENGTH, which would
// show CHAR values padded.
const sqlMode = "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION"

// longest is what "no limit" is for settings in seconds: a year, the most that wait_timeout takes.
const longest = 31_536_000

// setting is a variable that the session must have, in SQL.
type setting struct{ name, value string }

// settings make values' texts the same on every server and statements mean one thing, whatever was set
// globally. Every session of bridge has them.
func (s Session) settings(flavor Flavor) []setting {
	list := []setting{
		{"time_zone", "'+00:00'"},
		{"sql_mode", "'" + sqlMode + "'"},
		{"autocommit", "1"},
		{"completion_type", "0"},
		{"foreign_key_checks", "0"}, // rows arrive in the order of their origin's commits, which checked them
		{"unique_checks", "1"},
		{"sql_auto_is_null", "0"},
		{"sql_safe_updates", "0"},
		{"sql_big_selects", "1"},
		{"sql_select_limit", "18446744073709551615"},
		{"group_concat_max_len", "4294967295"},
		{"wait_timeout", strconv.Itoa(longest)},
		{"innodb_lock_wait_timeout", seconds(s.LockTimeout, longest)},
		{"lock_wait_timeout", seconds(s.LockTimeout, longest)},
	}
	if flavor == MariaDB {
		list = append(list,
			setting{"max_statement_time", strconv.FormatFloat(s.StatementTimeout.Seconds(), 'f', 6, 64)},
			setting{"check_constraint_checks", "1"},
			setting{"idle_transaction_timeout", "0"})
	} else {
		list = append(list,
			setting{"max_execution_time", strconv.FormatInt(int64((s.StatementTimeout+time.Millisecond-1)/time.Millisecond), 10)})
	}
	return append(list, setting{"@bridge_apply", "1"}) // triggers look at it to leave applied rows alone
}

// restricted are the variables that only a privileged account may set even for its own session: how its
// rows come out of the log, and whether NULL in a TIMESTAMP column becomes the present time. They're looked
// at, and set only when they aren't as needed.
func restricted(flavor Flavor) []setting {
	list := []setting{{"sql_log_bin", "1"}, {"binlog_format", "ROW"}, {"binlog_row_image", "FULL"}, {"explicit_defaults_for_timestamp", "1"}}
	if flavor == MySQL {
		list = append(list, setting{"binlog_row_value_options", ""})
	}
	return list
}

// setUp fixes the session's settings.
func (c *Conn) setUp(ctx context.Context, s Session) error {
	var sql strings.Builder
	sql.WriteString("SET NAMES utf8mb4 COLLATE utf8mb4_bin; SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE; SET ")
	for i, v := range s.settings(c.flavor) {
		if i > 0 {
			sql.WriteString(", ")
		}
		if v.name[0] != '@' {
			sql.WriteString("SESSION ")
		}
		sql.WriteString(v.name + " = " + v.value)
	}
	sql.WriteString("; SELECT ")
	need := restricted(c.flavor)
	for i, v := range need {
		if i > 0 {
			sql.WriteString(", ")
		}
		sql.WriteString("@@SESSION." + v.name)
	}
	results, err := c.Exec(ctx, sql.String())
	if err != nil {
		return fmt.Errorf("set up the session: %w", err)
	}
	rows := results[len(results)-1].Rows
	if len(rows) != 1 {
		return fmt.Errorf("set up the session: %w", ErrNoRow)
	}
	for i, v := range need {
		got, _ := rows[0][i].Text()
		if strings.EqualFold(got, v.value) {
			continue
		}
		value := v.value
		if value != "1" {
			value = Literal(value)
		}
		if _, err := c.One(ctx, "SET SESSION "+v.name+" = "+value); err != nil {
			return fmt.Errorf("%s is %s, and bridge's sessions need %s: run SET GLOBAL %s = %s and put it into the server's option file: %w",
				v.name, got, value, v.name, value, err)
		}
	}
	return nil
}

// seconds rounds up, so that a short limit doesn't become none.
func seconds(d time.Duration, none int) string {
	if d <= 0 {
		return strconv.Itoa(none)
	}
	return strconv.FormatInt(min(int64((d+time.Second-1)/time.Second), int64(none)), 10)
}
