package mysql

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"bridge/internal/database"
)

// Format is the version of bridge's own tables that this program reads and writes.
const Format = database.Format

// Node is the row of bridge.node: which region a server is.
type Node = database.Node

// ErrNotInstalled means that the server has no bridge.node row: "bridge init" wasn't run here.
var ErrNotInstalled = database.ErrNotInstalled

// tables creates bridge's own tables, all of them if absent, in database bridge. They're those of
// internal/postgres, where the engines don't ask for something else:
//
//   - node: one row, which region this server is. epoch is the leading bridge's: whoever becomes the leader
//     raises it, and every apply transaction reads it with a shared lock, so that an earlier leader's
//     transactions end before or find out. server_uuid is the server whose log bridge read last. start_offset and
//     start_gtid are where capture begins as long as nothing is published: see [EnsureStart].
//   - progress: the markers (see loopguard).
//   - barrier: one row; an update of it is a barrier with a floor (see loopguard.Barrier).
//   - horizon: what history is rebuilt from after a restart.
//   - conflicts: every decided conflict; with columns that [UpdateTables] adds.
//   - parked: rows that a constraint hides here, or shows altered, with the claim they keep; with columns that [UpdateTables]
//     adds. row_key is change.Key's Row, or a digest of one that's too long.
//
// None is replicated to other regions; the server's own replicas get them, and need them when one is
// promoted. Names compare byte by byte.
var tables = []string{
	"node (" +
		"  single      tinyint      NOT NULL DEFAULT 1 PRIMARY KEY CHECK (single = 1)," +
		"  cluster     varchar(255) NOT NULL," +
		"  region      varchar(255) NOT NULL," +
		"  incarnation int unsigned NOT NULL CHECK (incarnation > 0)," +
		"  format      int          NOT NULL," +
		"  created_at  datetime(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP(6)," +
		"  epoch       bigint unsigned NOT NULL DEFAULT 0," +
		"  server_uuid varchar(64)," +
		"  start_offset bigint unsigned," +
		"  start_gtid  longtext)",
	"progress (" +
		"  origin        varchar(255) NOT NULL," +
		"  worker        int          NOT NULL," +
		"  seq           bigint       NOT NULL," +
		"  ts            bigint       NOT NULL," +
		"  stream_offset bigint       NOT NULL," +
		"  PRIMARY KEY (origin, worker))",
	"barrier (" +
		"  single tinyint         NOT NULL DEFAULT 1 PRIMARY KEY CHECK (single = 1)," +
		"  run    varchar(64)     NOT NULL DEFAULT ''," +
		"  token  bigint unsigned NOT NULL DEFAULT 0," +
		"  floor  bigint          NOT NULL DEFAULT 0)",
	"horizon (" +
		"  origin        varchar(255) NOT NULL PRIMARY KEY," +
		"  seq           bigint       NOT NULL," +
		"  stream_offset bigint       NOT NULL," +
		"  since_ts      bigint       NOT NULL," +
		"  since_origin  varchar(255) NOT NULL)",
	"conflicts (" +
		"  id           bigint       NOT NULL AUTO_INCREMENT PRIMARY KEY," +
		"  decided_at   datetime(6)  NOT NULL DEFAULT CURRENT_TIMESTAMP(6)," +
		"  type         varchar(64)  NOT NULL," +
		"  table_schema varchar(64)  NOT NULL," +
		"  table_name   varchar(64)  NOT NULL," +
		"  `key`        json         NOT NULL," +
		"  rule         varchar(255) NOT NULL," +
		"  outcome      text         NOT NULL," +
		"  origin       varchar(255) NOT NULL," +
		"  seq          bigint       NOT NULL," +
		"  versions     json         NOT NULL," +
		"  KEY conflicts_decided_at (decided_at)," +
		"  KEY conflicts_table (table_schema, table_name, decided_at))",
	"parked (" +
		"  table_schema varchar(64)     NOT NULL," +
		"  table_name   varchar(64)     NOT NULL," +
		"  row_key      varbinary(2048) NOT NULL," +
		"  image        json            NOT NULL," +
		"  claim_time   bigint          NOT NULL," +
		"  claim_origin varchar(255)    NOT NULL," +
		"  reason       text            NOT NULL," +
		"  parked_at    datetime(6)     NOT NULL DEFAULT CURRENT_TIMESTAMP(6)," +
		"  PRIMARY KEY (table_schema, table_name, row_key))",
}

// additions are what tables have got since they were first made. None needs to be filled: an earlier bridge can still write them.
var additions = []struct{ table, column, sql string }{
	// What the row became, and what an operator made of the case.
	{"conflicts", "awaits", "ADD COLUMN result json, ADD COLUMN resolved_at datetime(6), ADD COLUMN resolved_by varchar(255), ADD COLUMN resolution text," +
		" ADD COLUMN awaits varchar(16), ADD KEY conflicts_awaiting (awaits, resolved_at)"},
	// document is all that bridge reads; the others are for people.
	{"parked", "document", "ADD COLUMN `key` json, ADD COLUMN constraint_name text, ADD COLUMN shown json, ADD COLUMN document longtext"},
}

