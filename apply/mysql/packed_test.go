package mysql

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"bridge/apply"
	"bridge/change"
	"bridge/internal/testserver"
)

// onMariaDB runs a test with the one engine whose updates are packed.
func onMariaDB(t *testing.T, test func(t *testing.T, flavor testserver.Flavor)) {
	t.Run(testserver.FlavorMariaDB.String(), func(t *testing.T) { test(t, testserver.FlavorMariaDB) })
}

// pack applies updates that must be packed.
func (a *applier) pack(writes ...apply.Write) {
	a.t.Helper()
	groups, err := a.Session.(*session).group(a.t.Context(), writes)
	if err != nil || len(groups) != 1 || !groups[0].packs {
		a.t.Fatalf("%d updates aren't one that is packed: %d statements, %v", len(writes), len(groups), err)
	}
	a.do(writes...)
	if a.Session.(*session).careful {
		a.t.Fatal("the transaction was begun anew")
	}
}

// TestPackedTypes: every type's values arrive as they are, of one length and of several, with NULLs among them.
func TestPackedTypes(t *testing.T) {
	onMariaDB(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		eachType(a, types, flavor, "t", func(t *testing.T, name string, c *typeCase) {
			table := typed(t, b, name, c)
			const copies = 3
			var inserts []apply.Write
			for k := range copies*len(c.values) + 2 {
				inserts = append(inserts, write(t, apply.Upsert, table, change.Text(strconv.Itoa(k-2)), change.Null))
			}
			a.do(inserts...)
			check := func(values []change.Value) {
				t.Helper()
				var updates []apply.Write
				want := make([]string, len(values))
				for k, v := range values {
					updates = append(updates, write(t, apply.Update, table, change.Text(strconv.Itoa(k-2)), v))
					if want[k] = "NULL"; !v.IsNull() {
						want[k], _ = v.Text()
					}
				}
				slices.Reverse(updates)
				a.pack(updates...)
				got := rows(t, b.admin, fmt.Sprintf("SELECT %s FROM app.%s ORDER BY k LIMIT %d", c.shown(), name, len(values)))
				if !sameTexts(c.ddl, got, want) {
					t.Errorf("got %.200q\nwant %.200q", got, want)
				}
			}
			var all []change.Value
			for _, v := range slices.Repeat(c.values, copies) {
				all = append(all, change.Text(v))
			}
			for _, v := range c.values {
				check([]change.Value{change.Text(v), change.Text(v), change.Text(v)})
			}
			check(all)
			check(append([]change.Value{change.Null}, append(all, change.Null)...))
			check([]change.Value{change.Null, change.Null, change.Null})
		})
	})
}

// TestPackedKeys: each row gets its own values, whatever integers the keys are, and in whatever order they come.
func TestPackedKeys(t *testing.T) {
	onMariaDB(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		for _, c := range []struct {
			ddl  string
			keys []string
		}{
			{"tinyint", []string{"127", "-128", "0", "-1", "1"}},
			{"bigint", []string{"9223372036854775807", "-9223372036854775808", "9223372036854775806", "0", "-1", "9007199254740993", "9007199254740992", "-9007199254740993", "-9007199254740992", "1"}},
			{"bigint unsigned", []string{"18446744073709551615", "0", "9223372036854775807", "9223372036854775808", "18446744073709551614", "9007199254740993", "9007199254740992", "10", "9", "1"}},
			{"int(6) zerofill", []string{"000010", "000009", "000100", "000001"}},
			{"int auto_increment", []string{"3", "2", "1"}},
		} {
			t.Run(c.ddl, func(t *testing.T) {
				a.t = t
				run(t, b.admin, "DROP TABLE IF EXISTS app.t; CREATE TABLE app.t (id "+c.ddl+" PRIMARY KEY, v varchar(30))")
				a.Session.(*session).tables = map[uint64]*table{}
				table := shapeOfTable("id", "v")
				var inserts, updates []apply.Write
				for _, k := range c.keys {
					inserts = append(inserts, write(t, apply.Upsert, table, image(k, "")...))
					updates = append(updates, write(t, apply.Update, table, image(k, "of "+k)...))
				}
				a.do(inserts...)
				a.pack(updates...)
				if got := rows(t, b.admin, "SELECT id FROM app.t WHERE v <> concat('of ', id)"); len(got) > 0 {
					t.Errorf("rows have others' values: %q", got)
				}
			})
		}
	})
}

