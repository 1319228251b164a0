// Package mend computes what a decision can't: the value that several versions make together.
//
// A decision must come out the same in every region, at once, whatever they know besides. So columns that are merged as
// text take the latest change first, like others, and the case waits (conflict.Awaited) in the book of one
// region, always the same. There a [Mender] merges the versions and writes the outcome, in an
// ordinary local transaction. That has seen all versions, so it supersedes them everywhere, like a merge commit:
// convergence never depends on the merge, and one that fails leaves the latest change standing.
//
// A three-way merge takes for the base what a change was made of, for one side what it came to, and for the other the
// value that it met in the merging region: so each change is made there once, in the order in which they came, whoever won.
// A row's cases are merged together, and what was written since stays. (S. Khanna, K. Kunal, B. Pierce: A Formal
// Investigation of Diff3, 2007; that changes are remade on what they meet is operational transformation's idea, with one
// region for its server)
//
// Refused: to merge the lost versions into the winner (what that had seen isn't what it was made of; see replay), to
// merge in every region (they'd have to know the same versions, and write the same thing twice), and to
// merge while a transaction is applied (a person's text may take longer than a row should be locked).
//
// What becomes of rows that lack a parent is written by the same way, for the same reason: see [OrphanMender].
package mend
