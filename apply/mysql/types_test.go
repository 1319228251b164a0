package mysql

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"bridge/apply"
	"bridge/change"
	"bridge/internal/testserver"
	"bridge/loopguard"
)

// typeCase is a type with canonical texts of its values. show prints a value in the canonical form, as far as SQL can.
type typeCase struct {
	ddl    string
	values []string
	show   string // with %s for the column; "" is the column itself
	nokey  bool   // a column of the type can't be a primary key
	only   testserver.Flavor
}

const (
	trimmed = `trim(TRAILING '.' FROM trim(TRAILING '0' FROM concat(%s, if(locate('.', %[1]s), '', '.'))))`
	bytea   = `concat('\\x', lower(hex(%s)))`
)

var types = []typeCase{
	{ddl: "tinyint", values: []string{"-128", "0", "127"}},
	{ddl: "smallint unsigned", values: []string{"0", "65535"}},
	{ddl: "mediumint", values: []string{"-8388608", "8388607"}},
	{ddl: "int", values: []string{"-2147483648", "0", "2147483647"}},
	{ddl: "bigint", values: []string{"-9223372036854775808", "-1", "9223372036854775807", "9223372036854775806"}},
	{ddl: "bigint unsigned", values: []string{"0", "9223372036854775808", "18446744073709551614", "18446744073709551615"}},
	{ddl: "decimal(65,30)", values: []string{"-99999999999999999999999999999999999.999999999999999999999999999999", "0.000000000000000000000000000001", "0.000000000000000000000000000000"}},
	{ddl: "decimal(5,2)", values: []string{"-999.99", "0.00", "1.50"}},
	{ddl: "double", values: []string{"-1.7976931348623157e+308", "5e-324", "0.1", "123456789012345680000", "0.30000000000000004", "1e+22"},
		show: "%s + 0e0", nokey: true},
	{ddl: "bit(1)", values: []string{"0", "1"}, show: "bin(%s)"},
	{ddl: "bit(64)", values: []string{strings.Repeat("1", 64), "1" + strings.Repeat("0", 63), strings.Repeat("0", 64)}, show: "lpad(bin(%s), 64, '0')"},
	{ddl: "char(5)", values: []string{"", "a", "é😀"}},
	{ddl: "varchar(20)", values: []string{"", "a ", `it's "\x`, "a\x00b\n\r\x1a%_", "é😀"}},
	{ddl: "varchar(20) CHARACTER SET latin1 COLLATE latin1_german1_ci", values: []string{"", "é", "€uro"}},
	{ddl: "varchar(20) CHARACTER SET utf8mb3", values: []string{"é", "z"}},
	{ddl: "varchar(20) CHARACTER SET sjis", values: []string{"表ソ", `\`, "'"}},
	{ddl: "varchar(20) CHARACTER SET ucs2", values: []string{"é", "z"}},
	{ddl: "varchar(20) COLLATE utf8mb4_general_ci", values: []string{"Ä", "b"}},
	{ddl: "varchar(20) COLLATE utf8mb4_0900_ai_ci", values: []string{"Ä", "b", "b "}, only: testserver.FlavorMySQL},
	{ddl: "varchar(20) COLLATE utf8mb4_uca1400_ai_ci", values: []string{"Ä", "b"}, only: testserver.FlavorMariaDB},
	{ddl: "varchar(20) COLLATE utf8mb4_nopad_bin", values: []string{"a", "a ", "A"}, only: testserver.FlavorMariaDB},
	{ddl: "longtext", values: []string{"", strings.Repeat("long'", 50_000)}, nokey: true},
	{ddl: "binary(4)", values: []string{`\x00000000`, `\x01000000`, `\x01020304`}, show: bytea},
	{ddl: "varbinary(20)", values: []string{`\x`, `\x00`, `\x0000`, `\x275c27ff`, `\xe2275c`, `\xf09f985c27`, `\x5c`}, show: bytea},
	{ddl: "longblob", values: []string{`\x`, `\x00ff` + strings.Repeat("5c27", 50_000)}, show: bytea, nokey: true},
	{ddl: "date", values: []string{"0000-00-00", "2024-00-00", "2024-02-31", "1000-01-01", "9999-12-31"}},
	{ddl: "datetime(6)", values: []string{"0000-00-00 00:00:00", "2024-01-02 03:04:05", "9999-12-31 23:59:59.999999", "2024-01-02 03:04:05.5"}, show: trimmed},
	{ddl: "timestamp(6) NULL", values: []string{"1970-01-01 00:00:01+00", "2024-03-31 02:30:00.5+00", "2038-01-19 03:14:07.999999+00"}, show: "concat(" + trimmed + ", '+00')"},
	{ddl: "time(6)", values: []string{"-838:59:59", "-00:00:00.000001", "00:00:00", "12:34:56.5", "838:59:59"}, show: trimmed},
	{ddl: "year", values: []string{"0000", "1901", "2155"}, show: "lpad(%s, 4, '0')"},
	{ddl: "enum('x','1','2','it''s','','a,b','É')", values: []string{"1", "x", "it's", "", "a,b", "É"}},
	{ddl: "set('p','1','it''s')", values: []string{"", "p", "1,it's", "p,1,it's"}},
	{ddl: "json", values: []string{"{}", `{"a": [1, "é'\"", null]}`, "[]", `"\\u0000"`}, nokey: true},
	{ddl: "geometry", values: []string{`\x00000000010100000000000000000000000000000000000040`}, show: "concat('\\\\x', lower(hex(%s)))", nokey: true},
	{ddl: "uuid", values: []string{"123e4567-e89b-12d3-a456-426655440000"}, only: testserver.FlavorMariaDB},
	{ddl: "inet6", values: []string{"::", "2001:db8::1"}, only: testserver.FlavorMariaDB},
	{ddl: "inet4", values: []string{"0.0.0.0", "255.255.255.255"}, only: testserver.FlavorMariaDB},
	{ddl: "vector(2)", values: []string{`\x0000803f00000040`}, show: bytea, nokey: true, only: testserver.FlavorMySQL},
}

func (c *typeCase) shown() string {
	if c.show == "" {
		return "v"
	}
	return fmt.Sprintf(strings.ReplaceAll(c.show, "%s", "%[1]s"), "v")
}

// applier applies batches on one session.
type applier struct {
	apply.Session
	t   *testing.T
	seq uint64
}

func newApplier(t *testing.T, b *bed) *applier {
	s, err := b.Target.Open(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(t.Context()) }) //nolint:errcheck // the test is over
	return &applier{Session: s, t: t}
}

// try writes one batch and commits it, or rolls back.
func (a *applier) try(writes ...apply.Write) (apply.Written, error) {
	a.seq++
	a.Begin(loopguard.Marker{Origin: "eu/1", Seq: a.seq, Time: change.Timestamp(a.seq)}, apply.AsSets)
	out, err := a.Write(a.t.Context(), writes)
	if err != nil {
		if err := a.Rollback(a.t.Context()); err != nil {
			a.t.Fatal(err)
		}
		return out, err
	}
	return out, a.Commit(a.t.Context())
}

func (a *applier) do(writes ...apply.Write) {
	a.t.Helper()
	out, err := a.try(writes...)
	if err != nil || len(out.Missing) > 0 {
		a.t.Fatalf("missing %v, %v", out.Missing, err)
	}
}

// write is a write of a row of values, of which the first is the key.
func write(t *testing.T, kind apply.WriteKind, table *change.Table, values ...change.Value) apply.Write {
	t.Helper()
	key, err := change.KeyOf(table, values, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := apply.Write{Kind: kind, Table: table, Key: key, Image: values}
	if kind == apply.Delete {
		w.Image = nil
	}
	return w
}

// eachType runs a test for those of types that a server of the flavor has, with the name for a table in app, and has the applier report to it.
func eachType(a *applier, types []typeCase, flavor testserver.Flavor, prefix string, test func(t *testing.T, name string, c *typeCase)) {
	t := a.t
	for i := range types {
		if c := &types[i]; c.only == "" || c.only == flavor {
			t.Run(c.ddl, func(t *testing.T) {
				a.t = t
				test(t, fmt.Sprint(prefix, i), c)
			})
		}
	}
}

// typed makes a table with a value of a type, app.name (k, v).
func typed(t *testing.T, b *bed, name string, c *typeCase) *change.Table {
	run(t, b.admin, fmt.Sprintf("CREATE TABLE app.%s (k int PRIMARY KEY, v %s)", name, c.ddl))
	return change.NewTable(change.TableName{Schema: "app", Name: name}, []change.Column{{Name: "k", Type: "int", Key: true}, {Name: "v", Type: "x"}}, true)
}

// TestTypes: every type's values arrive as they are, by an insert, by an update and as NULL, alone and among others.
func TestTypes(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		eachType(a, types, flavor, "t", func(t *testing.T, name string, c *typeCase) {
			table := typed(t, b, name, c)
			row := func(kind apply.WriteKind, k int, v change.Value) apply.Write {
				return write(t, kind, table, change.Text(fmt.Sprint(k)), v)
			}
			var inserts, nulls, updates []apply.Write
			for k, v := range c.values {
				inserts = append(inserts, row(apply.Upsert, k, change.Text(v)))
				nulls = append(nulls, row(apply.Update, k, change.Null))
				updates = append(updates, row(apply.Update, k, change.Text(v)))
			}
			check := func() {
				t.Helper()
				if got := rows(t, b.admin, fmt.Sprintf("SELECT %s FROM app.%s ORDER BY k", c.shown(), name)); !sameTexts(c.ddl, got, c.values) {
					t.Errorf("got %.200q\nwant %.200q", got, c.values)
				}
			}
			a.do(inserts...)
			check()
			a.do(nulls...)
			a.do(updates...)
			check()
			a.do(append(nulls[:1], updates[1:]...)...)
			a.do(updates[0])
			a.do(inserts...) // over rows that are there
			check()
		})
	})
}

// TestKeyTypes: a row is found by a key of any type, through the primary key's index.
func TestKeyTypes(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		a := newApplier(t, b)
		keys := slices.DeleteFunc(slices.Clone(types), func(c typeCase) bool { return c.nokey })
		eachType(a, keys, flavor, "k", func(t *testing.T, name string, c *typeCase) {
			run(t, b.admin, fmt.Sprintf("CREATE TABLE app.%s (v %s NOT NULL, g int, n int, PRIMARY KEY (v, g))", name, strings.TrimSuffix(c.ddl, " NULL")))
			table := change.NewTable(change.TableName{Schema: "app", Name: name},
				[]change.Column{{Name: "v", Type: "x", Key: true}, {Name: "g", Type: "int", Key: true}, {Name: "n", Type: "int"}}, true)
			var inserts, updates, deletes []apply.Write
			for k, v := range c.values {
				g := change.Text("5")
				inserts = append(inserts, write(t, apply.Upsert, table, change.Text(v), g, change.Text("1")))
				updates = append(updates, write(t, apply.Update, table, change.Text(v), g, change.Text(fmt.Sprint(k))))
				deletes = append(deletes, write(t, apply.Delete, table, change.Text(v), g))
			}
			a.do(inserts...)
			a.do(updates...)
			for _, w := range append(inserts[:1:1], updates...) { // each alone
				a.do(w)
			}
			if got, want := rows(t, b.admin, "SELECT sum(n) FROM app."+name), len(updates)*(len(updates)-1)/2; got[0] != fmt.Sprint(want) {
				t.Errorf("the sum is %s, want %d", got[0], want)
			}
			a.do(inserts...)
			if got := rows(t, b.admin, "SELECT count(*), sum(n) FROM app."+name); got[0] != fmt.Sprintf("%d|%[1]d", len(inserts)) {
				t.Errorf("count and sum are %s of %d rows", got, len(inserts))
			}
			wantIndex(t, b, a, deletes)
			a.do(deletes[0])
			a.do(deletes[1:]...)
			if out, err := a.try(updates...); err != nil || len(out.Missing) != len(updates) {
				t.Errorf("missing %v of %d, %v", out.Missing, len(updates), err)
			}
		})
	})
}

// wantIndex asks the server how it finds the rows, of a batch and of one row.
func wantIndex(t *testing.T, b *bed, a *applier, writes []apply.Write) {
	t.Helper()
	explain := func(writes []apply.Write, statement func(*group) *statement, access ...string) {
		t.Helper()
		groups, err := a.Session.(*session).group(t.Context(), writes)
		if err != nil {
			t.Fatal(err)
		}
		format := "EXPLAIN "
		if b.server.Flavor() == testserver.FlavorMySQL {
			format = "EXPLAIN FORMAT=TRADITIONAL "
		}
		plan := rows(t, b.admin, "USE bridge; "+format+string(groups[0].text(statement(groups[0]))))
		if !slices.ContainsFunc(plan, func(line string) bool {
			return strings.Contains(line, "|PRIMARY|") && slices.ContainsFunc(access, func(a string) bool { return strings.Contains(line, "|"+a+"|") })
		}) {
			t.Errorf("the primary key doesn't serve: %q", plan)
		}
	}
	explain(writes, func(g *group) *statement { return g.locking }, "eq_ref", "const")
	explain(writes[:1], func(g *group) *statement { return g.statement }, "range")
}

// sameTexts compares texts; real numbers by value.
func sameTexts(ddl string, got, want []string) bool {
	return slices.EqualFunc(got, want, func(g, w string) bool {
		return g == w || ddl == "double" && sameFloat(g, w)
	})
}