// TestUnpacked: what's packed is found by its key alone, and by one that is a single integer, on MariaDB.
func TestUnpacked(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		ddls := []string{"id varchar(9) PRIMARY KEY, v int", "id int, v int UNIQUE, PRIMARY KEY (id)", "id year PRIMARY KEY, v int", "id decimal(5,2) PRIMARY KEY, v int", "id int, v int, UNIQUE KEY two (v, id), PRIMARY KEY (id)"}
		if flavor == testserver.FlavorMySQL {
			ddls = append(ddls, "id int PRIMARY KEY, v int")
		}
		for _, ddl := range ddls {
			run(t, b.admin, "DROP TABLE IF EXISTS app.t; CREATE TABLE app.t ("+ddl+")")
			a.Session.(*session).tables = map[uint64]*table{}
			var updates []apply.Write
			for _, id := range []string{"1901", "1902", "1903"} {
				updates = append(updates, write(t, apply.Update, shapeOfTable("id", "v"), image(id, "1")...))
			}
			groups, err := a.Session.(*session).group(t.Context(), updates)
			if err != nil || groups[0].packs {
				t.Errorf("%s: packed %t, %v", ddl, groups[0].packs, err)
			}
		}
	})
}

// TestPackedRows: random rows of several columns, some of which an update doesn't carry, come out as they'd be by hand.
func TestPackedRows(t *testing.T) {
	onMariaDB(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		run(t, b.admin, "CREATE TABLE app.t (id bigint PRIMARY KEY, n int, s text, b blob, at datetime(6) ON UPDATE CURRENT_TIMESTAMP(6), twice bigint AS (n * 2) STORED)")
		table := shapeOfTable("id", "n", "s", "b", "at", "twice")
		const show = "SELECT id, coalesce(n, '-'), coalesce(s, '-'), coalesce(concat('\\\\x', lower(hex(b))), '-'), coalesce(at, '-'), coalesce(twice, '-') FROM app.t ORDER BY id"
		value := func(t *rapid.T, of *rapid.Generator[string]) change.Value {
			if rapid.IntRange(0, 5).Draw(t, "null") == 0 {
				return change.Null
			}
			return change.Text(of.Draw(t, "value"))
		}
		number := rapid.Custom(func(t *rapid.T) string { return fmt.Sprint(rapid.Int32().Draw(t, "n")) })
		text := rapid.StringOfN(rapid.SampledFrom([]rune("ab'\\\x00é😀\n,")), 0, 300, 900)
		binary := rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf(`\x%x`, rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "bytes"))
		})
		moment := rapid.SampledFrom([]string{"2024-02-29 01:02:03.500000", "0000-00-00 00:00:00.000000"})
		rapid.Check(t, func(t *rapid.T) {
			ids := rapid.SliceOfNDistinct(rapid.Int64(), 3, 40, rapid.ID).Draw(t, "ids")
			carried := rapid.SliceOfN(rapid.Bool(), 4, 4).Draw(t, "carried")
			carried[0] = carried[0] || !slices.Contains(carried, true)
			run(a.t, b.admin, "DELETE FROM app.t")
			var inserts, updates []apply.Write
			rowsOf := map[int64]change.Image{}
			for _, id := range ids {
				key := change.Text(strconv.FormatInt(id, 10))
				image := change.Image{key, value(t, number), value(t, text), value(t, binary), value(t, moment), change.Absent}
				inserts = append(inserts, write(a.t, apply.Upsert, table, image...))
				next := slices.Clone(image)
				update := change.Image{key, change.Absent, change.Absent, change.Absent, change.Absent, change.Absent}
				for i, of := range []*rapid.Generator[string]{number, text, binary, moment} {
					if carried[i] {
						update[1+i] = value(t, of)
						next[1+i] = update[1+i]
					}
				}
				updates = append(updates, write(a.t, apply.Update, table, update...))
				rowsOf[id] = next
			}
			a.do(inserts...)
			a.pack(updates...)
			slices.SortFunc(ids, cmp.Compare)
			got := rows(a.t, b.admin, show)
			for i, id := range ids {
				if want := shown(rowsOf[id]); got[i] != want {
					t.Fatalf("got %q, want %q", got[i], want)
				}
			}
		})
	})
}

