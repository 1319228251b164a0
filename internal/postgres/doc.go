// Package postgres holds what capture and apply share about PostgreSQL: quoting, error classes, the
// types that can be keys, how to connect, and bridge's own tables. It knows no configuration file
// and no replication protocol.
package postgres
