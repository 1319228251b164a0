// Package casebook reads the conflicts that a region has decided, and lets a person decide one anew.
//
// A case is a row of bridge.conflicts: one decision, with everything that took part in it. A version is an operation
// that took part; its fate is what the decision made of it. The result is what the row became. A case is open until
// somebody has resolved it; most never are, and needn't be: the rule has decided.
//
// To resolve a case is to write the row anew, in an ordinary transaction of this region, which has seen all of
// the case's versions. So no rule has to decide it against them: it supersedes them in every region, like any other
// write that was made in their knowledge. A row that has changed since its case was decided isn't written, unless that's
// asked for: whoever changed it had seen the result.
//
// A parked row is one that a constraint keeps the table from showing as it is (package visibility). bridge itself shows it
// again when the cause is gone; a person may write it with other values, or discard it. Both are ordinary writes of
// its key, which supersede it in every region.
//
// Each region has its own book, of what was decided there; a case is marked in the book that it was resolved in. Names
// of tables and columns are those between the regions.
package casebook