// shown is a row as TestPackedRows selects it.
func shown(row change.Image) string {
	texts := make([]string, len(row))
	for i, v := range row {
		texts[i] = "-"
		if text, ok := v.Text(); ok {
			texts[i] = text
		}
	}
	if n, err := strconv.Atoi(texts[1]); err == nil {
		texts[5] = strconv.Itoa(2 * n)
	}
	return strings.Join(texts, "|")
}

// TestPackedPackets: a statement that would be longer than max_allowed_packet, by its keys or by its texts, is several.
func TestPackedPackets(t *testing.T) {
	onMariaDB(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		run(t, b.admin, "SET GLOBAL max_allowed_packet = 262144")
		defer run(t, b.admin, "SET GLOBAL max_allowed_packet = DEFAULT")
		a := newApplier(t, b)
		names, ddl := []string{"id"}, "id bigint PRIMARY KEY"
		for i := range 60 {
			names = append(names, fmt.Sprintf("c%d", i))
			ddl += fmt.Sprintf(", c%d text", i)
		}
		run(t, b.admin, "CREATE TABLE app.t ("+ddl+")")
		table := shapeOfTable(names...)
		var inserts, updates []apply.Write
		for id := range 200 {
			values := slices.Repeat([]string{""}, len(names))
			values[0] = strconv.Itoa(math.MaxInt64 - id)
			inserts = append(inserts, write(t, apply.Upsert, table, image(values...)...))
			for i := range values[1:] {
				values[1+i] = strings.Repeat("'", (id+i)%80)
			}
			updates = append(updates, write(t, apply.Update, table, image(values...)...))
		}
		a.do(inserts...)
		a.do(updates...)
		if a.Session.(*session).careful {
			t.Error("the transaction was begun anew")
		}
		for i := range 60 {
			sql := fmt.Sprintf(`SELECT count(*) FROM app.t WHERE c%[1]d = repeat('\'', (9223372036854775807 - id + %[1]d) %% 80)`, i)
			if got := rows(t, b.admin, sql); got[0] != "200" {
				t.Fatalf("%s rows have column %d", got[0], i)
			}
		}
	})
}

func TestIntegerOrder(t *testing.T) {
	ascending := []string{strconv.Itoa(math.MinInt64), "-10", "-9", "-0", "1", "9", "0010", "9223372036854775807", "9223372036854775808", "18446744073709551615"}
	for i, a := range ascending {
		for j, b := range ascending {
			x, errX := orderOf(a)
			y, errY := orderOf(b)
			r, s := packedRow{order: x}, packedRow{order: y}
			if errX != nil || errY != nil || r.compare(&s) != cmp.Compare(i, j) {
				t.Errorf("%s and %s: %d, %v, %v", a, b, r.compare(&s), errX, errY)
			}
		}
	}
	for _, bad := range []string{"", "x", "1.5", "18446744073709551616"} {
		if _, err := orderOf(bad); err == nil {
			t.Errorf("%q has a place", bad)
		}
	}
}
