package postgres

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"bridge/apply"
	"bridge/change"
)

var things = change.NewTable(change.TableName{Schema: "app", Name: "thing"}, []change.Column{
	{Name: "id", Type: "integer", Key: true}, {Name: "v", Type: "text"},
}, false)

func thing(t *testing.T, kind apply.WriteKind, id, v string) apply.Write {
	t.Helper()
	image := change.Image{change.Text(id), change.Text(v)}
	if v == "NULL" {
		image[1] = change.Null
	}
	key, err := change.KeyOf(things, image, nil)
	if err != nil {
		t.Fatal(err)
	}
	return apply.Write{Kind: kind, Table: things, Key: key, Image: image}
}

// TestMissingInSavepoint: rows that were written in a savepoint don't have the transaction's own id, by which it's told elsewhere which
// updates found a row.
func TestMissingInSavepoint(t *testing.T) {
	b := newBed(t, 15)
	run(t, b, `CREATE TABLE app.thing (id int PRIMARY KEY, v text); INSERT INTO app.thing VALUES (1, 'a'), (2, 'b'), (3, 'c')`)
	s := applier(t, b)
	writes := []apply.Write{thing(t, apply.Update, "9", "x"), thing(t, apply.Update, "1", "x"), thing(t, apply.Delete, "8", ""), thing(t, apply.Update, "2", "x"),
		thing(t, apply.Delete, "3", ""), thing(t, apply.Update, "7", "x")}
	for range 3 {
		out, err := s.Write(t.Context(), writes)
		slices.Sort(out.Missing)
		if err != nil || !slices.Equal(out.Missing, []int{0, 2, 5}) {
			t.Fatalf("missing %v, %v", out.Missing, err)
		}
		writes[4] = thing(t, apply.Upsert, "3", "c")
		if err := s.Savepoint(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.RollbackTo(t.Context()); err == nil {
		t.Error("went back to a savepoint of a transaction that ended")
	}
}

// TestRefusals: which errors are about a row, by which constraint, and what they don't tell.
func TestRefusals(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 1000)
	for _, tc := range []struct {
		what, ddl, v string
		want         error
		constraint   string
	}{
		{"a unique key", `ALTER TABLE app.thing ADD CONSTRAINT one UNIQUE (v)`, "taken", apply.ErrCollides, "one"},
		{"a unique expression", `CREATE UNIQUE INDEX one ON app.thing (lower(v))`, "Taken", apply.ErrCollides, "one"},
		{"a check", `ALTER TABLE app.thing ADD CONSTRAINT fine CHECK (v <> 'bad')`, "bad", apply.ErrUnfit, "fine"},
		{"NOT NULL", `ALTER TABLE app.thing ALTER v SET NOT NULL`, "NULL", apply.ErrUnfit, "NOT NULL of v"},
		{"a domain's check", `CREATE DOMAIN app.good AS text CONSTRAINT good CHECK (VALUE <> 'bad'); ALTER TABLE app.thing ALTER v TYPE app.good`, "bad", apply.ErrUnfit, "good"},
		{"a domain's NOT NULL", `CREATE DOMAIN app.there AS text NOT NULL; ALTER TABLE app.thing ALTER v TYPE app.there`, "NULL", apply.ErrUnfit, "SQLSTATE 23502"},
		{"too long", `ALTER TABLE app.thing ALTER v TYPE varchar(5)`, "secret", apply.ErrUnfit, "SQLSTATE 22001"},
		{"no such label", `CREATE TYPE app.mood AS ENUM ('taken'); ALTER TABLE app.thing ALTER v TYPE app.mood USING v::app.mood`, "secret", apply.ErrUnfit, "SQLSTATE 22P02"},
		{"too long for an index", `CREATE INDEX ON app.thing (v); ALTER TABLE app.thing ALTER v SET STORAGE EXTERNAL`, long, apply.ErrUnfit, "SQLSTATE 54000"},
		{"a trigger", `CREATE FUNCTION app.no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.v = ''bad'' THEN RAISE ''no''; END IF; RETURN NEW; END';
			CREATE TRIGGER no BEFORE INSERT OR UPDATE ON app.thing FOR EACH ROW EXECUTE FUNCTION app.no(); ALTER TABLE app.thing ENABLE ALWAYS TRIGGER no`, "bad", apply.ErrUnfit, "SQLSTATE P0001"},
		{"an exclusion constraint", `ALTER TABLE app.thing ADD CONSTRAINT alone EXCLUDE USING btree (v WITH =)`, "taken", apply.ErrRefused, "alone"},
		{"no partition", `ALTER TABLE app.thing RENAME TO old; CREATE TABLE app.thing (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
			CREATE TABLE app.low PARTITION OF app.thing FOR VALUES FROM (0) TO (2); INSERT INTO app.thing VALUES (1, 'taken')`, "x", apply.ErrUnfit, "SQLSTATE 23514"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			b := newBed(t, 15)
			run(t, b, `CREATE TABLE app.thing (id int PRIMARY KEY, v text); INSERT INTO app.thing VALUES (1, 'taken')`)
			run(t, b, tc.ddl)
			s := applier(t, b)
			_, err := s.Write(t.Context(), []apply.Write{thing(t, apply.Upsert, "2", tc.v)})
			if !errors.Is(err, apply.ErrRefused) || errors.Is(err, apply.ErrCollides) != (tc.want == apply.ErrCollides) || errors.Is(err, apply.ErrUnfit) != (tc.want == apply.ErrUnfit) {
				t.Fatalf("got %v", err)
			}
			if strings.Contains(err.Error(), tc.v) || !strings.Contains(err.Error(), "app.thing") {
				t.Errorf("the error has the value, or no table: %.300v", err)
			}
			if named, ok := errors.AsType[*refusedError](err); !ok || named.Constraint() != tc.constraint {
				t.Errorf("constraint %q, want %q", named.Constraint(), tc.constraint)
			}
		})
	}
}
