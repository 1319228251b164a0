package postgres

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"bridge/apply"
	"bridge/capture"
	"bridge/change"
	"bridge/internal/postgres"
	"bridge/internal/testserver/servertest"
	"bridge/loopguard"
	"bridge/naming"
	"bridge/node"
	"bridge/value"
	"bridge/visibility"
)

const constrained = `
CREATE SCHEMA shop; CREATE EXTENSION citext SCHEMA shop; CREATE TYPE shop.mood AS ENUM ('sad', 'glad');
CREATE DOMAIN shop.cents AS numeric(12,2) CHECK (VALUE >= 0);
CREATE TABLE shop.customer (id uuid PRIMARY KEY, email shop.citext UNIQUE, mood shop.mood, paid shop.cents);
CREATE TABLE shop."Order" (id numeric, line int, code char(8) NOT NULL, customer uuid REFERENCES shop.customer, above numeric, above_line int, at timestamptz, d double precision,
	took interval, doc jsonb, raw bytea, tags text[], sum numeric GENERATED ALWAYS AS (id * line) STORED, long text, PRIMARY KEY (id, line), UNIQUE (code, customer),
	FOREIGN KEY (above, above_line) REFERENCES shop."Order");
CREATE TABLE shop.event (at date, id int, what text, PRIMARY KEY (at, id), UNIQUE (at, what)) PARTITION BY RANGE (at);
CREATE TABLE shop.event_2026 PARTITION OF shop.event FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE shop.ident (a int PRIMARY KEY, b text NOT NULL UNIQUE, c real);
ALTER TABLE shop.ident REPLICA IDENTITY USING INDEX ident_b_key;
CREATE TABLE shop.whole (a int PRIMARY KEY, b text UNIQUE); ALTER TABLE shop.whole REPLICA IDENTITY FULL;
CREATE TABLE shop.apart (a int PRIMARY KEY, b text UNIQUE)`

const constrainedRows = `
INSERT INTO shop.customer VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'Zoe@Example.org', 'glad', 1.5), ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12', NULL, NULL, NULL);
INSERT INTO shop."Order" VALUES (1.50, 1, 'a', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', NULL, NULL, '2026-01-01 12:00+03', '-0', '1 day 02:03', '{"b": 1, "a": [1.0]}', '\x00ff', '{a,NULL,"b c"}',
	DEFAULT, repeat('long ', 20000));
INSERT INTO shop."Order" VALUES (2, 7, 'b', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 1.5, 1, 'infinity', 'NaN', NULL, 'null', '', '{}', DEFAULT, '');
INSERT INTO shop.event VALUES ('2026-05-05', 1, 'x'); INSERT INTO shop.ident VALUES (1, 'Key', 0.1); INSERT INTO shop.whole VALUES (1, 'b')`

// granted is a region's engine that connects as the role for which "bridge grants" prints SQL, and a DBA's connection string.
func granted(t *testing.T) (e *Engine, dba string) {
	t.Helper()
	db := servertest.Database(t, 15)
	servertest.Exec(t, db.SocketDSN(), constrained)
	role := "role_" + db.Name
	var grants strings.Builder
	if err := (postgres.Grants{Role: role, Database: db.Name, Publication: "pub", Include: [][2]string{{"^shop$", "^"}}, Exclude: [][2]string{{"^shop$", "^apart$"}}}).Write(&grants); err != nil {
		t.Fatal(err)
	}
	psql := exec.CommandContext(t.Context(), db.Server.Bin("psql"), "-XAtq", "-f", "-", db.SocketDSN())
	psql.Stdin = strings.NewReader(grants.String())
	if out, err := psql.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		conn, err := pgx.Connect(ctx, db.SocketDSN())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(ctx) //nolint:errcheck // it has done its work
		if _, err := conn.Exec(ctx, `SELECT pg_drop_replication_slot($1)`, db.Name); err != nil {
			t.Error(err)
		}
		if _, err := conn.Exec(ctx, `DROP OWNED BY `+postgres.Quote(role)+` CASCADE; DROP ROLE `+postgres.Quote(role), pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Error(err)
		}
	})
	e = New(Config{Server: postgres.Server{URL: db.Server.SocketDSN(db.Name, role)}, Cluster: "c", Region: "eu", Slot: db.Name, Publication: "pub",
		SpillDir: t.TempDir(), Selected: func(n change.TableName) bool { return n.Name != "apart" }})
	err := e.with(t.Context(), "init", func(conn *pgx.Conn) error {
		if err := postgres.CreateTables(t.Context(), conn); err != nil {
			return err
		}
		if _, _, err := postgres.EnsurePublication(t.Context(), conn, "pub", nil); err != nil {
			return err
		}
		if _, _, err := postgres.Claim(t.Context(), conn, "c", "eu"); err != nil {
			return err
		}
		_, err := postgres.CreateSlot(t.Context(), conn, e.Slot, false)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return e, db.SocketDSN()
}

// open opens the engine's log and target, which end with the test.
func open(t *testing.T, e *Engine) (capture.Source, apply.Target, node.Fence) {
	t.Helper()
	source, err := e.OpenSource(t.Context(), change.Position{})
	if err != nil {
		t.Fatal(err)
	}
	target, fence, err := e.OpenTarget(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := errors.Join(source.Close(ctx), fence.Close(ctx), target.Close(ctx)); err != nil {
			t.Error(err)
		}
	})
	return source, target, fence
}

