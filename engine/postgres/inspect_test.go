package postgres

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"bridge/capture"
	"bridge/change"
	"bridge/internal/postgres"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

const shop = `
CREATE TABLE public.users (id int PRIMARY KEY, name text);
CREATE TABLE public.orders (id int PRIMARY KEY, note text);
CREATE TABLE public.event (id int PRIMARY KEY, note text) PARTITION BY RANGE (id);
CREATE TABLE public.event_1 PARTITION OF public.event FOR VALUES FROM (0) TO (100);`

var shopTables = []change.TableName{{Schema: "public", Name: "users"}, {Schema: "public", Name: "orders"}, {Schema: "public", Name: "event"}}

// region is a database that is set up, its engine, and a DBA's session.
func region(t *testing.T, ddl string) (*Engine, *pgx.Conn) {
	t.Helper()
	return regionOn(t, servertest.Database(t, 15), ddl)
}

func regionOn(t *testing.T, db servertest.DB, ddl string) (*Engine, *pgx.Conn) {
	t.Helper()
	e := New(Config{Server: postgres.Server{URL: db.SocketDSN()}, Cluster: "c", Region: "eu", Slot: db.Name, Publication: "pub"})
	config, err := e.config("test")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(t.Context()) })
	run(t, conn, ddl)
	if err := postgres.CreateTables(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	if _, _, err := postgres.EnsurePublication(t.Context(), conn, "pub", shopTables); err != nil {
		t.Fatal(err)
	}
	if _, _, err := postgres.Claim(t.Context(), conn, "c", "eu"); err != nil {
		t.Fatal(err)
	}
	return e, conn
}

func run(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// TestInspect: whatever makes the log leave out changes is an error that no retry heals, and names the table;
// what an operator does on purpose is none.
func TestInspect(t *testing.T) {
	const readd = `ALTER PUBLICATION pub DROP TABLE public.users; ALTER PUBLICATION pub ADD TABLE public.users`
	for _, tc := range []struct {
		name, sql string
		want      string // in the error; "" is none
	}{
		{"nothing", `SELECT`, ""},
		{"table leaves", `ALTER PUBLICATION pub DROP TABLE public.users`, "table public.users isn't in publication pub any more"},
		{"excluded table leaves", `ALTER PUBLICATION pub DROP TABLE public.orders`, ""},
		{"table was away", readd, "public.users was out of publication pub for a while"},
		{"some kinds", `ALTER PUBLICATION pub SET (publish = 'insert')`, "leaves out some kinds of change"},
		{"some rows", readd + ` WHERE (id > 1)`, "leaves out rows or columns of public.users"},
		{"some columns", readd + ` (id)`, "leaves out rows or columns of public.users"},
		{"unlogged partition", `ALTER TABLE public.event_1 SET UNLOGGED`, "public.event or a partition of it is unlogged"},
		{"deferrable unique", `ALTER TABLE public.users ADD UNIQUE (name) DEFERRABLE INITIALLY DEFERRED`,
			`ALTER TABLE "public"."users" DROP CONSTRAINT "users_name_key", ADD CONSTRAINT "users_name_key" UNIQUE (name);`},
		{"deferrable exclusion of a partition", `ALTER TABLE public.event_1 ADD CONSTRAINT x EXCLUDE USING btree (note WITH OPERATOR(pg_catalog.=)) DEFERRABLE`,
			`ALTER TABLE "public"."event_1" DROP CONSTRAINT "x", ADD CONSTRAINT "x" EXCLUDE USING btree (note WITH =);`},
		{"dropped table", `DROP TABLE public.users`, ""},
		{"renamed table", `ALTER TABLE public.users RENAME TO people`, ""},
		{"made anew, unpublished", `DROP TABLE public.users; CREATE TABLE public.users (id int PRIMARY KEY)`, "table public.users isn't in publication pub any more"},
		{"made anew, published", `DROP TABLE public.users; CREATE TABLE public.users (id int PRIMARY KEY); ALTER PUBLICATION pub ADD TABLE public.users`, ""},
		{"new table", `CREATE TABLE public.more (id int PRIMARY KEY); ALTER PUBLICATION pub ADD TABLE public.more`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e, dba := region(t, shop)
			e.Selected = func(n change.TableName) bool { return n.Name != "orders" }
			if err := e.Inspect(t.Context()); err != nil {
				t.Fatal(err)
			}
			run(t, dba, tc.sql)
			for range 2 { // and after a restart
				err := e.Inspect(t.Context())
				if tc.want == "" && err != nil {
					t.Fatal(err)
				}
				if tc.want == "" {
					continue
				}
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Fatalf("got %v, want %q", err, tc.want)
				}
				if e.Heals(err) || !errors.Is(err, capture.ErrSetup) {
					t.Errorf("retried: %v", err)
				}
			}
		})
	}
}

// TestInitAcknowledges: "bridge init" tells which tables were out of the publication, whoever put them back; after
// that they're as good as any.
func TestInitAcknowledges(t *testing.T) {
	e, dba := region(t, shop)
	ensure := func(want ...change.TableName) {
		t.Helper()
		_, away, err := postgres.EnsurePublication(t.Context(), dba, "pub", shopTables)
		if err != nil || !slices.Equal(away, want) {
			t.Fatalf("%v, %v, want %v", away, err, want)
		}
		if err := e.Inspect(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ensure()
	run(t, dba, `ALTER PUBLICATION pub DROP TABLE public.users; ALTER PUBLICATION pub DROP TABLE public.orders; ALTER PUBLICATION pub ADD TABLE public.orders`)
	if err := e.Inspect(t.Context()); err == nil {
		t.Fatal("the table's absence isn't noticed")
	}
	ensure(shopTables[1], shopTables[0])
	ensure()
	run(t, dba, `DROP TABLE public.users; CREATE TABLE public.users (id int PRIMARY KEY)`) // another table: nothing is missing
	ensure()
}

// TestStandbysAreNoticed: whether commits wait for synchronous standbys may change while a bridge runs.
func TestStandbysAreNoticed(t *testing.T) {
	server := servertest.Postgres(t, testserver.PostgresOptions{NoSync: true})
	e, dba := regionOn(t, servertest.DB{Server: server, Name: "postgres"}, shop)
	for _, names := range []string{"nobody", ""} {
		if e.synchronous.Load() != (names == "") {
			t.Fatalf("before it's %q, commits wait: %t", names, e.synchronous.Load())
		}
		run(t, dba, `ALTER SYSTEM SET synchronous_standby_names = '`+names+`'`)
		run(t, dba, `SELECT pg_reload_conf()`)
		for e.synchronous.Load() != (names != "") { // a reload takes a moment
			if err := e.Inspect(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}
