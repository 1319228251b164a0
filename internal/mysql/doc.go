// Package mysql is what capture, apply and the commands share about MySQL and MariaDB: connecting,
// quoting, error classes, the server's facts and catalog, bridge's own tables.
//
// A [Server] says where and how to connect; [Server.Connect] gives a [Conn] whose session is fixed to
// what bridge needs, whatever the server's defaults are. A Conn sends SQL text, one or more statements
// a packet, and gives values back as the text that the server printed.
//
// A region is a server: table names are [change.TableName] with the database as the schema.
package mysql
