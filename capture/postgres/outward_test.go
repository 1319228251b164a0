package postgres

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"bridge/capture"
	"bridge/change"
	"bridge/naming"
	"bridge/value"
)

// TestOutward: rows go out under their names between the regions, with base types for domains, and updates without what they
// didn't change where that may be another than was sent; a log that doesn't tell is refused.
func TestOutward(t *testing.T) {
	b := newBed(t,
		`CREATE DOMAIN positive AS integer CHECK (VALUE > 0)`,
		`CREATE TABLE t (id int PRIMARY KEY, v numeric, n positive)`, `ALTER TABLE t REPLICA IDENTITY FULL`,
		`CREATE TABLE bare (id int PRIMARY KEY, v numeric)`)
	names, err := naming.New(naming.Rules{Schemas: map[string]string{"public": "shop"},
		Tables: []naming.Table{{Local: change.TableName{Schema: "public", Name: "t"}, Columns: map[string]string{"v": "price"}}}})
	if err != nil {
		t.Fatal(err)
	}
	b.config.Outward = capture.Outward{Names: names, Others: []value.Engine{value.MySQL}, Policy: func(_ change.TableName, column string) value.Policy {
		if column == "v" {
			return value.ClampValue
		}
		return value.RefuseValue
	}}
	s := b.open()
	b.exec(`INSERT INTO t VALUES (1, 1.5, 2)`, `UPDATE t SET n = 3`, `UPDATE t SET v = 2`, `UPDATE t SET id = 2`, `TRUNCATE t`, `INSERT INTO bare VALUES (1, 1)`)
	var got []string
	for len(got) < 7 {
		e, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range e.Operations {
			if op.Table.TableName != op.Key.Table || op.Table.Engine != "postgres" {
				t.Errorf("table %+v, key %s", op.Table, op.Key)
			}
			got = append(got, fmt.Sprint(op.Kind, " ", op.Key, " ", texts(op.New)))
			if op.Key.Table.Name == "t" && (op.Table.Columns[1].Name != "price" || op.Table.Columns[2].Type != "integer") {
				t.Errorf("columns %+v", op.Table.Columns)
			}
		}
	}
	want := []string{"insert shop.t (1) [1 1.5 2]", "update shop.t (1) [1 - 3]", "update shop.t (1) [1 2 3]",
		"delete shop.t (1) []", "insert shop.t (2) [2 2 3]", "truncate shop.t (all rows) []", "insert shop.bare (1) [1 1]"}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("operation %d: %s, want %s", i, got[i], want[i])
		}
	}
	b.exec(`UPDATE bare SET v = 2`)
	for err == nil {
		_, err = s.Next(t.Context())
	}
	if !errors.Is(err, capture.ErrLog) || !strings.Contains(err.Error(), `ALTER TABLE "public"."bare" REPLICA IDENTITY FULL`) {
		t.Errorf("an update of a table without old rows: %v", err)
	}
}

// texts are an image's values; "-" is an absent one.
func texts(r change.Image) []string {
	out := make([]string, len(r))
	for i, v := range r {
		out[i] = "-"
		if s, ok := v.Text(); ok {
			out[i] = s
		}
	}
	return out
}