// TestConstraintsAsCaptured: under the grants, constraints tell tables, and look-ups tell rows, as capture logs them.
func TestConstraintsAsCaptured(t *testing.T) {
	names, err := naming.New(naming.Rules{Schemas: map[string]string{"shop": "store"}, Tables: []naming.Table{{Local: change.TableName{Schema: "shop", Name: "Order"},
		Columns: map[string]string{"above": "parent", "code": "Code"}}}})
	if err != nil {
		t.Fatal(err)
	}
	e, dba := granted(t)
	for _, way := range []struct {
		what   string
		names  naming.Names
		others []value.Engine
	}{{"alone", naming.Names{}, nil}, {"renamed", names, nil}, {"beside MySQL", naming.Names{}, []value.Engine{value.MySQL}}} {
		t.Run(way.what, func(t *testing.T) {
			e.Names, e.Others = way.names, way.others
			source, target, _ := open(t, e)
			catalog, err := target.Constraints(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(catalog) != 5 {
				t.Errorf("%d tables have constraints, want 5", len(catalog))
			}
			servertest.Exec(t, dba, constrainedRows)
			session, err := target.Open(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			defer session.Close(t.Context()) //nolint:errcheck // the test is over
			session.Begin(loopguard.Marker{Origin: "us/1", Seq: 1, Time: 1, Offset: 1}, apply.AsSets)
			for seen := 0; seen < 7; {
				event, err := source.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, op := range event.Operations {
					if op.Kind != change.Insert {
						continue
					}
					seen++
					compareCaptured(t, session, catalog[op.Key.Table], &op)
				}
			}
			if err := session.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			servertest.Exec(t, dba, `DELETE FROM shop."Order"; DELETE FROM shop.customer; DELETE FROM shop.event; DELETE FROM shop.ident; DELETE FROM shop.whole`)
		})
	}
}

// compareCaptured looks the row of an insert up by its key and by each unique value.
func compareCaptured(t *testing.T, session apply.Session, table *visibility.Table, op *change.Operation) {
	t.Helper()
	if table == nil || table.Shape.Fingerprint() != op.Table.Fingerprint() {
		t.Fatalf("capture has the shape %+v, the catalog %+v", op.Table, table)
	}
	row := visibility.Row{Key: op.Key, Table: op.Table, Image: op.New}
	byKey := make([]string, len(op.Table.Keys))
	for i, k := range op.Table.Keys {
		byKey[i] = op.Table.Columns[k].Name
	}
	for _, columns := range append([][]string{byKey}, uniqueColumns(table)...) {
		values, ok := row.Values(columns)
		if !ok {
			continue
		}
		rows, err := session.Find(t.Context(), &visibility.Lookup{Table: table, Columns: columns, Values: [][]change.Value{values}})
		if err != nil || len(rows) != 1 {
			t.Fatalf("row %s by %q: %d rows, %v", op.Key, columns, len(rows), err)
		}
		if rows[0].Key != op.Key || !slices.Equal(rows[0].Image, op.New) {
			t.Errorf("capture has %s with %q, the table %s with %q", op.Key, op.New, rows[0].Key, rows[0].Image)
		}
	}
}

func uniqueColumns(t *visibility.Table) (all [][]string) {
	for _, u := range t.Unique {
		all = append(all, u.Columns)
	}
	return all
}

// TestSettlingUnderGrants: what a settlement does is allowed to bridge's role.
func TestSettlingUnderGrants(t *testing.T) {
	e, dba := granted(t)
	_, target, _ := open(t, e)
	servertest.Exec(t, dba, constrainedRows)
	catalog, err := target.Constraints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	whole := catalog[change.TableName{Schema: "shop", Name: "whole"}]
	image := change.Image{change.Text("2"), change.Text("b")}
	key, err := change.KeyOf(whole.Shape, image, nil)
	if err != nil {
		t.Fatal(err)
	}
	session, err := target.Open(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(t.Context()) //nolint:errcheck // the test is over
	for seq := range uint64(2) {
		session.Begin(loopguard.Marker{Origin: "us/1", Seq: 1, Time: 1, Offset: 1}, []apply.Manner{apply.AsSets, apply.Upkeep}[seq])
		if rows, err := session.Find(t.Context(), &visibility.Lookup{Table: whole, Columns: []string{"b"}, Values: [][]change.Value{{change.Text("b")}}}); err != nil || len(rows) != 1 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		if err := session.Savepoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := session.Write(t.Context(), []apply.Write{{Kind: apply.Upsert, Table: whole.Shape, Key: key, Image: image}}); !errors.Is(err, apply.ErrCollides) {
			t.Fatal(err)
		}
		if err := session.RollbackTo(t.Context()); err != nil {
			t.Fatal(err)
		}
		parked := visibility.Parked{Row: visibility.Row{Key: key, Table: whole.Shape, Image: image}, Reason: visibility.ByUnique}
		if err := session.Park(t.Context(), []visibility.Parked{parked}, nil); err != nil {
			t.Fatal(err)
		}
		if err := session.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := target.Parked(t.Context()); err != nil || len(list) != 1 || list[0].Key != key {
		t.Errorf("parked: %+v, %v", list, err)
	}
}

// TestCertificateOutlivesSavepoints: savepoints have transaction ids that capture never reads. Barriers resolve them, while their
// transaction runs and after it: then batches do without barriers again.
func TestCertificateOutlivesSavepoints(t *testing.T) {
	e, dba := granted(t)
	source, target, fence := open(t, e)
	servertest.Exec(t, dba, constrainedRows)
	ctx, cancel := context.WithCancel(t.Context())
	read := make(chan error, 1)
	go func() {
		for at := uint64(1); ; at++ {
			event, err := source.Next(ctx)
			if err != nil {
				read <- err
				return
			}
			if event.Kind != capture.Idle {
				fence.Captured(&event, at)
			}
		}
	}()
	defer func() { cancel(); <-read }()
	catalog, err := target.Constraints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	whole := catalog[change.TableName{Schema: "shop", Name: "whole"}].Shape
	var sessions []apply.Session
	for worker := range 2 {
		s, err := target.Open(t.Context(), worker)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close(t.Context()) //nolint:errcheck // the test is over
		sessions = append(sessions, s)
	}
	seq := uint64(0)
	begin := func(s apply.Session) {
		seq++
		s.Begin(loopguard.Marker{Origin: "us/1", Seq: seq, Time: 1, Offset: 1}, apply.AsSets)
	}
	write := func(s apply.Session, id, b string) any {
		t.Helper()
		image := change.Image{change.Text(id), change.Text(b)}
		key, err := change.KeyOf(whole, image, nil)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Write(t.Context(), []apply.Write{{Kind: apply.Upsert, Table: whole, Key: key, Image: image}})
		if err != nil && !errors.Is(err, apply.ErrCollides) {
			t.Fatal(err)
		}
		return out.Witness
	}
	// After a barrier, some batch needs none. (Others' ids, such as autovacuum's, may come between at any time.)
	certain := func(when string) {
		t.Helper()
		for range 100 {
			if _, err := fence.Raise(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			begin(sessions[1])
			w := write(sessions[1], "9", "other")
			if err := sessions[1].Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			if fence.Certain(w) {
				return
			}
		}
		t.Errorf("%s: nothing is certain without a barrier any more", when)
	}
	certain("at first")
	s := sessions[0]
	begin(s)
	for i, id := range []string{"2", "3", "4"} {
		if err := s.Savepoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		write(s, id, "row "+id)
		if i == 1 {
			write(s, "5", "b") // which is taken
			if err := s.RollbackTo(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		certain("in a savepoint")
	}
	if err := s.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	certain("after it")
}
