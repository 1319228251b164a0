package main

import (
	"context"
	"io"

	"bridge/casebook"
	"bridge/change"
	"bridge/compare"
	"bridge/config"
	"bridge/internal/database"
	"bridge/internal/preflight"
	"bridge/node"
	"bridge/wire"
)

// regionDatabase is a region's database as the commands need it: the place where they meet engines. Each method
// makes its own connections.
type regionDatabase interface {
	// check looks at the database as bridge will use it. That it can't be reached is a finding, too.
	check(ctx context.Context) (*preflight.Report, error)
	// grants writes the statements that make bridge's account and give it what it needs. It doesn't connect.
	grants(to io.Writer) error
	// operatorGrants writes those for a person who works with the region's conflicts. It doesn't connect.
	operatorGrants(to io.Writer, role string, readOnly bool) error
	// engine is what a node runs on.
	engine() (node.Engine, error)
	// region opens the database for comparing. It's only read from.
	region(ctx context.Context, role string) (comparedRegion, error)
	// stored is what the database tells by itself, while no bridge runs.
	stored(ctx context.Context) (*storedDatabase, error)
	// shape is a table by its own name, with the types that capture gives its columns.
	shape(ctx context.Context, table change.TableName) (*change.Table, error)
	// constraints are those of the chosen tables, chosen and named by their own names.
	constraints(ctx context.Context, selected func(change.TableName) bool) ([]*preflight.Constrained, error)
	// wholeRows is what makes the log carry a table's rows whole, before and after each change.
	wholeRows(table change.TableName) string
	// localizer brings rows of regions with other engines into the form that this database's own have.
	localizer() (localizer, error)
	// running reports whether a bridge uses the database now.
	running(ctx context.Context) (bool, error)
	// cases opens the conflicts that the region has decided.
	cases(ctx context.Context) (casebook.Book, error)
	// setUp connects for "bridge init".
	setUp(ctx context.Context) (setUp, error)
}

type comparedRegion interface {
	compare.Region
	Close(ctx context.Context) error
}

// setUp is what "bridge init" does to a database. Its steps are called in this order; each finds what's there and
// makes what's missing.
type setUp interface {
	preflight(ctx context.Context) (*preflight.Report, error)
	// publish makes bridge's own tables, and what the log needs to show the replicated ones.
	publish(ctx context.Context, report *preflight.Report, done func(initStep)) error
	// begun tells where capture begins if that's settled already.
	begun(ctx context.Context, report *preflight.Report, verify bool) (step *initStep, err error)
	// begin settles where capture begins. To verify is to be able to read the tables as of there.
	begin(ctx context.Context, report *preflight.Report, verify bool) (*beginning, error)
	// claim says in the database which region it is, and that it's set up.
	claim(ctx context.Context) (n database.Node, claimed bool, err error)
	close(ctx context.Context)
}

// beginning is where a region's capture begins.
type beginning struct {
	step     initStep
	position change.Position
	// baseline reads the tables as of the position; nil without verification.
	baseline func(ctx context.Context) (wire.Baseline, error)
	undo     func(ctx context.Context) error // so that init can be run again
	close    func(ctx context.Context)
}

// databaseOf is the database that a configuration names.
func databaseOf(c *config.Config) regionDatabase {
	if c.Database.Engine == config.PostgreSQL {
		return postgresDatabase{c}
	}
	return mysqlDatabase{c}
}

// ownConnections are what bridge holds besides apply's: one each for the region's lock, barriers, and the look-ups of capture
// and, in a mesh of several engines, of apply; and one to spare for what it looks at now and then, or a command
// beside it.
const ownConnections = 5

// sessionName is what a connection of this region's bridge is called: "bridge/eu/apply".
func sessionName(c *config.Config, role string) string { return "bridge/" + c.Region + "/" + role }

// selected chooses the replicated tables, by their own names.
func selected(c *config.Config) func(change.TableName) bool {
	return func(t change.TableName) bool { return c.Replicates(t.Schema, t.Name) }
}
