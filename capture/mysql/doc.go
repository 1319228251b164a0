// Package mysql reads a MySQL or MariaDB server's binary log.
package mysql
