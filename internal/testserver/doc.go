// Package testserver starts real servers on loopback for tests, benchmarks and the demo: PostgreSQL
// ([StartPostgres]), MySQL ([StartMySQL]), MariaDB ([StartMariaDB]), Apache Kafka ([StartKafka]), and a
// link between two parties that can be cut or slowed ([NewProxy]). Package servertest beside it ties them to a test.
//
// All servers of a process keep their files in one directory, its session, below [os.TempDir]; those that don't sync in a second
// one in memory, where it has room. Close ends a server and removes its files. When the process dies without calling it, even by
// SIGKILL, the kernel ends the servers (on Linux) and a small guard process removes the session.
//
// Database servers refuse to run as root, so root runs them as user postgres, or nobody where there's
// none.
// Programs come from the machine or from the cache that scripts/setup fills; what's missing is an
// error that names the component to set up.
package testserver
