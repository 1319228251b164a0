// Package preflight looks at a MySQL or MariaDB server before bridge runs on it and reports everything
// that would go wrong, with the statement or setting that mends it. It changes nothing.
package preflight

import (
	"context"
	"fmt"

	"bridge/change"
	"bridge/conflict"
	"bridge/internal/mysql"
	"bridge/internal/preflight"
	"bridge/naming"
	"bridge/value"
	"bridge/visibility"
)

// Settings say what the server is to be used for.
type Settings struct {
	Cluster, Region string
	Regions         []string                    // all members, sorted
	Connections     int                         // that bridge will hold
	Selected        func(change.TableName) bool // which tables are to be replicated; nil is all
	// Others are the engines of the other regions, but for this one's.
	Others []value.Engine
	// Policy is what becomes of other engines' values that a column can't hold; nil refuses them all.
	Policy func(table change.TableName, column string) value.Policy
	// Rules are the conflict rules; nil leaves them unchecked.
	Rules *conflict.Rules
	// Policies are those of constraints, by Names, and NextPolicies what they're to become; nil if they stay.
	Policies, NextPolicies visibility.Policies
	// Names are the tables' and columns' names between the regions.
	Names naming.Names
	// AllowTrigger says that a trigger without a guard may run for applied rows; nil allows none.
	AllowTrigger func(table change.TableName, trigger string) bool
}

// checker collects findings. Its checks run one after another on one session.
type checker struct {
	Settings
	conn        *mysql.Conn
	account     string            // as the server names it: bridge@%
	variables   map[string]string // global ones
	grants      []grant
	initialised bool
	tables      []*mysql.Table // the selected ones that can be replicated, by name
	keyed       []change.TableName
	findings    []preflight.Finding
}

// Run looks at the server that conn is connected to, as the account that bridge will use. The error is
// about looking, not about what was found.
func Run(ctx context.Context, conn *mysql.Conn, s Settings) (*preflight.Report, error) {
	c := &checker{Settings: s, conn: conn}
	for _, check := range []func(context.Context) error{
		c.load, c.server, c.log, c.semiSync, c.filters, c.room, c.clock, c.rights, c.node,
		c.loadTables, c.privileges, c.keys,
		c.triggers, c.foreignKeys, c.constraints, c.autoIncrement, c.conflictRules,
	} {
		if err := check(ctx); err != nil {
			return nil, fmt.Errorf("check the server: %w", err)
		}
	}
	preflight.Sort(c.findings)
	return &preflight.Report{Findings: c.findings, Tables: c.keyed, Initialised: c.initialised}, nil
}

// add notes a finding.
func (c *checker) add(l preflight.Level, object, text, fix string) {
	c.findings = append(c.findings, preflight.Finding{Level: l, Object: object, Text: text, Fix: fix})
}

// addForInit notes something that "bridge init" mends: an error once it had been run here, and before
// that just what's still to be done.
func (c *checker) addForInit(object, text string) {
	level := preflight.Note
	if c.initialised {
		level = preflight.Error
	}
	c.findings = append(c.findings, preflight.Finding{Level: level, Object: object, Text: text, Fix: `run "bridge init"`, Init: true})
}

// load reads what several checks look at.
func (c *checker) load(ctx context.Context) error {
	row, err := c.conn.Text(ctx, "SELECT current_user()")
	if err != nil {
		return err
	}
	c.account = row[0]
	c.variables, err = mysql.Variables(ctx, c.conn, "read_only", "super_read_only", "log_bin", "server_id", "binlog_format", "binlog_row_image",
		"binlog_row_metadata", "binlog_row_value_options", "gtid_mode", "gtid_strict_mode", "log_replica_updates", "log_slave_updates",
		"binlog_expire_logs_seconds", "binlog_expire_logs_auto_purge", "expire_logs_days", "sync_binlog", "innodb_flush_log_at_trx_commit",
		"max_connections", "max_user_connections", "auto_increment_increment", "auto_increment_offset",
		"innodb_native_foreign_keys", "binlog_storage_engine", "lower_case_table_names",
		"rpl_semi_sync_source_enabled", "rpl_semi_sync_source_wait_point", "rpl_semi_sync_master_enabled", "rpl_semi_sync_master_wait_point",
		"wsrep_on", "group_replication_group_name", "group_replication_single_primary_mode")
	if err != nil {
		return err
	}
	c.grants, err = loadGrants(ctx, c.conn)
	return err
}
