package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"bridge/casebook"
	"bridge/casebook/casebooktest"
	"bridge/change"
	"bridge/visibility"
)

// TestRestoreWithoutForeignKeys: where the role writes as a replica, as bridge's own must on PostgreSQL 14, rows are as little inserted without their
// parents as anywhere.
func TestRestoreWithoutForeignKeys(t *testing.T) {
	b := bed(t)
	b.Exec(t, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET session_replication_role = replica', current_database()); END $$`)
	casebooktest.Restored(t, b)
}

// TestRestoreRefused: what an application couldn't insert isn't inserted, and it's told apart from a database that is away.
func TestRestoreRefused(t *testing.T) {
	b := bed(t)
	b.Exec(t, `CREATE TABLE app.town (name text PRIMARY KEY);
CREATE TABLE app.hall (code text PRIMARY KEY, town text REFERENCES app.town DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE app.closed (code text PRIMARY KEY); CREATE TABLE app.quiet (code text PRIMARY KEY); CREATE TABLE app.narrow (code varchar(3) PRIMARY KEY);
CREATE FUNCTION app.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'closed'; END $$;
CREATE FUNCTION app.none() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER no BEFORE INSERT ON app.closed FOR EACH ROW EXECUTE FUNCTION app.no();
CREATE TRIGGER none BEFORE INSERT ON app.quiet FOR EACH ROW EXECUTE FUNCTION app.none()`)
	book, err := b.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close(context.WithoutCancel(t.Context())) //nolint:errcheck // the test is over
	for table, want := range map[string]error{"hall": casebook.ErrUntaken, "closed": casebook.ErrUntaken, "quiet": casebook.ErrUntaken, "narrow": casebook.ErrUntaken, "none": casebook.ErrNoTable} {
		shape := change.NewTable(change.TableName{Schema: "shop", Name: table}, []change.Column{{Name: "code", Type: "text", Key: true}, {Name: "town", Type: "text"}}, true)
		row := visibility.Row{Key: change.Key{Table: shape.TableName, Row: "x"}, Table: shape, Image: change.Image{change.Text("blue"), change.Text("gone")}}
		document, err := (&visibility.Parked{Row: row, Lost: []visibility.Lost{{Row: row}}}).Document()
		if err != nil {
			t.Fatal(err)
		}
		p, err := casebook.NewParked(document, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if cases, err := book.Restore(t.Context(), p); !errors.Is(err, want) || cases != nil {
			t.Errorf("%s: %v, %v, want %v", table, cases, err, want)
		}
	}
	if got := b.Rows(t, `SELECT code FROM app.hall UNION ALL SELECT code FROM app.quiet`); got != nil {
		t.Errorf("there are %q", got)
	}
}
