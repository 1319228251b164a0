package demo

import (
	"context"
	"fmt"
)

// Engine is what a region's database is.
type Engine string

// The engines, as bridge's configuration writes them.
const (
	PostgreSQL Engine = "postgres"
	MySQL      Engine = "mysql"
	MariaDB    Engine = "mariadb"
)

// ParseEngine reads an engine's name as a command line has it.
func ParseEngine(word string) (Engine, error) {
	switch word {
	case "pg", "postgres", "postgresql":
		return PostgreSQL, nil
	case "mysql":
		return MySQL, nil
	case "mariadb":
		return MariaDB, nil
	}
	return "", fmt.Errorf("%q isn't an engine: there are pg, mysql and mariadb", word)
}

// server is a region's database server with the shop's database on it. What the engines have in common is
// told to it in plain SQL; where they differ there's a [dialect].
type server interface {
	// String is what it is and where: "PostgreSQL 15 on 127.0.0.1:5432".
	String() string
	dialect() *dialect
	// settings are the lines of bridge.yaml about the database and its tables. mixed says that some
	// regions have PostgreSQL and some haven't: then tables need names that all know.
	settings(mixed bool) string
	// administer runs what "bridge grants" printed, as a DBA does, and lets bridge in without a password.
	administer(ctx context.Context, grants string) error
	// connect opens a session as the shop's role, which knows nothing of bridge.
	connect(ctx context.Context) (session, error)
	// client is the command that connects a reader.
	client() string
	Close() error
}

// session is a connection. Only one goroutine uses it.
type session interface {
	// query runs one statement and returns its rows as text; NULL is "".
	query(ctx context.Context, sql string) ([][]string, error)
	// transact commits statements together. Where a deadlock is no fault, as with InnoDB, it tries again.
	transact(ctx context.Context, statements ...string) error
	close()
}

// dialect is where the engines' SQL differs.
type dialect struct {
	schema   string // the shop's tables, its role, and what the role may
	upsert   string // what follows an INSERT into cart_items that may find its row there, up to the new qty
	placedAt string // orders.placed_at as text, in UTC, with microseconds
	key      string // bridge.conflicts.key as an array in JSON
	conflict string // a query for a reader: the latest conflict
}

// startServer starts a server of an engine, with the shop's database on it.
func startServer(ctx context.Context, e Engine) (server, error) {
	if e == PostgreSQL {
		return startPostgres(ctx)
	}
	return startMySQL(ctx, e)
}
