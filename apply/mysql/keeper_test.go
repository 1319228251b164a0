package mysql

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"bridge/apply"
	"bridge/change"
	"bridge/internal/testserver"
	"bridge/visibility"
)

// TestConstraintsLeftOut: only those constraints are told by which it can be told what is shown.
func TestConstraintsLeftOut(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		run(t, b.admin, `
			CREATE TABLE app.p (id int PRIMARY KEY, code varchar(20), a int, g int AS (a + 1) STORED, UNIQUE code (code), KEY a (a), UNIQUE g (g), UNIQUE pair (a, code));
			CREATE TABLE app.hidden (id int PRIMARY KEY);
			CREATE TABLE app.keyless (id int UNIQUE);
			CREATE VIEW app.view AS SELECT id FROM app.p;
			CREATE TABLE app.c (Id int PRIMARY KEY, ref int, ref_code varchar(20), below int, outside int, txt varchar(200), x int, y int,
				tricky varchar(20) CHARACTER SET latin1 COLLATE latin1_german2_ci, czech varchar(20) CHARACTER SET latin2 COLLATE latin2_czech_cs UNIQUE, e enum('a','b') COLLATE utf8mb4_bin, f double, big varbinary(20), v int AS (x + 1) VIRTUAL,
				UNIQUE prefix (txt(10)), UNIQUE whole (txt), UNIQUE half (x, v), UNIQUE e (e), UNIQUE f (f), UNIQUE big (big, y), UNIQUE tricky (tricky), UNIQUE same (Y, x),
				CONSTRAINT ref FOREIGN KEY (ref) REFERENCES app.p (id) ON DELETE SET NULL,
				CONSTRAINT ref_code FOREIGN KEY (ref_code) REFERENCES app.p (CODE) ON DELETE CASCADE,
				CONSTRAINT below FOREIGN KEY (below) REFERENCES app.c (ID),
				CONSTRAINT outside FOREIGN KEY (outside) REFERENCES app.hidden (id))`)
		want := []string{"below (below) to app.c (Id)", "big (big, y)", "e (e)", "f (f)", "half (x) computed", "prefix (txt) computed", "ref (ref) to app.p (id)",
			"ref_code (ref_code) to app.p (code)", "same (y, x)", "tricky (tricky)", "whole (txt)"}
		if flavor == testserver.FlavorMySQL {
			want = slices.Insert(want, 3, "expression (x, y) computed")
			run(t, b.admin, "SET SESSION restrict_fk_on_non_standard_key = OFF; ALTER TABLE app.c ADD UNIQUE expression ((x + y)), ALTER INDEX same INVISIBLE")
		} else {
			want = slices.Insert(want, 5, "long_text (long_text)")
			run(t, b.admin, "ALTER TABLE app.c ADD COLUMN long_text text UNIQUE; CREATE TABLE app.versioned (id int PRIMARY KEY, x int UNIQUE) WITH SYSTEM VERSIONING")
		}
		run(t, b.admin, "ALTER TABLE app.c ADD CONSTRAINT merely FOREIGN KEY (x) REFERENCES app.p (a)")
		target := b.Target.(*Target)
		target.Selected = func(t change.TableName) bool { return t.Schema == "app" && t.Name != "hidden" }
		catalog, err := target.Constraints(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var tables []string
		for name := range catalog {
			tables = append(tables, name.String())
		}
		slices.Sort(tables)
		if got := fmt.Sprint(tables); got != "[app.c app.p]" {
			t.Fatalf("tables are %s", got)
		}
		child, parent := catalog[change.TableName{Schema: "app", Name: "c"}], catalog[change.TableName{Schema: "app", Name: "p"}]
		var got []string
		for _, u := range child.Unique {
			line := fmt.Sprintf("%s (%s)", u.Name, visibility.ColumnsName(u.Columns))
			if u.Computed {
				line += " computed"
			}
			got = append(got, line)
		}
		for _, f := range child.Foreign {
			got = append(got, fmt.Sprintf("%s (%s) to %s (%s)", f.Name, visibility.ColumnsName(f.Columns), f.Parent, visibility.ColumnsName(catalog[f.Parent].Referred[f.Refers])))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("constraints are\n%q, want\n%q", got, want)
		}
		if len(parent.Unique) != 3 || len(parent.Referred) != 2 {
			t.Errorf("the parent has %+v, %v", parent.Unique, parent.Referred)
		}
		if child.Shape.KeyNames() != "Id" || len(child.Shape.Columns) < 13 || !child.Shape.Full {
			t.Errorf("the shape is %+v", child.Shape)
		}
		// What's told can be looked up, and every column of a key has a form.
		a := newApplier(t, b)
		a.begin(apply.AsSets)
		for _, columns := range append(columnsOf(child), child.Referred...) {
			l := &visibility.Lookup{Table: child, Columns: columns, Values: [][]change.Value{nil}}
			for _, c := range columns {
				value := "1"
				switch c {
				case "e":
					value = "a"
				case "big":
					value = `\x01`
				}
				l.Values[0] = append(l.Values[0], change.Text(value))
				if _, err := target.Form(t.Context(), child.Shape.TableName, c, value); err != nil {
					t.Errorf("form of %s: %v", c, err)
				}
			}
			if found, err := a.Find(t.Context(), l); err != nil || len(found) != 0 {
				t.Errorf("by %v: %v, %v", columns, found, err)
			}
		}
		a.rollback()
		if _, err := target.Form(t.Context(), child.Shape.TableName, "no", "1"); err == nil || !strings.Contains(err.Error(), "no column no") {
			t.Errorf("form of a column that isn't there: %v", err)
		}
	})
}

