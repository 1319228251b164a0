package mysql

import (
	"fmt"
	"strings"
	"testing"

	"bridge/apply/applytest"
	"bridge/change"
	"bridge/internal/testserver"
	"bridge/naming"
	"bridge/visibility"
)

// keysOf are a table's unique keys, with whether they're computed.
func keysOf(t *visibility.Table) string {
	var lines []string
	for _, u := range t.Unique {
		lines = append(lines, fmt.Sprintf("%s: %s %t", u.Name, visibility.ColumnsName(u.Columns), u.Computed))
	}
	return strings.Join(lines, "; ")
}

// TestPlaces: the server refuses the second of two rows exactly where bridge takes what it computes of them for the same.
func TestPlaces(t *testing.T) {
	long := strings.Repeat("x", 1000)
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		for _, tc := range []struct {
			name, columns, keys string
			want                string   // keysOf
			values              []string // see applytest.Places
			only                testserver.Flavor
			both                bool
		}{
			{name: "prefixes", both: true,
				columns: "a varchar(20) COLLATE utf8mb4_general_ci, b text CHARACTER SET latin1 COLLATE latin1_swedish_ci, c blob",
				keys:    "UNIQUE one (a(3)), UNIQUE two (a, b(2)), UNIQUE three (c(2))",
				want:    "one: a true; three: c true; two: a, b true",
				values: []string{"abc", "ABCd", "abcx", "ab", "ab ", "ab  x", "ábc", "日bc", "日bcx", "NULL", "", "x", "xyz", "xYq", "äy", "x", "NULL", "",
					`\x0001`, `\x000102`, `\x00`, "NULL", "NULL", "NULL", ""}},
			{name: "generated columns", both: true,
				columns: "kind enum('main','side') NOT NULL, n int unsigned, mail varchar(30) COLLATE utf8mb4_unicode_ci, `od``d` decimal(6,2), half int AS (n / 2) STORED, " +
					"main varchar(40) AS (IF(kind = 'main', lower(mail), NULL)) VIRTUAL, twice varchar(60) AS (concat(main, '''`\\\\', `od``d`)) VIRTUAL, zero double AS (-n * 0e0) VIRTUAL",
				keys: "UNIQUE one (half, kind), UNIQUE two (main), UNIQUE three (twice), UNIQUE four (zero, mail(1))",
				want: "four: n, mail true; one: kind, n true; three: kind, mail, od`d true; two: kind, mail true",
				values: []string{"main", "main", "side", "", "1", "2", "3", "NULL", "", "a@x", "A@X", "ä@x", "ss", "ß", "NULL", "",
					"1.5", "1.50", "2", "NULL", ""}},
			{name: "expressions", only: testserver.FlavorMySQL,
				columns: "kind enum('main','side') NOT NULL, n bigint, mail varchar(30) COLLATE utf8mb4_unicode_ci, at timestamp(3) NULL, doc json, bin varbinary(9), f float",
				keys: `UNIQUE one ((lower(mail)), kind), UNIQUE two ((IF(kind = 'main', n, NULL))), UNIQUE three ((cast(doc ->> '$."it''s"' as char(20)))),
					UNIQUE four ((date(at)), (hex(bin))), UNIQUE five ((n + f))`,
				want: "five: n, f true; four: at, bin true; one: kind, mail true; three: doc true; two: kind, n true",
				values: []string{"main", "main", "side", "", "1", "-9223372036854775", "3", "NULL", "", "a@x", "A@X", "ä@x", "NULL", "",
					"2026-01-01 10:00:00.123+00", "2026-01-01 23:59:59.999+00", "2026-01-02 00:00:00+00", "NULL", "",
					`{"it's": "x"}`, `{"it's": "X", "b": 1}`, "{}", "NULL", "", `\x0aff`, `\x0b`, `\x`, "", "0.1", "1.5", "NULL", ""}},
			{name: "hashes", only: testserver.FlavorMariaDB,
				columns: "a text COLLATE utf8mb4_general_ci, b mediumtext", keys: "UNIQUE one (a), UNIQUE two (b(1000), a) USING HASH", want: "one: a false; two: a, b true",
				values: []string{"a", "A", "a ", "b", "NULL", "", long, long + "y", strings.ToUpper(long), "NULL", ""}},
		} {
			if !tc.both && tc.only != flavor {
				continue
			}
			t.Run(tc.name, func(t *testing.T) {
				b := newBed(t, flavor)
				run(t, b.admin, "CREATE TABLE app.t (id int PRIMARY KEY, "+tc.columns+", "+tc.keys+")")
				table := applytest.Constraints(t, b.Target)[change.TableName{Schema: "app", Name: "t"}]
				if got := keysOf(table); got != tc.want {
					t.Fatalf("keys are %s", got)
				}
				applytest.Places(t, b.Bed, table, 80, tc.values...)
			})
		}
	})
}

