// Command bench measures bridge beside the replication that the databases have themselves (PostgreSQL's logical
// replication, the replicas of MySQL and MariaDB), and between engines, where they have none: the same workloads, on
// the same servers and cores, in the same run, the contestants taking turns. Run it from the repository
// with
//
//	go run ./bench [-only a1,b] [-runs 3] [-quick] [-cpuprofile bench/out]
//
// It prints a table with the bars that bridge set itself, and writes bench/results.json when nothing was
// left out. README.md beside it has the method and what the figures mean.
//
// A contestant replicates one table from a source database to a target database, each on a server of its
// own. Every single measurement gets two fresh databases (of MySQL and MariaDB two fresh servers, since a region is a
// server there), so no contestant finds the other's bloat, and
// ends with a comparison of both: a figure for rows that didn't arrive isn't printed.
package main
