// Package mysql reads the binary log of a MySQL or MariaDB server: a [Source] is a [capture.Source] on
// the protocol that replicas use. The server needs row format with full metadata; nothing is installed.
//
// # Words
//
// A group is what the log commits as one: a GTID event and what follows it, up to the commit. It's a
// transaction, or one statement (DDL) by itself. A position is where a group ends: the log file's number
// and the place in the file (see mysql.BinlogPosition), and the GTID set of all groups up to there. An
// image is a row before or after a change. An echo is a transaction that bridge applied; a marker is the
// row of bridge.progress that it begins with; a barrier is an update of the one row of bridge.barrier.
//
// # What is promised
//
//   - Transactions come in commit order, each once per Open, complete, and none that's at or before
//     Config.Start. Nothing comes of what was rolled back.
//   - Reading again from a position gives the same events again. Before the first one it's checked that
//     the log is the one that the position was given for, and goes on there without a gap.
//   - A transaction is what its first row says. A marker makes it an echo, whose rows aren't decoded. A
//     marker or barrier at any other place is an error: someone else writes what only bridge may write.
//     Rows of bridge's other tables, of the server's own databases and of tables that aren't selected
//     count for nothing.
//   - Memory is bounded: 4 MiB of events are read ahead, a piece of a transaction has about a mebibyte,
//     undecided XA transactions have Config.SpillMemory together and the rest of them is in unlinked
//     files. A single row can be as large as the server allows.
//   - What [Source.Visible] says yes to survives a failover to a replica, where commits wait for one (AFTER_SYNC).
//   - A consumer may take as long as it likes: the server is told to be patient.
//   - What isn't understood is an error that wraps [capture.ErrLog] in a [capture.LogError] with its place, unless it's
//     known to change no rows. Any session with the privilege can switch to what bridge can't read; it's
//     then found at that place, not before.
//
// # Values
//
// A value is text, the same bytes on MySQL and MariaDB wherever both have the type:
//
//   - Integers and DECIMAL in digits, without ZEROFILL's zeros. FLOAT and DOUBLE as the shortest decimal
//     that reads back to the same bits, which the server's own text of a FLOAT doesn't. BIT(n) as n binary
//     digits. YEAR with four digits.
//   - Text as UTF-8, converted from the column's character set as the server would; text that isn't valid
//     in it is an error. CHAR without the spaces it's padded with.
//   - BINARY (with the zeros it's padded with), VARBINARY, BLOB, geometries (SRID and WKB) and VECTOR as \x
//     and hexadecimal.
//   - DATE, DATETIME, TIME with the fraction less its trailing zeros, zero and odd dates as they are;
//     TIMESTAMP in UTC with +00 at its end.
//   - ENUM as its label (” for the invalid value 0), SET as its labels joined by commas.
//   - JSON as MySQL prints it; MariaDB's is LONGTEXT, and so is its text. MariaDB's UUID, INET4 and INET6
//     as it prints them.
//
// Types are named as information_schema.COLUMNS.DATA_TYPE does, with " unsigned" where it's so. Generated,
// invisible and hidden key columns are in the log like others. Keys are compared as the server compares
// them: 'a' and 'A' are one key under a collation that ignores case, and changing one to the other is an
// ordinary update.
//
// # Images
//
// Under binlog_row_image = FULL, operations have complete old images. A session that sets another image
// leaves columns out: of an update those that didn't change, which is what [change.Absent] means; old
// images have the key at least. An insert, or an update of the key, that lacks a column is an error. A
// JSON document that was updated in part (binlog_row_value_options) is one, too.
//
// # Other things in the log
//
//   - DDL isn't replicated, and passed over; each rows event is preceded by its table's shape, so columns
//     never shift. It's logged as text: what could change rows is an error. TRUNCATE TABLE is understood,
//     in any client's character set. What changes a table's shape is to be run in every region, and takes
//     the same rows along there (DROP TABLE, DROP PARTITION); an ALTER TABLE that moves rows and leaves the
//     shape (TRUNCATE or EXCHANGE PARTITION, IMPORT TABLESPACE) is an error.
//   - XA: the rows of a prepared transaction are kept until its XA COMMIT, from which on they count. When
//     the source was opened in between, the log is read again from an earlier file to find them.
//   - Sequences (MariaDB) aren't replicated.
//   - What a session wrote under sql_log_bin = 0 isn't in the log and can't be noticed.
//
// # Commit times
//
// MySQL's log has microseconds of its own. MariaDB's has the second at which the session's statement
// began, by its timestamp variable: a session that sets that into the future takes the region's clock
// (loopguard.Clock) along. Commit times don't follow the log's order.
//
// # Refused
//
//   - The library's canal: it takes names and keys from the catalog, which is newer than the log.
//   - The library's decoding of rows: it's by way of interfaces, per value, loses what types have in
//     common, and decodes echoes. Its syncer is used in raw mode, as the transport; it doesn't reconnect,
//     because only the caller knows its checkpoint, and the syncer's own GTID set forgets tags.
//   - gtid_executed as a fence: it's updated after the locks are freed. Positions aren't.
//   - Names and keys from the catalog under binlog_row_metadata = MINIMAL: it's right only without DDL.
//     Only whether a BINARY(4) or BINARY(16) is MariaDB's INET4, INET6 or UUID comes from there.
//   - Holding positions back until XA transactions are decided: MariaDB's can't have holes, and the tags
//     of later transactions depend on positions.
package mysql
