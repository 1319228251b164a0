// Package postgres reads a PostgreSQL database's log: a [Source] is a [capture.Source] on pgoutput,
// PostgreSQL's own logical decoding plugin. It needs no extension, and one slot and one publication
// per database, which "bridge init" makes.
//
// # Words
//
// A position is an LSN, a byte offset in the server's log. A transaction's position is where its
// commit record ends; starting there gives the transactions that commit after it, and none of those
// that committed before. A slot is the server's memory of what was confirmed: it keeps the log from
// there on. A relation is a table as the log announced it, before its first row and whenever its
// shape has changed since. A streamed transaction is one that the server begins to send before its
// commit, in blocks, because it outgrew logical_decoding_work_mem. An echo is a transaction that
// bridge applied; a marker is the row of bridge.progress that it begins with.
//
// # What is promised
//
//   - Transactions come in commit order, each once per Open, complete, and none whose commit isn't
//     after Config.Start. Nothing of an aborted (sub)transaction comes.
//   - The server may forget only what was given to [Source.Confirm]. A restart from a position gives
//     the same events again, but see "Refused" on completed rows.
//   - A transaction is what its first change says. A marker makes it an echo, whose rows aren't
//     decoded and, when it's streamed, not kept either. A marker or barrier at any other place is an
//     error: someone else writes what only bridge may write. Other programs' logical messages and
//     rows of bridge's other tables count for nothing.
//   - Memory is bounded: a piece of a transaction has about a mebibyte, streamed transactions have
//     Config.SpillMemory together, and the rest of them is in unlinked files in Config.SpillDir. A
//     single row can be as large as PostgreSQL allows.
//   - The server hears of this side every second, however long the caller of Next takes, so
//     wal_sender_timeout doesn't end the connection while Kafka is away.
//   - What isn't understood is an error that wraps [capture.ErrLog] in a [capture.LogError] with its position.
//
// # Rows
//
// Values are text as a session with the settings of internal/postgres prints it: the same bytes in
// every region. An update that changes the key is the delete of the old key and the insert of the
// new one. Keys are compared as the database compares them: from 1.0 to 1.00 is an ordinary update.
//
// The key is the replica identity's: the primary key under DEFAULT, an index under USING INDEX. Under
// FULL the log has whole old rows but doesn't tell the key; it's the primary key, looked up in the
// catalog whenever the relation is announced. Rows of a table without any key are an error until it
// has one. Only FULL gives operations an old image.
//
// A TOAST value that an update leaves as it was isn't in the log. Under FULL the old row has it,
// otherwise it's [change.Absent]. When such an update changes the key, the new row must be whole: it's
// completed from the table, as it's there now. If it has gone since, the values stay absent.
//
// Partitions appear as their root, so that regions may partition differently. Two things follow.
// TRUNCATE, DETACH and DROP of one partition aren't in the log: in regions where the rows should go,
// too, use DELETE. And the root, not the partition, needs the primary key. Generated columns aren't in the
// log; identity columns are ordinary values.
//
// # Settings
//
// Both sessions have the settings of [postgres.Session]. The replication session also has
// logical_decoding_work_mem = Config.WorkMem: small, so that a large transaction is sent while it
// runs. Otherwise each barrier behind its commit waits for the whole of it, a second per 300,000 rows.
//
// A server that shuts down in fast mode waits until its whole log is confirmed. It asks for that, an
// Idle event comes, and the shutdown goes on when the caller confirms it. While the caller can't
// confirm (Kafka is away), such a shutdown waits; stop bridge first, or use immediate mode.
//
// # Refused
//
//   - Protocol 1: large transactions come whole after their commit and hold up all others.
//     Protocol 3: prepared transactions would be shown before it's known whether they commit.
//     Protocol 4: parallel streaming is for appliers that apply before the commit.
//   - Binary values: their format depends on server version and type, and was no faster.
//   - wal2json and other plugins: an extension that managed databases may not have, and slower.
//   - Completing rows by a snapshot as of their commit: the server keeps none. A row completed twice
//     may differ, but only its first publication counts (receivers drop duplicates by their dot).
//   - Reading relations ahead from the catalog: it's newer than the log. Only names of user-defined
//     types, and keys under FULL, come from there, because the log doesn't tell them.
package postgres
