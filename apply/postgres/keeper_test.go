package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"bridge/apply"
	"bridge/apply/applytest"
	"bridge/change"
	"bridge/loopguard"
	"bridge/naming"
	"bridge/value"
	"bridge/visibility"
)

// describe tells a table's constraints, a line each.
func describe(t *visibility.Table) (lines []string) {
	for _, u := range t.Unique {
		line := u.Name + ": " + visibility.ColumnsName(u.Columns)
		if u.Computed {
			line = u.Name + ": computed of " + visibility.ColumnsName(u.Columns)
		}
		if u.NullsEqual {
			line += " with NULLs"
		}
		lines = append(lines, line)
	}
	for _, f := range t.Foreign {
		lines = append(lines, fmt.Sprintf("%s: %s of %s", f.Name, visibility.ColumnsName(f.Columns), f.Parent))
	}
	return lines
}

const everything = `
CREATE EXTENSION citext SCHEMA app;
CREATE COLLATION app.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE DOMAIN app.code AS varchar(9) CHECK (VALUE <> 'x');
CREATE TABLE app.parent (id bigint PRIMARY KEY, code app.code UNIQUE, amount numeric UNIQUE, blank char(5) UNIQUE, loose text COLLATE app.nocase UNIQUE,
	day date UNIQUE, soft int UNIQUE DEFERRABLE);
CREATE TABLE app.part (id int, region text, code text, n int, PRIMARY KEY (id, region), CONSTRAINT part_code UNIQUE (region, code)) PARTITION BY LIST (region);
CREATE TABLE app.part_eu PARTITION OF app.part FOR VALUES IN ('eu');
CREATE TABLE app.part_us PARTITION OF app.part (CONSTRAINT us_n UNIQUE (n)) FOR VALUES IN ('us');
CREATE TABLE app.hidden (id int PRIMARY KEY);
CREATE TABLE app.nameless (id int UNIQUE, other int UNIQUE);
CREATE UNLOGGED TABLE app.fleeting (id int PRIMARY KEY, other int UNIQUE);
CREATE TABLE app.child (id int PRIMARY KEY, a int, b text, c text, d int GENERATED ALWAYS AS (a + 1) STORED, e interval, f app.citext, g numeric, h char(5), i text COLLATE app.nocase,
	j int, k text, l timestamp, m int, n varchar(9),
	CONSTRAINT plain UNIQUE (a), CONSTRAINT two UNIQUE (b, a) INCLUDE (c), CONSTRAINT superfluous UNIQUE (id, a), CONSTRAINT computed UNIQUE (d), CONSTRAINT span UNIQUE (e),
	CONSTRAINT words UNIQUE (f), CONSTRAINT late UNIQUE (g) DEFERRABLE INITIALLY DEFERRED, CONSTRAINT padded UNIQUE (h), CONSTRAINT insensitive UNIQUE (i),
	CONSTRAINT nulls UNIQUE NULLS NOT DISTINCT (j), CONSTRAINT apart EXCLUDE USING btree (m WITH =),
	CONSTRAINT to_parent FOREIGN KEY (a) REFERENCES app.parent, CONSTRAINT to_code FOREIGN KEY (n) REFERENCES app.parent (code),
	CONSTRAINT to_amount FOREIGN KEY (a) REFERENCES app.parent (amount), CONSTRAINT to_blank FOREIGN KEY (k) REFERENCES app.parent (blank),
	CONSTRAINT to_loose FOREIGN KEY (i) REFERENCES app.parent (loose), CONSTRAINT to_computed FOREIGN KEY (d) REFERENCES app.hidden,
	CONSTRAINT to_day FOREIGN KEY (l) REFERENCES app.parent (day),
	CONSTRAINT to_hidden FOREIGN KEY (a) REFERENCES app.hidden, CONSTRAINT to_part FOREIGN KEY (a, b) REFERENCES app.part,
	CONSTRAINT to_self FOREIGN KEY (j) REFERENCES app.child ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE app.child ADD CONSTRAINT unchecked FOREIGN KEY (m) REFERENCES app.parent NOT VALID;
CREATE UNIQUE INDEX expression ON app.child (lower(b));
CREATE UNIQUE INDEX partial ON app.child (m) WHERE c IS NULL;
CREATE UNIQUE INDEX pattern ON app.child (k text_pattern_ops);
CREATE UNIQUE INDEX collated ON app.child (c COLLATE "C");
ALTER TABLE app.part ADD CONSTRAINT part_parent FOREIGN KEY (n) REFERENCES app.parent;
ALTER TABLE app.part_eu ADD CONSTRAINT one_partition FOREIGN KEY (id) REFERENCES app.parent;
CREATE TABLE app.renamed (id int NOT NULL, "Key" text NOT NULL, n int PRIMARY KEY, CONSTRAINT ident UNIQUE ("Key"));
ALTER TABLE app.renamed REPLICA IDENTITY USING INDEX ident;
CREATE TABLE app.full_identity (id int PRIMARY KEY, n int UNIQUE);
ALTER TABLE app.full_identity REPLICA IDENTITY FULL;`

