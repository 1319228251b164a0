package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"bridge/internal/database"
	"bridge/loopguard"
)

// Format is the version of bridge's own tables that this program reads and writes.
const Format = database.Format

// tables creates bridge's own tables, all of them if absent, as the role that bridge runs as.
//
//   - node: one row, which region this database is, and which server's log bridge read last, on which timeline.
//   - progress: the markers (see loopguard). The only published table of the schema. Its few rows
//     change with every apply transaction: the room in its pages lets those updates stay in place (HOT).
//   - horizon: what history is rebuilt from after a restart: of each origin's topic, the records from stream_offset
//     on; in them, the transactions after seq, and those whose version isn't less than (since_ts, since_origin).
//   - published: which tables the publication had when bridge last looked, and since which entry of its: see [CheckPublished].
//   - conflicts: every decided conflict; result is what the row became, resolved_at and what follows it what an operator
//     made of the case.
//   - parked: rows that a constraint hides here, or has shown altered, with the claim they keep. bridge reads document; image and
//     shown, JSON objects of texts, are for people.
//
// None but progress is ever published: each region writes its own.
const tables = `
CREATE TABLE IF NOT EXISTS bridge.node (
  single      boolean     PRIMARY KEY DEFAULT true CHECK (single),
  cluster     text        NOT NULL,
  region      text        NOT NULL,
  incarnation integer     NOT NULL CHECK (incarnation > 0),
  format      integer     NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  system_identifier text,
  timeline    integer
);
CREATE TABLE IF NOT EXISTS bridge.progress (
  origin        text    NOT NULL,
  worker        integer NOT NULL,
  seq           bigint  NOT NULL,
  ts            bigint  NOT NULL,
  stream_offset bigint  NOT NULL,
  PRIMARY KEY (origin, worker)
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE TABLE IF NOT EXISTS bridge.horizon (
  origin        text   PRIMARY KEY,
  seq           bigint NOT NULL,
  stream_offset bigint NOT NULL,
  since_ts      bigint NOT NULL,
  since_origin  text   NOT NULL
) WITH (fillfactor = 20);
CREATE TABLE IF NOT EXISTS bridge.published (
  table_schema text NOT NULL,
  table_name   text NOT NULL,
  table_oid    oid  NOT NULL,
  entry        oid  NOT NULL,
  PRIMARY KEY (table_schema, table_name)
);
CREATE TABLE IF NOT EXISTS bridge.conflicts (
  id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  decided_at   timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  type         text        NOT NULL,
  table_schema text        NOT NULL,
  table_name   text        NOT NULL,
  key          text[]      NOT NULL,
  rule         text        NOT NULL,
  outcome      text        NOT NULL,
  origin       text        NOT NULL,
  seq          bigint      NOT NULL,
  versions     jsonb       NOT NULL
);
CREATE INDEX IF NOT EXISTS conflicts_decided_at ON bridge.conflicts (decided_at);
CREATE INDEX IF NOT EXISTS conflicts_table ON bridge.conflicts (table_schema, table_name, decided_at);
CREATE TABLE IF NOT EXISTS bridge.parked (
  table_schema text        NOT NULL,
  table_name   text        NOT NULL,
  key          text[]      NOT NULL,
  image        jsonb       NOT NULL,
  claim_time   bigint      NOT NULL,
  claim_origin text        NOT NULL,
  reason       text        NOT NULL,
  parked_at    timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  PRIMARY KEY (table_schema, table_name, key)
);`

// addedColumns are what bridge's tables have got since they were first made. None is needed to be filled: an earlier
// bridge can still write the tables.
const addedColumns = `
ALTER TABLE bridge.conflicts
  ADD COLUMN IF NOT EXISTS result      jsonb,
  ADD COLUMN IF NOT EXISTS resolved_at timestamptz,
  ADD COLUMN IF NOT EXISTS resolved_by text,
  ADD COLUMN IF NOT EXISTS resolution  text,
  ADD COLUMN IF NOT EXISTS awaits      text;
CREATE INDEX IF NOT EXISTS conflicts_awaiting ON bridge.conflicts (id) WHERE awaits IS NOT NULL AND resolved_at IS NULL;
ALTER TABLE bridge.parked
  ADD COLUMN IF NOT EXISTS constraint_name text,
  ADD COLUMN IF NOT EXISTS shown           jsonb,
  ADD COLUMN IF NOT EXISTS document        text;`