// LoadNode reads which region the server is. Without database, table or row it's [ErrNotInstalled].
func LoadNode(ctx context.Context, conn *Conn) (Node, error) {
	row, err := conn.Text(ctx, "SELECT cluster, region, incarnation, format FROM bridge.node")
	if errors.Is(err, ErrNoRow) || IsError(err, erNoSuchTable, erNoSuchDatabase) {
		return Node{}, ErrNotInstalled
	}
	if err != nil {
		return Node{}, fmt.Errorf("read bridge.node: %w", err)
	}
	incarnation, err := strconv.ParseUint(row[2], 10, 32)
	format, errF := strconv.Atoi(row[3])
	if err := errors.Join(err, errF); err != nil {
		return Node{}, fmt.Errorf("read bridge.node: %w", err)
	}
	return Node{Cluster: row[0], Region: row[1], Incarnation: uint32(incarnation), Format: format}, nil
}

// CreateTables creates bridge's database and tables where they're absent. It changes nothing on a second
// run. DDL isn't transactional here: after a failure, run it again.
func CreateTables(ctx context.Context, conn *Conn) error {
	// Two inits at once: the second waits and then finds everything there.
	const patience = 60 // seconds
	got, err := conn.Text(ctx, fmt.Sprintf("SELECT GET_LOCK('bridge init', %d)", patience))
	if err != nil {
		return fmt.Errorf("lock for init: %w", err)
	}
	if got[0] != "1" {
		return fmt.Errorf("another \"bridge init\" has been running on this server for %d seconds: wait for it, or end its session", patience)
	}
	err = createTables(ctx, conn)
	_, errUnlock := conn.One(ctx, "DO RELEASE_LOCK('bridge init')")
	if err == nil && errUnlock != nil {
		err = fmt.Errorf("release the lock for init: %w", errUnlock)
	}
	return err
}

func createTables(ctx context.Context, conn *Conn) error {
	if _, err := conn.One(ctx, "CREATE DATABASE IF NOT EXISTS bridge CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"); err != nil {
		return fmt.Errorf(`create database bridge (have the DBA run what "bridge grants" prints): %w`, err)
	}
	for _, t := range tables {
		sql := "CREATE TABLE IF NOT EXISTS bridge." + t + " ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
		if _, err := conn.One(ctx, sql); err != nil {
			return fmt.Errorf(`create bridge's tables (have the DBA run what "bridge grants" prints): %w`, err)
		}
	}
	if err := UpdateTables(ctx, conn); err != nil {
		return err
	}
	if _, err := conn.One(ctx, "INSERT IGNORE INTO bridge.barrier (single) VALUES (1)"); err != nil {
		return fmt.Errorf("write bridge.barrier: %w", err)
	}
	return nil
}

const erDuplicateColumn = 1060

// UpdateTables adds what tables made by an earlier bridge lack. It locks nothing where nothing is missing.
func UpdateTables(ctx context.Context, conn *Conn) error {
	for _, a := range additions {
		_, err := conn.Text(ctx, "SELECT 1 FROM information_schema.columns WHERE table_schema = 'bridge' AND table_name = "+Literal(a.table)+
			" AND column_name = "+Literal(a.column))
		if errors.Is(err, ErrNoRow) {
			_, err = conn.One(ctx, "ALTER TABLE bridge."+a.table+" "+a.sql)
		}
		if err != nil && !IsError(err, erDuplicateColumn) { // somebody else was as fast
			return fmt.Errorf(`bring table bridge.%s up to date (see "bridge grants"): %w`, a.table, err)
		}
	}
	return nil
}

// Claim makes the server a region's, and refuses when it's another's. It's the last step of setting up: a
// row in bridge.node says that the tables are there. claimed is false when the server was this region's
// already.
func Claim(ctx context.Context, conn *Conn, cluster, region string) (node Node, claimed bool, err error) {
	result, err := conn.One(ctx, fmt.Sprintf("INSERT IGNORE INTO bridge.node (cluster, region, incarnation, format) VALUES (%s, %s, 1, %d)",
		Literal(cluster), Literal(region), Format))
	if err != nil {
		return Node{}, false, fmt.Errorf("write bridge.node: %w", err)
	}
	if node, err = LoadNode(ctx, conn); err != nil {
		return Node{}, false, err
	}
	return node, result.Affected == 1, node.Match(cluster, region)
}

// RaiseEpoch makes the caller the region's leader and returns its epoch. It waits for transactions that
// have read an earlier one; those that begin later, of an earlier leader, see this one and give up.
func RaiseEpoch(ctx context.Context, conn *Conn) (uint64, error) {
	results, err := conn.Exec(ctx, "BEGIN; UPDATE bridge.node SET epoch = epoch + 1; SELECT epoch FROM bridge.node; COMMIT")
	if IsError(err, erNoSuchTable, erNoSuchDatabase) {
		return 0, ErrNotInstalled
	}
	if err != nil {
		return 0, fmt.Errorf("raise the epoch in bridge.node: %w", err)
	}
	if len(results[2].Rows) != 1 {
		return 0, ErrNotInstalled
	}
	text, _ := results[2].Rows[0][0].Text()
	epoch, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the epoch of bridge.node: %w", err)
	}
	return epoch, nil
}
