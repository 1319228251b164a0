// Package chronicle tells what became of rows, and what would have become of them, from the regions' topics: they hold
// every transaction with what it had seen, as long as they keep their records.
//
// Terms: an episode is a run of one row's operations, in their order, that later operations had seen as a whole and
// that had seen as a whole all that comes before it; no part of it is one, too. An episode of one operation was contested
// by nobody. One of several is a conflict, and its outcome is a function of the row as it was before, the episode and
// the rule: what the application wrote later, it wrote onto that.
//
// So [Trial] decides each conflict again by other rules, on the row as it was, and doesn't guess what applications would
// have written then. [Story] walks a row's episodes back to find who wrote the values that it has.
//
// A [Window] takes the transactions of all topics and gives rows away when nothing concurrent with what's known of
// them can come any more. All this is pure; [Reader] is what reads topics.
//
// Refused: replaying each row from its first operation to its last under the other rules. Under a rule by columns it
// would add up what was meant as a correction of what the actual rule had made of the row.
package chronicle
