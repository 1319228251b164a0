// Package mixed has the tests of meshes whose regions have databases of different engines: package engine/postgres
// beside package engine/mysql, with real servers.
package mixed
