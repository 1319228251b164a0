package conflict

import (
	"slices"

	"bridge/change"
	"bridge/history"
)

// Type is a conflict's name. Names are PostgreSQL's where it has one (logical replication, "Conflicts");
// update_concurrent, delete_concurrent and insert_concurrent are what only causality can tell.
type Type string

// The types of conflict, named by what arrives and what it meets.
const (
	InsertExists     Type = "insert_exists"     // an insert meets a row
	InsertConcurrent Type = "insert_concurrent" // an insert meets a concurrent delete
	UpdateConcurrent Type = "update_concurrent" // an update meets a row that was concurrently written
	UpdateMissing    Type = "update_missing"    // an update meets no row
	DeleteConcurrent Type = "delete_concurrent" // a delete meets a row that was concurrently written
	DeleteMissing    Type = "delete_missing"    // a delete meets no row
	Truncated        Type = "truncate_concurrent"
)

// The types of rows that constraints keep from being shown as they are (package visibility); [InsertExists] is of an inserted row
// that takes a value which another row holds.
const (
	UpdateExists            Type = "update_exists"             // an updated row does
	MultipleUniqueConflicts Type = "multiple_unique_conflicts" // a row takes values that several others hold
	ParentMissing           Type = "parent_missing"            // a row names a parent that isn't there
	RowRefused              Type = "row_refused"               // this database doesn't take a row
)

// TypeOf names the conflict of an incoming operation with a row that is there or not.
func TypeOf(kind change.Kind, present bool) Type {
	switch {
	case kind == change.Insert && present:
		return InsertExists
	case kind == change.Insert:
		return InsertConcurrent
	case kind == change.Update && present:
		return UpdateConcurrent
	case kind == change.Update:
		return UpdateMissing
	case kind == change.Delete && present:
		return DeleteConcurrent
	case kind == change.Delete:
		return DeleteMissing
	}
	return Truncated
}

// Record is one decided conflict, for bridge.conflicts: everything that took part, winners and losers.
type Record struct {
	Type     Type
	Key      change.Key
	Rule     *Rule // nil where no rule was needed
	Incoming change.Dot
	// Versions are the concurrent operations and the incoming ones, in their order.
	Versions history.Row
	// Arrived are those of Versions whose arrival was the conflict: the first that hadn't seen all others, and what came with it. Met is the
	// row as the operations known before had made it, which these met; it's told under a rule that has columns merged in one region.
	Arrived history.Row
	Met     Outcome
	Outcome Outcome
	// Parked is, where a constraint of this name keeps the row from being shown as it is, the row's own last version, which is one of
	// Versions. Winner is then the version of the row that's in the way, if it's known, and Outcome what's shown.
	Parked     *history.Entry
	Constraint string
	// Awaits is what this region still has to do about it.
	Awaits Awaited
}

// RuleName is by what it was decided: a rule, or a constraint.
func (r *Record) RuleName() string {
	if r.Parked != nil {
		return "constraint " + r.Constraint
	}
	return r.Rule.String()
}

// Result says in a word how it ended, for people and metrics: "applied" when an incoming operation
// won, "kept" when what was there stays, "merged" when the row has columns of both; "parked" or "altered" when a constraint hides the row, or part of it.
func (r *Record) Result() string {
	o := &r.Outcome
	switch {
	case r.Parked != nil && o.Exists:
		return "altered"
	case r.Parked != nil:
		return "parked"
	case o.Winner.Tag.Dot.Origin != r.Incoming.Origin:
		if r.showsIncoming() || r.Rule != nil && r.Rule.Columns != nil && o.Exists && !slices.Equal(o.Image, o.Winner.Image) {
			return "merged"
		}
		return "kept"
	case !o.Exists && !removes(o.Winner.Kind):
		return "kept" // an update that found no row and couldn't make one
	case !slices.Equal(o.Image, o.Winner.Image):
		return "merged"
	}
	return "applied"
}

// showsIncoming reports whether a column of the row has an incoming operation's value, not the winner's.
func (r *Record) showsIncoming() bool {
	for c, v := range r.Outcome.Image {
		if v == r.Outcome.Winner.Image[c] {
			continue
		}
		for i := range r.Versions {
			e := &r.Versions[i]
			if e.Tag.Dot.Origin == r.Incoming.Origin && valueAs(e, e.Image, r.Outcome.Table, c) == v {
				return true
			}
		}
	}
	return false
}