func TestConstraintsOfEverything(t *testing.T) {
	for _, version := range []int{15, 18} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			b := newBed(t, version)
			run(t, b, everything)
			target := b.Target.(*Target)
			target.Selected = func(t change.TableName) bool { return t.Name != "hidden" }
			catalog := applytest.Constraints(t, target)
			app := func(table string) change.TableName { return change.TableName{Schema: "app", Name: table} }
			for name, want := range map[string][]string{
				"child": {"collated: c", "padded: h", "pattern: k", "plain: a", "two: b, a", "words: f", "expression: computed of b", "nulls: j with NULLs", "partial: computed of c, m",
					"to_amount: a of app.parent", "to_code: n of app.parent", "to_parent: a of app.parent", "to_part: a, b of app.part", "to_self: j of app.child"},
				"parent":        {"parent_amount_key: amount", "parent_blank_key: blank", "parent_code_key: code", "parent_day_key: day"},
				"part":          {"part_code: region, code", "part_parent: n of app.parent"},
				"renamed":       {"renamed_pkey: n"},
				"full_identity": {"full_identity_n_key: n"},
			} {
				if catalog[app(name)] == nil {
					t.Errorf("no constraints of %s", name)
				} else if got := describe(catalog[app(name)]); !slices.Equal(got, want) {
					t.Errorf("%s: got %q\nwant %q", name, got, want)
				}
				delete(catalog, app(name))
			}
			for name := range catalog {
				t.Errorf("constraints of %s", name)
			}
		})
	}
}

// What keys can't tell has no form either; types are the base types' where other engines must know them.
func TestFormsAndShapes(t *testing.T) {
	b := newBed(t, 15)
	run(t, b, everything)
	target := b.Target.(*Target)
	applytest.Constraints(t, target)
	child, parent := change.TableName{Schema: "app", Name: "child"}, change.TableName{Schema: "app", Name: "parent"}
	for _, tc := range []struct {
		table                    change.TableName
		column, text, want, fail string
	}{
		{parent, "amount", "1.500", "1.5", ""}, {child, "a", "-5", "-5", ""}, {child, "h", "ab   ", "ab", ""}, {child, "f", "AÄb", "aäb", ""}, {parent, "code", "A", "A", ""},
		{child, "e", "1 day", "", "interval"}, {child, "i", "a", "", "deterministic"}, {child, "none", "a", "", "no column"}, {child, "d", "1", "", "no column"},
	} {
		got, err := target.Form(t.Context(), tc.table, tc.column, tc.text)
		if got != tc.want || (err == nil) != (tc.fail == "") || err != nil && !strings.Contains(err.Error(), tc.fail) {
			t.Errorf("form of %s.%s %q: %q, %v", tc.table, tc.column, tc.text, got, err)
		}
	}
	for _, tc := range []struct {
		others []value.Engine
		want   string
	}{{nil, "app.code"}, {[]value.Engine{value.MySQL}, "character varying"}} {
		target.Others = tc.others
		if shape := applytest.Constraints(t, target)[parent].Shape; shape.Columns[1].Type != tc.want || shape.Engine != "postgres" || shape.Full {
			t.Errorf("beside %v: %+v", tc.others, shape)
		}
	}
}

