// Package integration tries bridge as a whole: real servers of PostgreSQL, MySQL and MariaDB, a real broker (the embedded one or
// Apache Kafka), and one bridge process per region under a role that has only what "bridge grants" gives.
//
// A mesh is some regions with their broker. Tests write to the regions, break something, and say what must
// hold. When a test ends, its mesh is settled and checked by itself (see mesh.check): the regions are equal
// (I1), byte for byte where they have one engine, no peer is stopped, each dot was applied once (I3), the topics are quiet (I6), and
// bridge.conflicts explains itself. A test that leaves a region stopped on purpose says so.
//
// There is nothing here but tests.
package integration
