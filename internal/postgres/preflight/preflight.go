// Package preflight looks at a database before bridge runs on it and reports everything that would
// go wrong, with the statement or setting that mends it. It changes nothing.
package preflight

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"bridge/change"
	"bridge/conflict"
	"bridge/internal/preflight"
	"bridge/naming"
	"bridge/value"
	"bridge/visibility"
)

// The words of a report: see internal/preflight.
type (
	Level   = preflight.Level
	Finding = preflight.Finding
	Report  = preflight.Report
)

// The levels. With an Error bridge must not run.
const (
	Error   = preflight.Error
	Warning = preflight.Warning
	Note    = preflight.Note
)

// Settings say what the database is to be used for.
type Settings struct {
	Cluster, Region string
	Regions         []string // all members, sorted
	Slot            string
	FailoverSlot    bool
	Publication     string
	Connections     int                         // that bridge will hold, the walsender's not counted
	SkipApplied     int                         // apply sessions that are to have a replication origin; 0 leaves them without
	Selected        func(change.TableName) bool // which tables are to be replicated
	// Rules are the conflict rules; nil leaves them unchecked.
	Rules *conflict.Rules
	// Policies are those of constraints, by Names, and NextPolicies what they're to become; nil if they stay.
	Policies, NextPolicies visibility.Policies
	// Names are the tables' and columns' names between the regions.
	Names naming.Names
	// Policy is what becomes of other engines' values that a column can't hold; nil refuses them all.
	Policy func(table change.TableName, column string) value.Policy
}

// checker collects findings. Its checks run one after another on one connection.
type checker struct {
	Settings
	conn        *pgx.Conn
	role        string
	database    string
	initialised bool
	tables      []*table // the selected ones that can be replicated, by name
	findings    []Finding
}

// Run looks at the database that conn is connected to, as the role that bridge will run as. The error
// is about looking, not about what was found.
func Run(ctx context.Context, conn *pgx.Conn, s Settings) (*Report, error) {
	c := &checker{Settings: s, conn: conn}
	for _, check := range []func(context.Context) error{
		c.identity, c.server, c.room, c.clock, c.roleRights, c.origins, c.node,
		c.loadTables, c.keys, c.oldImages, c.privileges, c.partitions,
		c.publication, c.slot,
		c.triggers, c.rules, c.deferrable, c.constraints, c.sequences, c.conflictRules,
	} {
		if err := check(ctx); err != nil {
			return nil, fmt.Errorf("check the database: %w", err)
		}
	}
	Sort(c.findings)
	r := &Report{Findings: c.findings, Initialised: c.initialised}
	for _, t := range c.tables {
		if t.keyed {
			r.Tables = append(r.Tables, t.TableName)
		}
	}
	return r, nil
}

// Sort puts the worst first, and leaves the order within a level.
func Sort(findings []Finding) { preflight.Sort(findings) }

// add notes a finding.
func (c *checker) add(l Level, object, text, fix string) {
	c.findings = append(c.findings, Finding{Level: l, Object: object, Text: text, Fix: fix})
}

// addForInit notes something that "bridge init" mends: an error once it had been run here, and before
// that just what's still to be done.
func (c *checker) addForInit(object, text string) {
	level := Note
	if c.initialised {
		level = Error
	}
	c.findings = append(c.findings, Finding{Level: level, Object: object, Text: text, Fix: `run "bridge init"`, Init: true})
}

// each runs a query and calls scan on every row.
func (c *checker) each(ctx context.Context, scan func(pgx.CollectableRow) error, sql string, args ...any) error {
	rows, err := c.conn.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) { return struct{}{}, scan(row) })
	return err
}

func (c *checker) identity(ctx context.Context) error {
	return c.conn.QueryRow(ctx, `SELECT current_user, current_database()`).Scan(&c.role, &c.database)
}

// oids are those of the tables to replicate.
func (c *checker) oids() []uint32 {
	list := make([]uint32, len(c.tables))
	for i, t := range c.tables {
		list[i] = t.oid
	}
	return list
}

// find is the table of an OID in oids.
func (c *checker) find(oid uint32) *table {
	for _, t := range c.tables {
		if t.oid == oid {
			return t
		}
	}
	return nil
}