// TestNamelessTable: a table whose name between the regions is another's doesn't keep a region from starting.
func TestNamelessTable(t *testing.T) {
	b := newBed(t, 15)
	run(t, b, `CREATE TABLE app.a (id int PRIMARY KEY, n int UNIQUE); CREATE TABLE app.b (id int PRIMARY KEY, n int UNIQUE REFERENCES app.a (n))`)
	names, err := naming.New(naming.Rules{Tables: []naming.Table{{Local: change.TableName{Schema: "app", Name: "b"}, Stream: change.TableName{Schema: "app", Name: "a"}}}})
	if err != nil {
		t.Fatal(err)
	}
	b.Target = b.Named(names)
	t.Cleanup(func() { b.Target.Close(context.WithoutCancel(t.Context())) }) //nolint:errcheck // the test is over
	catalog := applytest.Constraints(t, b.Target)
	only := catalog[change.TableName{Schema: "app", Name: "a"}]
	if len(catalog) != 1 || only == nil || !slices.Equal(describe(only), []string{"b_n_key: n"}) {
		t.Errorf("got %+v", catalog)
	}
}

func run(t *testing.T, b *applytest.Bed, sql string) {
	t.Helper()
	if err := b.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// applier is a session with a transaction under way.
func applier(t *testing.T, b *applytest.Bed) apply.Session {
	t.Helper()
	s, err := b.Target.Open(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.WithoutCancel(t.Context())) }) //nolint:errcheck // the test is over
	s.Begin(loopguard.Marker{Origin: "eu/1", Seq: 1, Time: 1, Offset: 1}, apply.AsSets)
	return s
}

// keys are values of types that keys can have, no two of them equal; some are written in another way than they're printed.
var keys = []struct{ typ, a, b, again string }{
	{"smallint", "-1", "32767", "-01"}, {"integer", "-1", "2147483647", "-1"}, {"bigint", "1", "-9223372036854775808", "01"},
	{"numeric", "1.50", "-0.1", "1.5"}, {"numeric(9,3)", "10", "1e2", "10.0"}, {"real", "0.1", "-0", "0.10"}, {"double precision", "1e300", "NaN", "1e300"},
	{"text", "it's \\ é", "", "it's \\ é"}, {"varchar(9)", "a", "A", "a"}, {"char(9)", "a", "b", "a  "}, {`"char"`, "a", "b", "a"}, {"name", "a", "b", "a"},
	{"app.citext", "Ab", "b", "aB"}, {"bytea", `\x00ff`, `\x`, `\000\377`}, {"boolean", "t", "f", "yes"},
	{"uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12", "A0EEBC999C0B4EF8BB6D6BB9BD380A11"},
	{"date", "2026-01-02", "infinity", "20260102"}, {"timestamp(3)", "2026-01-02 03:04:05.678", "2026-01-02", "2026-01-02 03:04:05.678"},
	{"timestamptz", "2026-01-02 03:04:05+00", "2026-01-02 03:04:06+00", "2026-01-02 05:04:05+02"}, {"time", "24:00", "00:00", "24:00:00"}, {"timetz", "12:00+00", "13:00+01", "12:00:00+00"},
	{"inet", "10.0.0.1", "::1", "10.0.0.1/32"}, {"cidr", "10.0.0.0/8", "10.0.0.0/9", "10/8"}, {"macaddr", "08:00:2b:01:02:03", "08:00:2b:01:02:04", "08002b010203"},
	{"bit(3)", "101", "000", "101"}, {"bit varying", "1", "10", "1"}, {"pg_lsn", "0/1", "1/0", "0/01"}, {"oid", "1", "4294967295", "01"},
	{`app."Mood"`, "sad", "o'k", "sad"}, {"app.cents", "1.5", "2", "1.50"}, {"app.word", "Ab", "b", "AB"},
}

