// Package apply makes other regions' transactions part of this region's database.
//
// Transactions come from an [Inbox] per origin, in the origin's order without a gap (I3), and are taken
// when everything they had seen is here (I5). Queued transactions of one origin form a [Batch], whose
// net effect per row is written optimistically in one database transaction (I4), the loopguard marker
// first. Then the rows are locked, and the [Fence] makes sure that capture has read every local write
// that could have touched them. Then [Batch.Certify] looks each row up in history: with no concurrent
// operation the optimistic write was right; otherwise the row is decided by its rule and written again
// under the same locks. Then it commits, in the order in which the batches were dispatched.
//
// Rows that a write didn't find aren't locked. For them a barrier is raised that also carries the
// batch's highest timestamp, so that every later local write gets a higher one, and the decision uses
// only operations up to that barrier; if it brings the row into being, that takes the lock, and one
// more barrier is raised before the last look.
//
// [Loop] and its workers are the shell around this; Batch, Certify and Inbox are pure and are driven by
// the simulation too. A lost connection ends the loop: the region starts again from what its database
// and its topics say, because a crashed server may have lost commits that it had acknowledged.
//
// Refused: applying in timestamp order (stalls on the slowest region), conflict columns or tombstone
// tables (change the application's schema), and locking before writing (19-35 % slower, measured).
package apply
