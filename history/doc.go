// Package history keeps, per row, the operations that are not yet stable.
//
// An operation is stable when every region is known to have seen it: nothing concurrent with it can
// still arrive. Only unstable operations can be in conflict, so a row without any needs no metadata,
// and a tombstone goes when its delete is stable: nothing is kept by wall-clock retention.
//
// What a region has seen is learned from the vectors on its records, and counts from the moment that
// the record is applied here: by then everything that the region wrote before it is here too. What
// this region itself has seen is what its own log has shown (capture's vector), not what it has
// applied: a local transaction that is still uncaptured may be concurrent with an applied one.
//
// A row's operations are dropped in their total order, each only when all before it were dropped
// (dropping stable ones out of order makes column-wise decisions diverge). TRUNCATE is an operation of
// every row of its table: it's kept once, and shown in each row's list.
//
// A large transaction is kept as the set of rows it wrote; its operations are read again from the topic
// when one of those rows is in conflict.
//
// The package is a pure state machine: no I/O, no clock, no goroutine. Its caller holds the lock.
//
// Refused: keeping versions in columns or shadow tables of the application's database, and dropping
// tombstones after a time: the first changes the application, the second diverges after a long absence.
package history