// TestFindByEveryKeyType: by a unique value and by a key of each type, alone and with another column, however the value is written; what's
// equal has one form.
func TestFindByEveryKeyType(t *testing.T) {
	b := newBed(t, 15)
	run(t, b, `CREATE EXTENSION citext SCHEMA app; CREATE TYPE app."Mood" AS ENUM ('sad', 'o''k'); CREATE DOMAIN app.inner_cents AS numeric;
		CREATE DOMAIN app.cents AS app.inner_cents CHECK (VALUE > 0); CREATE DOMAIN app.word AS app.citext`)
	for i, k := range keys {
		run(t, b, fmt.Sprintf(`CREATE TABLE app.t%d (k %[2]s, u %[2]s NOT NULL UNIQUE, n int, PRIMARY KEY (k))`, i, k.typ))
		run(t, b, fmt.Sprintf(`INSERT INTO app.t%d VALUES (%[2]s, %[3]s, 1), (%[3]s, %[2]s, 2)`, i, quoted(k.a), quoted(k.b)))
	}
	catalog := applytest.Constraints(t, b.Target)
	s := applier(t, b)
	for i, k := range keys {
		name := change.TableName{Schema: "app", Name: fmt.Sprint("t", i)}
		table := catalog[name]
		if table == nil {
			t.Errorf("%s: no constraints", k.typ)
			continue
		}
		printed := b.Rows(t, fmt.Sprintf(`SELECT k FROM app.t%d WHERE n = 1`, i))[0]
		if k.typ == "char(9)" {
			printed = "a        "
		}
		for _, text := range []string{printed, k.again} {
			for _, tc := range []struct {
				columns []string
				more    []change.Value
				n       string
			}{{[]string{"k"}, nil, "1"}, {[]string{"u"}, nil, "2"}, {[]string{"u", "n"}, []change.Value{change.Text("2")}, "2"}, {[]string{"u", "k"}, []change.Value{change.Text(k.b)}, "2"}} {
				tuple := append([]change.Value{change.Text(text)}, tc.more...)
				rows, err := s.Find(t.Context(), &visibility.Lookup{Table: table, Columns: tc.columns, Values: [][]change.Value{tuple, tuple}})
				if err != nil {
					t.Fatalf("%s by %q: %v", k.typ, tc.columns, err)
				}
				if len(rows) != 1 || rows[0].Image[2] != change.Text(tc.n) || tc.n == "1" && rows[0].Image[0] != change.Text(printed) {
					t.Errorf("%s by %q %q: %+v", k.typ, tc.columns, text, rows)
				}
			}
		}
		one, _ := b.Target.Form(t.Context(), name, "k", printed)
		other, err := b.Target.Form(t.Context(), name, "u", b.Rows(t, fmt.Sprintf(`SELECT u FROM app.t%d WHERE n = 2`, i))[0])
		if different, _ := b.Target.Form(t.Context(), name, "u", k.b); err != nil || one != other || one == different || one == "" {
			t.Errorf("%s: forms %q, %q and %q, %v", k.typ, one, other, different, err)
		}
		rows, err := s.Find(t.Context(), &visibility.Lookup{Table: table, Columns: []string{"k"}, Values: [][]change.Value{{change.Text(printed)}}})
		if values, ok := rows[0].Key.Values(); err != nil || !ok || len(values) != 1 || values[0] != one {
			t.Errorf("%s: key %q (%v), the form is %q", k.typ, values, err, one)
		}
	}
}

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// TestFindWhatCantBe: a value that the column doesn't take is in no row, where a type is wider than the column's; and it's a refusal where
// it isn't of the type at all.
func TestFindWhatCantBe(t *testing.T) {
	b := newBed(t, 15)
	run(t, b, `CREATE DOMAIN app.cents AS numeric(9,2) CHECK (VALUE > 0); CREATE DOMAIN app.small AS smallint;
		CREATE TABLE app.t (id int PRIMARY KEY, c app.cents UNIQUE, s app.small UNIQUE, v varchar(3) UNIQUE, u uuid UNIQUE);
		INSERT INTO app.t VALUES (1, 1.00, 1, 'abc', NULL)`)
	table := applytest.Constraints(t, b.Target)[change.TableName{Schema: "app", Name: "t"}]
	s := applier(t, b)
	for _, tc := range [][2]string{{"id", "3000000000"}, {"c", "-1"}, {"c", "1.001"}, {"c", "12345678901"}, {"s", "70000"}, {"v", "abcd"}} {
		rows, err := s.Find(t.Context(), &visibility.Lookup{Table: table, Columns: tc[:1], Values: [][]change.Value{{change.Text(tc[1])}}})
		if err != nil || len(rows) > 0 {
			t.Errorf("%s = %s: %d rows, %v", tc[0], tc[1], len(rows), err)
		}
	}
	_, err := s.Find(t.Context(), &visibility.Lookup{Table: table, Columns: []string{"u"}, Values: [][]change.Value{{change.Text("no uuid")}}})
	if !errors.Is(err, apply.ErrUnfit) || strings.Contains(err.Error(), "no uuid") {
		t.Errorf("got %v", err)
	}
}

