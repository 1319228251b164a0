// Package mend computes what a decision can't: the value that several versions make together.
//
// A decision must come out the same in every region, at once, whatever they know besides. So columns that are merged as
// text take the latest change first, like others, and the case waits (conflict.Awaited) in the book of one
// region, always the same. There a [Mender] merges the versions and writes the outcome, in an
// ordinary local transaction. That has seen all versions, so it supersedes them everywhere, like a merge commit:
// convergence never depends on the merge, and one that fails leaves the latest change standing.
//
// A three-way merge takes the text as the loser found it for the base, the row as it is now for one side (whatever
// was written since stays), and the loser's text for the other. (S. Khanna, K. Kunal, B. Pierce: A Formal Investigation
// of Diff3, 2007)
//
// Refused: to merge in every region (they'd have to know the same versions, and write the same thing twice), and to
// merge while a transaction is applied (a person's text may take longer than a row should be locked).
//
// What becomes of rows that lack a parent is written by the same way, for the same reason: see [OrphanMender].
package mend
