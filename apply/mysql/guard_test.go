package mysql

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bridge/apply"
	"bridge/change"
	"bridge/internal/testserver"
	"bridge/visibility"
)

// TestGuardedUpsert: an upsert whose unique values other rows have, also two of them, or under a key that counts up by itself,
// is told, and changes none of them.
func TestGuardedUpsert(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		run(t, b.admin, "CREATE TABLE app.t (id int AUTO_INCREMENT PRIMARY KEY, a int UNIQUE, b int UNIQUE, c varchar(9) NOT NULL); INSERT INTO app.t VALUES (1, 1, 1, 'x'), (2, 2, 2, 'y')")
		table := shapeOfTable("id", "a", "b", "c")
		for _, tc := range []struct {
			values []string
			want   error
		}{
			{[]string{"3", "1", "2", "z"}, apply.ErrCollides}, {[]string{"3", "1", "9", "z"}, apply.ErrCollides}, {[]string{"1", "2", "1", "z"}, apply.ErrCollides},
			{[]string{"1", "9", "2", "z"}, apply.ErrCollides}, {[]string{"3", "3", "3", "NULL"}, apply.ErrUnfit}, {[]string{"1", "1", "1", "NULL"}, apply.ErrUnfit},
		} {
			for _, batch := range [][]apply.Write{{write(t, apply.Upsert, table, image(tc.values...)...)}, {write(t, apply.Upsert, table, image("7", "7", "7", "z")...), write(t, apply.Upsert, table, image(tc.values...)...)}} {
				if _, err := a.try(batch...); !errors.Is(err, tc.want) || !errors.Is(err, apply.ErrRefused) {
					t.Errorf("%v: %v", tc.values, err)
				}
			}
		}
		if got := rows(t, b.admin, "SELECT * FROM app.t ORDER BY id"); !slices.Equal(got, []string{"1|1|1|x", "2|2|2|y"}) {
			t.Errorf("the table holds %q", got)
		}
	})
}

// TestConstraintNames: a refusal tells by which constraint it is, as bridge.parked shows it.
func TestConstraintNames(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		run(t, b.admin, "CREATE TABLE app.t (id int PRIMARY KEY, u int, c int, n int NOT NULL, s varchar(3), e enum('x'), UNIQUE `u.nique` (u), CONSTRAINT `c.heck` CHECK (c > 0)); INSERT INTO app.t VALUES (1, 1, 1, 1, 'x', 'x'), (2, 2, 2, 2, 'y', 'x')")
		table := shapeOfTable("id", "u", "c", "n", "s", "e")
		for _, tc := range []struct {
			want   string
			values []string
		}{
			{"u.nique", []string{"1", "2", "1", "1", "x", "x"}}, {"c.heck", []string{"1", "1", "0", "1", "x", "x"}}, {"NOT NULL of n", []string{"1", "1", "1", "NULL", "x", "x"}},
			{"column 's'", []string{"1", "1", "1", "1", "abcd", "x"}}, {"column e", []string{"1", "1", "1", "1", "x", "y"}},
		} {
			for _, kind := range []apply.WriteKind{apply.Upsert, apply.Update} {
				_, err := a.try(write(t, kind, table, image(tc.values...)...))
				refused, ok := errors.AsType[*refusedError](err)
				if !ok || !errors.Is(err, apply.ErrRefused) || (refused.Constraint() != tc.want && (tc.want != "column 's'" || !strings.Contains(refused.Constraint(), tc.want))) || strings.Contains(refused.Constraint(), "abcd") {
					t.Errorf("%s: %v", tc.want, err)
				}
			}
		}
	})
}

// TestGuardOfEveryType: whatever type the key has, an upsert doesn't change a row of another key.
func TestGuardOfEveryType(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		all := slices.Clone(types)
		for _, integer := range []string{"tinyint", "smallint", "mediumint", "int", "bigint"} {
			all = append(all, typeCase{ddl: integer + " AUTO_INCREMENT", values: []string{"1", "2"}}, typeCase{ddl: integer + " unsigned AUTO_INCREMENT", values: []string{"1", "2"}})
		}
		all = append(all, typeCase{ddl: "uuid", values: []string{"123e4567-e89b-12d3-a456-426655440000", "123e4567-e89b-12d3-a456-426655440001"}, only: testserver.FlavorMariaDB})
		all = append(all, typeCase{ddl: "bigint AUTO_INCREMENT", values: []string{"9223372036854775806", "-9223372036854775808"}},
			typeCase{ddl: "bigint unsigned AUTO_INCREMENT", values: []string{"18446744073709551614", "1"}})
		for i, c := range all {
			if c.only != "" && c.only != flavor || c.nokey || len(c.values) < 2 {
				continue
			}
			t.Run(c.ddl, func(t *testing.T) {
				a.t = t
				name := fmt.Sprintf("g%d", i)
				run(t, b.admin, fmt.Sprintf("CREATE TABLE app.%s (v %s NOT NULL PRIMARY KEY, u int UNIQUE, n int)", name, strings.TrimSuffix(c.ddl, " NULL")))
				table := change.NewTable(change.TableName{Schema: "app", Name: name}, []change.Column{{Name: "V", Type: "x", Key: true}, {Name: "u", Type: "x"}, {Name: "n", Type: "x"}}, true)
				row := func(value, u, n string) apply.Write { return write(t, apply.Upsert, table, image(value, u, n)...) }
				a.do(row(c.values[0], "7", "1"))
				if _, err := a.try(row(c.values[1], "7", "2")); !errors.Is(err, apply.ErrCollides) {
					t.Errorf("alone: %v", err)
				}
				if _, err := a.try(row(c.values[0], "8", "2"), row(c.values[1], "8", "2")); !errors.Is(err, apply.ErrCollides) {
					t.Errorf("after another: %v", err)
				}
				a.do(row(c.values[0], "7", "3"), row(c.values[1], "8", "3"))
				if got := rows(t, b.admin, "SELECT u, n FROM app."+name+" ORDER BY u"); !slices.Equal(got, []string{"7|3", "8|3"}) {
					t.Errorf("the table holds %q", got)
				}
				found, err := func() ([]visibility.Row, error) {
					a.begin(apply.AsSets)
					return a.Find(t.Context(), lookup(table, "u", "7", "8"))
				}()
				if err != nil || len(found) != 2 || found[0].Image[0] != change.Text(c.values[0]) && found[0].Image[0] != change.Text(c.values[1]) {
					t.Errorf("found %v, %v", found, err)
				}
				a.rollback()
			})
		}
	})
}
