// Package change holds the nouns that every other package of bridge speaks.
//
// An [Origin] is where a transaction was born: a region and its incarnation. A [Dot] names one
// transaction: origin and sequence number, 1, 2, 3 … without a gap per origin. A [Timestamp] is a
// hybrid logical clock value (Kulkarni et al., "Logical Physical Clocks", 2014); (timestamp,
// origin) is a total order that respects causality. A [Vector] says what a region had seen: the
// highest sequence number per origin (a version vector; Parker et al., 1983).
//
// A [Transaction] carries its dot, timestamp and the vector at its commit, and its [Operation]s:
// row changes, each of one row named by its [Key]. Two operations are concurrent when neither
// transaction's dot is in the other's vector.
//
// The package imports nothing of bridge and does no I/O. Values are immutable once built: vectors,
// tables and rows are shared between goroutines without a lock, and a change is a new value.
package change
