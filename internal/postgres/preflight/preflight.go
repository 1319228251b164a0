// Package preflight looks at a database before bridge runs on it and reports everything that would
// go wrong, with the statement or setting that mends it. It changes nothing.
package preflight

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"bridge/change"
)

// Level says how bad a finding is.
type Level string

// The levels. With an Error bridge must not run.
const (
	Error   Level = "error"
	Warning Level = "warning"
	Note    Level = "note"
)

func (l Level) rank() int { return slices.Index([]Level{Error, Warning, Note}, l) }

// Finding is one thing to know about a database.
type Finding struct {
	Level  Level  `json:"level"`
	Object string `json:"object"`        // what it's about: "server", "role bridge", "public.users"
	Text   string `json:"text"`          // what is so, and what follows from it
	Fix    string `json:"fix,omitempty"` // what to do; SQL ends with a semicolon
	// Init says that "bridge init" mends it, with the rights that the role has.
	Init bool `json:"init,omitempty"`
}

// Report is what [Run] found.
type Report struct {
	Findings []Finding          // the worst first
	Tables   []change.TableName // those to be replicated whose rows have a key, by name
	// Initialised says that "bridge init" was completed here before.
	Initialised bool
}

// Failed reports whether bridge can't run on the database as it is.
func (r *Report) Failed() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Level == Error })
}

// Blocked reports whether there are errors that "bridge init" doesn't mend.
func (r *Report) Blocked() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Level == Error && !f.Init })
}

// Settings say what the database is to be used for.
type Settings struct {
	Cluster, Region string
	Regions         []string // all members, sorted
	Slot            string
	FailoverSlot    bool
	Publication     string
	Connections     int                         // that bridge will hold, the walsender's not counted
	Selected        func(change.TableName) bool // which tables are to be replicated
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
		c.identity, c.server, c.room, c.clock, c.roleRights, c.node,
		c.loadTables, c.keys, c.privileges, c.partitions,
		c.publication, c.slot,
		c.triggers, c.rules, c.deferrable, c.constraints, c.sequences,
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
func Sort(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int { return cmp.Compare(a.Level.rank(), b.Level.rank()) })
}

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