// TestPlacesElsewhere: of columns with other names, of rows that don't fit, and by the index.
func TestPlacesElsewhere(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		run(t, b.admin, `CREATE TABLE app.account (id int PRIMARY KEY, email varchar(20), gone datetime, kind enum('a', 'b') NOT NULL,
			valid varchar(30) AS (IF(gone IS NULL, lower(email), NULL)) VIRTUAL, UNIQUE one (valid, kind), UNIQUE two (kind, email(2)))`)
		names, err := naming.New(naming.Rules{Tables: []naming.Table{{Local: change.TableName{Schema: "app", Name: "account"}, Stream: change.TableName{Schema: "app", Name: "user"},
			Columns: map[string]string{"email": "mail", "gone": "email"}}}})
		if err != nil {
			t.Fatal(err)
		}
		target := b.Named(names).(*Target)
		t.Cleanup(func() { target.Close(t.Context()) }) //nolint:errcheck // the test is over
		name := change.TableName{Schema: "app", Name: "user"}
		table := applytest.Constraints(t, target)[name]
		if got := keysOf(table); got != "one: mail, email, kind true; two: mail, kind true" {
			t.Fatalf("keys are %s", got)
		}
		values := func(texts ...string) (out []change.Value) {
			for _, text := range texts {
				if text == "NULL" {
					out = append(out, change.Null)
				} else {
					out = append(out, change.Text(text))
				}
			}
			return out
		}
		place := func(texts ...string) string {
			t.Helper()
			form, err := target.Place(t.Context(), name, "one", values(texts...))
			if err != nil {
				t.Errorf("%q: %v", texts, err)
			}
			return form
		}
		if a, b := place("A", "NULL", "a"), place("a", "NULL", "a"); a != b || a == "" {
			t.Errorf("places %q and %q", a, b)
		}
		for _, none := range [][]string{{"A", "2026-01-01 00:00:00", "a"}, {"A", "no time", "a"}, {"A", "NULL", "c"}, {strings.Repeat("A", 21), "NULL", "a"}, {"A", "NULL", "NULL"}} {
			if place := place(none...); place != "" {
				t.Errorf("%q takes %q, and is no row, or none of the key's", none, place)
			}
		}
		if _, err := target.Place(t.Context(), name, "none", nil); err == nil || !strings.Contains(err.Error(), "no unique key") {
			t.Errorf("of a key that isn't there: %v", err)
		}
		opened, err := target.Open(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { opened.Close(t.Context()) }) //nolint:errcheck // the test is over
		s := opened.(*session)
		for i := range table.Unique {
			u := &table.Unique[i]
			l := &visibility.Lookup{Table: table, Columns: u.Columns, Unique: u}
			for n := range maxTuples + 10 {
				row := values(fmt.Sprint(n, "m"), "NULL", "a")
				if u.Name == "two" {
					row = values(fmt.Sprint(n, "m"), "a")
				}
				l.Values = append(l.Values, row)
			}
			f, err := s.finder(t.Context(), table.Shape)
			if err != nil {
				t.Fatal(err)
			}
			queries, err := s.findPlaces(t.Context(), f, l)
			if err != nil || len(queries) > 2 {
				t.Fatalf("%d queries, %v", len(queries), err)
			}
			if plan := strings.Join(rows(t, b.admin, "EXPLAIN "+string(queries[0])), "\n"); !strings.Contains(plan, u.Name) {
				t.Errorf("not by the index:\n%s", plan)
			}
			if rows, err := s.Find(t.Context(), l); err != nil || len(rows) > 0 {
				t.Errorf("%d rows, %v", len(rows), err)
			}
		}
	})
}

// TestPrefixKeysByAnotherIndex: what docs/mysql.md advises finds rows by their first characters.
func TestPrefixKeysByAnotherIndex(t *testing.T) {
	b := newBed(t, testserver.FlavorMySQL)
	run(t, b.admin, "CREATE TABLE app.page (id int PRIMARY KEY, url text NOT NULL, UNIQUE one (url(30)), KEY start ((LEFT(url, 30))))")
	run(t, b.admin, "INSERT INTO app.page WITH RECURSIVE x (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x WHERE n < 900) SELECT n, concat(n, 'https://example.org/some/thing') FROM x; ANALYZE TABLE app.page")
	table := applytest.Constraints(t, b.Target)[change.TableName{Schema: "app", Name: "page"}]
	opened, err := b.Target.Open(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close(t.Context()) }) //nolint:errcheck // the test is over
	s := opened.(*session)
	l := &visibility.Lookup{Table: table, Columns: []string{"url"}, Unique: &table.Unique[0], Values: [][]change.Value{{change.Text("7HTTPS://example.org/some/thing/else")}, {change.Text("0")}}}
	f, err := s.finder(t.Context(), table.Shape)
	if err != nil {
		t.Fatal(err)
	}
	queries, err := s.findPlaces(t.Context(), f, l)
	if err != nil {
		t.Fatal(err)
	}
	if plan := strings.Join(rows(t, b.admin, "EXPLAIN "+string(queries[0])), "\n"); !strings.Contains(plan, "using start") {
		t.Errorf("not by the index:\n%s", plan)
	}
	if rows, err := s.Find(t.Context(), l); err != nil || len(rows) != 1 || rows[0].Image[0] != change.Text("7") {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}
