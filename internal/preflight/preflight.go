// Package preflight has the words in which a database is reported on before bridge runs on it: what the
// engines' own packages (internal/postgres/preflight, internal/mysql/preflight) find.
package preflight

import (
	"cmp"
	"slices"

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

// Failure is the finding that something couldn't be looked at, or isn't as it must be.
func Failure(object string, err error) Finding {
	return Finding{Level: Error, Object: object, Text: err.Error()}
}

// Report is what was found.
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

// Sort puts the worst first, and leaves the order within a level.
func Sort(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int { return cmp.Compare(a.Level.rank(), b.Level.rank()) })
}
