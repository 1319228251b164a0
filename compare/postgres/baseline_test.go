package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"bridge/change"
	"bridge/compare"
	comparepg "bridge/compare/postgres"
	"bridge/internal/postgres"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/wire"
)

// baseline is what a database's tables hold now.
func baseline(t *testing.T, db servertest.DB) wire.Baseline {
	t.Helper()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, db.SocketDSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx) //nolint:errcheck // it was only read from
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(ctx) //nolint:errcheck // it was only read from
	var snapshot string
	if err := tx.QueryRow(ctx, `SELECT pg_export_snapshot()`).Scan(&snapshot); err != nil {
		t.Fatal(err)
	}
	servertest.Exec(t, db.SocketDSN(), `INSERT INTO public.one (id) VALUES (-1) ON CONFLICT DO NOTHING`) // after the snapshot
	r, err := comparepg.Open(ctx, "eu", postgres.Server{Host: db.Server.SocketDir(), Port: uint16(db.Server.Port()), Database: db.Name, User: testserver.Superuser},
		postgres.Session{Name: "test"}, compare.Scope{Selected: func(change.TableName) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close(ctx) //nolint:errcheck // it was only read from
	b, err := r.Baseline(ctx, snapshot)
	if err != nil {
		t.Fatal(err)
	}
	servertest.Exec(t, db.SocketDSN(), `DELETE FROM public.one WHERE id = -1`)
	return b
}

// Equal rows have equal baselines on both versions of the server, whatever the order of rows and columns;
// every kind of difference shows, with its table.
func TestBaseline(t *testing.T) {
	t.Parallel()
	old, young := servertest.Database(t, 15), servertest.Database(t, 18)
	servertest.Exec(t, old.SocketDSN(), `
CREATE TABLE public.one (id bigint PRIMARY KEY, f float8, j jsonb, at timestamptz, b bytea, n numeric(20, 4), i interval);
INSERT INTO public.one SELECT i, i / 3.0, jsonb_build_object('a', i), '2026-03-29 01:30+00'::timestamptz + i * interval '1 hour', decode(md5(i::text), 'hex'), i / 7.0, i * interval '1 min' FROM generate_series(1, 3000) i;
CREATE TABLE public.part (id int PRIMARY KEY, t text) PARTITION BY RANGE (id);
CREATE TABLE public.part_1 PARTITION OF public.part FOR VALUES FROM (0) TO (100);
INSERT INTO public.part VALUES (1, NULL), (2, ''), (3, 'ä');
CREATE TABLE public.none (k text PRIMARY KEY);`)
	servertest.Exec(t, young.SocketDSN(), `
CREATE TABLE public.one (i interval, n numeric(20, 4), b bytea, at timestamptz, f float8, gone int, j jsonb, id bigint PRIMARY KEY);
INSERT INTO public.one (id, f, j, at, b, n, i) SELECT i, i / 3.0, jsonb_build_object('a', i), '2026-03-29 01:30+00'::timestamptz + i * interval '1 hour', decode(md5(i::text), 'hex'), i / 7.0, i * interval '1 min' FROM generate_series(3000, 1, -1) i;
ALTER TABLE public.one DROP COLUMN gone;
CREATE TABLE public.part (t text, id int PRIMARY KEY);
INSERT INTO public.part VALUES ('ä', 3), ('', 2), (NULL, 1);
CREATE TABLE public.none (k text PRIMARY KEY);`)
	theirs := baseline(t, old)
	if len(theirs) != 3 || theirs[1].Rows != 3000 {
		t.Fatalf("%+v", theirs)
	}
	if d := compare.BaselineDifferences("young", baseline(t, young), "old", theirs); len(d) > 0 {
		t.Fatalf("equal regions: %v", d)
	}
	for _, tc := range []struct{ sql, want string }{
		{`UPDATE public.part SET t = '' WHERE id = 1`, "has 3 rows in both young and old, but not the same ones: they differ in column \"t\""},
		{`DELETE FROM public.part WHERE id = 1`, "has 2 rows in young and 3 in old"},
		{`ALTER TABLE public.part ALTER t TYPE varchar(20)`, "isn't defined alike in young and old"},
		{`ALTER TABLE public.part RENAME TO gone`, "isn't replicated by region young, but by old"},
	} {
		servertest.Exec(t, young.SocketDSN(), tc.sql)
		d := compare.BaselineDifferences("young", baseline(t, young), "old", theirs)
		if len(d) == 0 || d[len(d)-1].Table.Name != "part" || d[len(d)-1].Text != tc.want {
			t.Errorf("after %s: %v", tc.sql, d)
		}
	}
}
