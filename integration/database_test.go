package integration

import (
	"context"
	"encoding/json"
	"net"

	"bridge/internal/testserver"
)

// database is a region's database as the tests need it, whichever its engine. What changes or reads it does so as
// the superuser, as applications and administrators would.
type database interface {
	// settings and selection are bridge.yaml's "database" and "tables".
	settings() map[string]any
	selection() map[string]any
	// script runs statements as the engine's own client would, and grant what "bridge grants" printed.
	script(text string) error
	grant(script string) error
	// rows runs statements and gives the rows of all of them as texts, NULL as "∅".
	rows(sql string) ([][]string, error)
	// tables are the replicated tables, by the names that they have here, quoted.
	tables() ([]string, error)
	// dump gives a table's rows, in one order in all regions: to the byte among regions of one engine. Portable is in a form
	// that the engines have in common.
	dump(table string, portable bool) (string, error)
	// application opens a session for an application.
	application() (applicationSession, error)
	// judge tells what an error means to an application.
	judge(err error) verdict
	// crash is a loss of power, and the server's start after it.
	crash(ctx context.Context) error
	close()
}

// applicationSession is a connection that one application uses.
type applicationSession interface {
	exec(sql string) error
	close()
}

// verdict is what an application's error means.
type verdict int

const (
	failed     verdict = iota
	broken             // the connection is, and it isn't known whether a commit took effect
	rolledBack         // by a deadlock, nothing took effect: try again, as every application must
)

const null = "∅"

// through has a bridge's settings go by a link.
func through(link *testserver.Proxy, settings map[string]any) map[string]any {
	if link != nil {
		host, port, _ := net.SplitHostPort(link.Addr()) //nolint:errcheck // of its own making
		settings["host"], settings["port"] = host, json.Number(port)
	}
	return settings
}
