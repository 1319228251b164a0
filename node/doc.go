// Package node is one region at work: it wires capture, stream, history and apply over an [Engine], and
// keeps them going.
//
// A [Node] is crash-only. A session runs until something breaks that isn't a transaction's own affair (a
// lost connection, a server's crash, a failed log); then all that's in memory is thrown away, and the next
// session starts from what is durable: bridge.progress, the tail of the region's own topic, and the
// records since the horizon. So there's one way to start, and it's used all the time. Throwing history
// away isn't optional: a server that crashed may have lost asynchronous commits, and what was concluded
// from them (that an operation is stable) with them.
package node
