package postgres_test

import (
	"os/exec"
	"strings"
	"testing"

	"bridge/casebook"
	casepg "bridge/casebook/postgres"
	"bridge/internal/postgres"
	"bridge/internal/testserver/servertest"
	"bridge/naming"
)

// What "bridge grants --operator" prints is enough, and read-only is that.
func TestOperator(t *testing.T) {
	db := servertest.Database(t, 15)
	admin := servertest.Connect(t, db.SocketDSN())
	if err := postgres.CreateTables(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	if _, _, err := postgres.Claim(t.Context(), admin, "c", "eu"); err != nil {
		t.Fatal(err)
	}
	servertest.Exec(t, db.SocketDSN(), `CREATE TABLE public.item (id int PRIMARY KEY, n int); INSERT INTO public.item VALUES (1, 2);
INSERT INTO bridge.conflicts (type, table_schema, table_name, key, rule, outcome, origin, seq, versions, result)
VALUES ('update_concurrent', 'public', 'item', '{1}', 'last_write_wins', 'kept', 'eu/1', 1,
  '[{"origin": "eu/1", "seq": 1, "time": "2026-01-01T00:00:00Z", "kind": "update", "image": {"id": "1", "n": "1"}}]', '{"exists": true, "image": {"id": "1", "n": "2"}}');
INSERT INTO bridge.parked (table_schema, table_name, key, image, claim_time, claim_origin, reason, document) VALUES ('public', 'item', '{7}', '{}', 1, 'us/1', 'unique', '{"row":"ATc=","schema":"public","name":"item","columns":[{"name":"id","type":"integer","key":true},{"name":"n","type":"integer"}],"image":[{"t":"7"},{"t":"8"}],"claim_time":1,"claim_origin":"us/1","reason":"unique"}')`)
	for _, tc := range []struct {
		role     string
		readOnly bool
	}{{"reader_" + db.Name, true}, {"Resolver " + db.Name, false}} {
		var script strings.Builder
		grants := postgres.Grants{Role: tc.role, Database: db.Name, Include: [][2]string{{"^public$", "^"}}}
		if err := grants.WriteOperator(&script, tc.readOnly); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			psql := exec.CommandContext(t.Context(), db.Server.Bin("psql"), "-XAtq", "-f", "-", db.SocketDSN())
			psql.Stdin = strings.NewReader(script.String())
			if out, err := psql.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		defer servertest.Exec(t, db.SocketDSN(), `DROP OWNED BY `+postgres.Quote(tc.role)+`; DROP ROLE `+postgres.Quote(tc.role))
		as := postgres.Server{Host: db.Server.SocketDir(), Port: uint16(db.Server.Port()), Database: db.Name, User: tc.role}
		book, err := casepg.Open(t.Context(), as, postgres.Session{Name: "bridge/eu/conflicts"}, "c", "eu", naming.Names{})
		if err != nil {
			t.Fatal(err)
		}
		defer book.Close(t.Context()) //nolint:errcheck // the test is over
		var c *casebook.Case
		if err := book.Cases(t.Context(), casebook.Filter{}, func(found *casebook.Case) error { c = found; return nil }); err != nil || c == nil {
			t.Fatalf("%s: %+v, %v", tc.role, c, err)
		}
		if row, err := book.Row(t.Context(), c); err != nil || *row.Values["n"] != "2" {
			t.Errorf("%s: %+v, %v", tc.role, row, err)
		}
		err = book.Resolve(t.Context(), c.ID, casebook.Mark{By: "zoe", How: "picked eu"}, false, (&casebook.Choice{Pick: "eu"}).Change)
		if (err != nil) != tc.readOnly || err != nil && !strings.Contains(err.Error(), "bridge grants --operator") {
			t.Errorf("%s resolves: %v", tc.role, err)
		}
		p, err := casebook.FindParked(t.Context(), book, c.TableName(), []string{"7"})
		if err != nil {
			t.Fatalf("%s: %v", tc.role, err)
		}
		want := "bridge's own role"
		if tc.readOnly {
			want = "bridge grants --operator"
		}
		if err := book.Discard(t.Context(), p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s discards: %v", tc.role, err)
		}
		err = book.Release(t.Context(), p, func(row *casebook.Row) (casebook.Change, error) { return p.Change(row, casebook.Image{"n": nil}) })
		if (err != nil) != tc.readOnly || err != nil && !strings.Contains(err.Error(), "bridge grants --operator") {
			t.Errorf("%s resolves a parked row: %v", tc.role, err)
		}
	}
	var n int
	if err := admin.QueryRow(t.Context(), `SELECT sum(n) FROM public.item`).Scan(&n); err != nil || n != 1 {
		t.Errorf("the row has %d (%v), want 1", n, err)
	}
}
