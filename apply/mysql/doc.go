// Package mysql applies batches to MySQL 8.4 and later and MariaDB 10.11 and later.
//
// A batch is one packet of statements: START TRANSACTION, the epoch of bridge.node (see below), the marker,
// one set-based statement per table, kind and set of columns over rows of literals, and the binary log's
// position, by which the [Fence] knows whether capture has seen all that matters. The rows are joined to the
// table by its primary key, which is forced, in the order in which they are written: the statement touches,
// and so locks, the rows that it names and no others, whatever the statistics say.
//
// An upsert is INSERT … ON DUPLICATE KEY UPDATE with a guard: the row that it finds must have the primary key
// of the new one. Without the guard a duplicate of another unique key would change a wrong row; with it
// that's an error, as it should be.
//
// On MariaDB updates of many rows are packed where the table's key is one integer and it has no other unique key: one literal has all values of
// a column, and a row finds its own by its key (see packed.go).
//
// Elsewhere updates of many whole rows are such upserts there, too, which takes half the time of a join. What they insert wasn't there:
// they count the rows that they find, and when those aren't all, or one is refused, the transaction is begun anew as below. It isn't
// done where the table has columns that the rows lack, or triggers that would fire.
//
// Neither engine tells which rows an UPDATE or DELETE of many didn't find. Usually all are found, which the count shows.
// Otherwise the transaction is begun anew and locks the rows of each statement before it, and so learns
// which there are (see session.careful). In that mode the server's warnings are read, too: a value that the
// server would change to make it fit is refused.
//
// Rows are looked up by literals, OR'ed, under FORCE INDEX: a server that reads a whole table for a few rows of a small one
// would wait for all rows that others hold. READ COMMITTED locks what is found, and no gaps. What's found has the texts that
// capture gives (internal/mysql.Text), and is named by the same forms (internal/mysql.KeyForms).
//
// A savepoint keeps the rows' locks that a refused statement took after it, such as that of the row in the way.
//
// The marker of a transaction of upkeep may be in its row already, and the log has no update that changes nothing. So it's written
// as the row of a worker that doesn't exist, and deleted at once; capture takes the first for what it is.
//
// TRUNCATE is DELETE without a condition, under REPEATABLE READ, whose locks keep new rows out of the table:
// TRUNCATE TABLE would commit. It takes as long as the table has rows. A table is locked in the same way, by reading all of it.
//
// Each transaction reads bridge.node's epoch with a shared lock. A new leader raises it, which waits for
// the transactions of an earlier one, and those that come after it are given up.
//
// A lock that isn't had within innodb_lock_wait_timeout is a reason to decide anew. When a deadlock is found, the
// server rolls back the transaction that has changed fewer rows, which may be an application's.
//
// Triggers fire for what bridge applies, and neither engine lets a session switch them off: a trigger
// on a replicated table must look at @bridge_apply, which is 1 in these sessions.
//
// Refused: BINLOG statements of row events. They're about twice as fast (bench_test.go), but need BINLOG_ADMIN and the right to
// set gtid_next on MySQL, BINLOG REPLAY on MariaDB, which managed servers don't give; they match columns by their
// place, check no value, and a row that's missing is an error or nothing at all. Also refused: prepared statements (a round trip each; a third of the speed), LOAD DATA into temporary tables
// (slower at every size, measured), sql_log_bin = 0 (the server's own replicas would lack the rows).
package mysql