func columnsOf(t *visibility.Table) (all [][]string) {
	for _, u := range t.Unique {
		all = append(all, u.Columns)
	}
	for _, f := range t.Foreign {
		all = append(all, f.Columns)
	}
	return all
}

// TestParkedKeys: rows of long keys that differ at their ends, and keys of weights, are parked each by itself.
func TestParkedKeys(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		table := shapeOfTable("id", "v")
		var put []visibility.Parked
		for _, id := range []string{strings.Repeat("k", 3000) + "a", strings.Repeat("k", 3000) + "b", "\x00\x1c\x47\xff", strings.Repeat("k", longestRowKey-2), strings.Repeat("k", longestRowKey)} {
			w := write(t, apply.Upsert, table, image(id, "v")...)
			put = append(put, visibility.Parked{Row: visibility.Row{Key: w.Key, Table: table, Image: w.Image}, Claim: visibility.Claim{Key: w.Key}, Reason: visibility.ByUnique})
		}
		park := func(put []visibility.Parked, away ...change.Key) {
			t.Helper()
			a.begin(apply.AsSets)
			if err := a.Park(t.Context(), put, away); err != nil {
				t.Fatal(err)
			}
			if err := a.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		park(put)
		run(t, b.admin, "UPDATE bridge.parked SET parked_at = '2020-01-01'")
		park(put[:2], put[2].Key)
		parked, err := b.Target.Parked(t.Context())
		if err != nil || len(parked) != 4 {
			t.Fatalf("%d rows, %v", len(parked), err)
		}
		if got := rows(t, b.admin, "SELECT count(*) FROM bridge.parked WHERE parked_at = '2020-01-01'"); got[0] != "4" {
			t.Errorf("%s rows are parked since they first were", got[0])
		}
		park(nil, put[0].Key)
		if parked, err = b.Target.Parked(t.Context()); err != nil || len(parked) != 3 || slices.ContainsFunc(parked, func(p visibility.Parked) bool { return p.Key == put[0].Key }) {
			t.Errorf("%d rows, %v", len(parked), err)
		}
		run(t, b.admin, "UPDATE bridge.parked SET document = '[]' LIMIT 1")
		if _, err := b.Target.Parked(t.Context()); err == nil || !strings.Contains(err.Error(), "bridge.parked") {
			t.Errorf("a document that isn't bridge's: %v", err)
		}
	})
}