// Node is the row of bridge.node: which region a database is.
type Node = database.Node

// ErrNotInstalled means that the database has no bridge.node row: "bridge init" wasn't run here.
var ErrNotInstalled = database.ErrNotInstalled

// Querier is what reads one row; pgx connections, transactions and pools are.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// DB is what also runs statements.
type DB interface {
	Querier
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// LoadNode reads which region the database is. Without tables or row it's [ErrNotInstalled].
func LoadNode(ctx context.Context, db Querier) (Node, error) {
	var there bool
	err := db.QueryRow(ctx, `SELECT to_regclass('bridge.node') IS NOT NULL`).Scan(&there)
	if err == nil && !there {
		return Node{}, ErrNotInstalled
	}
	var n Node
	if err == nil {
		err = db.QueryRow(ctx, `SELECT cluster, region, incarnation, format FROM bridge.node`).
			Scan(&n.Cluster, &n.Region, &n.Incarnation, &n.Format)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return Node{}, ErrNotInstalled
	}
	if err != nil {
		return Node{}, fmt.Errorf("read bridge.node: %w", err)
	}
	return n, nil
}

// CreateTables creates bridge's schema and tables where they're absent, in one transaction. It changes
// nothing on a second run.
func CreateTables(ctx context.Context, conn *pgx.Conn) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// Two inits at once: the second waits and then finds everything there.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('bridge init', 0))`); err != nil {
			return fmt.Errorf("lock for init: %w", err)
		}
		var there bool
		if err := tx.QueryRow(ctx, `SELECT to_regnamespace('bridge') IS NOT NULL`).Scan(&there); err != nil {
			return fmt.Errorf("look for schema bridge: %w", err)
		}
		if !there { // IF NOT EXISTS would need CREATE on the database even when the schema is there
			if _, err := tx.Exec(ctx, `CREATE SCHEMA `+Quote(loopguard.Schema)); err != nil {
				return fmt.Errorf(`create schema bridge (have the DBA run what "bridge grants" prints): %w`, err)
			}
		}
		if _, err := tx.Exec(ctx, tables); err != nil {
			return fmt.Errorf(`create bridge's tables (the schema must belong to this role; see "bridge grants"): %w`, err)
		}
		return UpdateTables(ctx, tx)
	})
}

// UpdateTables adds what tables made by an earlier bridge lack. It locks nothing where nothing is missing.
func UpdateTables(ctx context.Context, db DB) error {
	var current bool
	err := db.QueryRow(ctx, `SELECT count(*) = 2 FROM pg_attribute
		WHERE (attrelid, attname) IN ((to_regclass('bridge.conflicts'), 'awaits'), (to_regclass('bridge.parked'), 'document'))`).Scan(&current)
	if err == nil && !current {
		_, err = db.Exec(ctx, addedColumns)
	}
	if err != nil {
		return fmt.Errorf(`bring bridge's tables up to date (bridge's role must own them; see "bridge grants"): %w`, err)
	}
	return nil
}

// Claim makes the database a region's, and refuses when it's another's. It's the last step of setting
// up: a row in bridge.node says that tables, publication and slot are there. claimed is false when the
// database was this region's already.
func Claim(ctx context.Context, conn *pgx.Conn, cluster, region string) (node Node, claimed bool, err error) {
	tag, err := conn.Exec(ctx, `
INSERT INTO bridge.node (cluster, region, incarnation, format) VALUES ($1, $2, 1, $3) ON CONFLICT DO NOTHING`,
		cluster, region, Format)
	if err != nil {
		return Node{}, false, fmt.Errorf("write bridge.node: %w", err)
	}
	if node, err = LoadNode(ctx, conn); err != nil {
		return Node{}, false, err
	}
	return node, tag.RowsAffected() == 1, node.Match(cluster, region)
}