// TestFindReadsOnce: whatever the statistics say, a look-up by indexed columns reads no whole table, and one by others reads it once.
func TestFindReadsOnce(t *testing.T) {
	b := newBed(t, 15)
	run(t, b, `CREATE EXTENSION citext SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY, a int, b text, c int, d text, e app.citext, CONSTRAINT ab UNIQUE (a, b), UNIQUE (b));
		CREATE UNIQUE INDEX ON app.t (e) WHERE c = 1; INSERT INTO app.t VALUES (1, 1, 'a', 1, 'x', 'N'), (2, 2, 'b', 2, 'y', NULL); ANALYZE app.t`)
	table := applytest.Constraints(t, b.Target)[change.TableName{Schema: "app", Name: "t"}]
	s := applier(t, b).(*session)
	for _, tc := range []struct {
		columns, values string
		plan            string
	}{
		{"id", "1", "Index"}, {"b", "a", "Index"}, {"a", "1", "Index"}, {"a b", "1 a", "Index"}, {"id a", "1 1", "Index"}, {"d b", "x a", "Index"},
		{"c", "1", "hashed SubPlan"}, {"d", "x", "hashed SubPlan"}, {"e", "n", "hashed SubPlan"}, {"c d", "1 x", "hashed SubPlan"}, {"e d", "n x", "Nested Loop"},
	} {
		columns := strings.Fields(tc.columns)
		var tuple []change.Value
		for _, v := range strings.Fields(tc.values) {
			tuple = append(tuple, change.Text(v))
		}
		l := &visibility.Lookup{Table: table, Columns: columns, Values: [][]change.Value{tuple, tuple}}
		rows, err := s.Find(t.Context(), l)
		if err != nil || len(rows) != 1 || rows[0].Image[0] != change.Text("1") {
			t.Errorf("by %s: %d rows, %v", tc.columns, len(rows), err)
		}
		bld, err := s.builder(t.Context(), table.Shape)
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.finder(bld, l)
		if err != nil {
			t.Fatal(err)
		}
		plan := planOf(t, s, p.sql, len(columns))
		if !strings.Contains(plan, tc.plan) || tc.plan == "Index" && strings.Contains(plan, "Seq Scan on t") {
			t.Errorf("by %s:\n%s", tc.columns, plan)
		}
	}
}

// planOf is the generic plan of a statement with so many parameters.
func planOf(t *testing.T, s *session, sql string, parameters int) string {
	t.Helper()
	if _, err := s.conn.Exec(t.Context(), "PREPARE p AS "+sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	plan := rowsOf(t, s.conn, "EXPLAIN EXECUTE p ("+strings.Join(slices.Repeat([]string{"NULL"}, parameters), ", ")+")")
	if _, err := s.conn.Exec(t.Context(), "DEALLOCATE p"); err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "\n")
}
