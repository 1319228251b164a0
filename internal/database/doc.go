// Package database holds what the engines' own packages (internal/postgres, internal/mysql) have in
// common: how errors are classed, which region a database is, the words for TLS, the limits of a
// connection.
package database
