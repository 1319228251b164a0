package main

import (
	"context"
	"io"

	"bridge/casebook"
	"bridge/change"
	"bridge/compare"
	"bridge/config"
	"bridge/internal/preflight"
	"bridge/node"
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

// expressions are table patterns as regular expressions for the catalog.
func expressions(patterns []string) [][2]string {
	pairs := make([][2]string, len(patterns))
	for i, p := range patterns {
		pairs[i][0], pairs[i][1] = config.Regexp(p)
	}
	return pairs
}
