// Package postgres applies batches to PostgreSQL 14 and later.
//
// A batch is one pipelined round trip: BEGIN, the marker, one set-based statement per table, kind and set
// of columns over unnest of text arrays, and the snapshot by which the [Fence] knows whether capture has
// seen all that matters (the snapshot certificate). Sessions run with session_replication_role = replica
// (user triggers and foreign keys don't fire), READ COMMITTED, and commit asynchronously: data and marker
// are lost together or not at all, and a region starts anew after its server crashed.
//
// lock_timeout is below the default deadlock_timeout: when bridge and an application wait for each other,
// it's bridge that gives way and decides anew, never the application that gets the deadlock error.
//
// Refused: COPY into temporary tables (slower at every size, measured), one statement per row (0.7 times
// the speed), binary parameters per type (nothing gained, and every type would need a codec).
package postgres
