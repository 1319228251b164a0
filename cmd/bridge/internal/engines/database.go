// Package engines is where the commands meet databases: for each engine, what a configuration's database is to them.
package engines

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

// Database is a region's database as the commands need it: the place where they meet engines. Each method
// makes its own connections.
type Database interface {
	// Check looks at the database as bridge will use it. That it can't be reached is a finding, too.
	Check(ctx context.Context) (*preflight.Report, error)
	// Grants writes the statements that make bridge's account and give it what it needs. It doesn't connect.
	Grants(to io.Writer) error
	// OperatorGrants writes those for a person who works with the region's conflicts. It doesn't connect.
	OperatorGrants(to io.Writer, role string, readOnly bool) error
	// Engine is what a node runs on.
	Engine() (node.Engine, error)
	// Region opens the database for comparing. It's only read from.
	Region(ctx context.Context, role string) (Compared, error)
	// Stored is what the database tells by itself, while no bridge runs.
	Stored(ctx context.Context) (*Stored, error)
	// Shape is a table by its own name, with the types that capture gives its columns.
	Shape(ctx context.Context, table change.TableName) (*change.Table, error)
	// Constraints are those of the chosen tables, chosen and named by their own names.
	Constraints(ctx context.Context, selected func(change.TableName) bool) ([]*preflight.Constrained, error)
	// WholeRows is what makes the log carry a table's rows whole, before and after each change.
	WholeRows(table change.TableName) string
	// Running reports whether a bridge uses the database now.
	Running(ctx context.Context) (bool, error)
	// Cases opens the conflicts that the region has decided.
	Cases(ctx context.Context) (casebook.Book, error)
	// SetUp connects for "bridge init".
	SetUp(ctx context.Context) (SetUp, error)

	// localizer brings rows of regions with other engines into the form that this database's own have.
	localizer() (Localizer, error)
}

// Compared is a region's database, opened for comparing.
type Compared interface {
	compare.Region
	Close(ctx context.Context) error
}

// Of is the database that a configuration names.
func Of(c *config.Config) Database {
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
