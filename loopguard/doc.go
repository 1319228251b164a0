// Package loopguard tells a region's own transactions from the echoes of applied ones, and derives
// the causal clock from that.
//
// Every transaction that bridge applies updates one row of bridge.progress, its [Marker], before
// anything else it does. Capture reads the database's log in commit order: a transaction that begins
// with a marker is an echo and isn't shipped again (no loop), and the marker tells what every later
// local transaction had seen. A [Barrier] is bridge's other mark in the log; it's never shipped
// either.
//
// The tags of local transactions are a pure function of the log (see [Clock]), so reading the log
// again after a crash gives the same dots, timestamps and vectors: publishing twice is publishing a
// duplicate, which receivers drop by its dot (I3).
//
// Refused: marking by a session setting or a replication origin alone. They need privileges that
// managed databases don't give, and they'd be a second truth beside the checkpoint.
package loopguard
