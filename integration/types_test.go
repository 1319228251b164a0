package integration

import (
	"fmt"
	"strings"
	"testing"
)

// TestTypes writes values of every built-in type, alone and in arrays, and of types made of them: inserted
// in one region, then changed and deleted in the other, they're the same bytes in both. Changing another
// column of a row in another region must not change a value, however oddly it prints, and what bridge
// applies must not come back.
func TestTypes(t *testing.T) {
	for _, version := range []int{15, 18} {
		t.Run(fmt.Sprintf("PostgreSQL %d", version), func(t *testing.T) {
			t.Parallel()
			cases := typeCases(version)
			var schema strings.Builder
			schema.WriteString(madeTypes)
			for _, c := range cases {
				fmt.Fprintf(&schema, `CREATE TABLE %s (id int PRIMARY KEY, v %s, a %s, touched int NOT NULL DEFAULT 0);`, c.table(), c.sql, strings.TrimSuffix(c.sql, "[]")+"[]")
			}
			m := start(t, options{version: version, schema: schema.String()})
			eu, us := m.regions[0], m.regions[1]
			coverTypes(eu, cases)

			values := 0
			for _, c := range cases {
				eu.exec(c.inserts())
				values += len(c.values)
			}
			m.settle()
			m.equal()
			before := map[string]string{}
			for _, c := range cases {
				before[c.name] = eu.values(c)
			}
			seq := m.published(eu)
			for _, c := range cases {
				us.exec(`UPDATE ` + c.table() + ` SET touched = touched + 1`)
			}
			m.settle()
			if again := m.published(eu); again != seq+1 { // settle writes one row
				t.Errorf("I6: %s published %d transactions of its own after applying the other's", eu.name, again-seq-1)
			}
			for _, c := range cases {
				for _, r := range m.regions {
					if now := r.values(c); now != before[c.name] {
						t.Errorf("I1: another column was written, and %s changed in %s:\n%s", c.name, r.name, difference(before[c.name], now))
					}
				}
			}
			m.equal()
			// Each value becomes its neighbour's, and every third row goes.
			for _, c := range cases {
				us.exec(fmt.Sprintf(`UPDATE %[1]s t SET v = o.v, a = o.a FROM %[1]s o WHERE o.id = t.id + 1; DELETE FROM %[1]s WHERE id %% 3 = 0`, c.table()))
			}
			m.settle()
			m.equal()
			t.Logf("%d types, %d values", len(cases), values)
		})
	}
}

// values are the rows of a type's table, without what the test touches.
func (r *region) values(c typeCase) string {
	r.mesh.t.Helper()
	return strings.Join(r.query(`SELECT id, v, a FROM `+c.table()+` ORDER BY id`), "\n")
}

// typeCase is a type with values that are hard to keep.
type typeCase struct {
	name   string // as in pg_type; for made types, the test's own
	sql    string // as a column's type
	values []string
}

func (c typeCase) table() string { return `"type ` + strings.ReplaceAll(c.name, `"`, "") + `"` }

// inserts gives each value a row, alone and in an array with NULLs; a value that begins with "= " is an
// expression. The last row is all NULL, the one before has an empty array.
func (c typeCase) inserts() string {
	var b strings.Builder
	array := "CASE WHEN length(v::text) < 100000 THEN ARRAY[v, NULL, v] END"
	switch {
	case strings.HasSuffix(c.sql, "[]"):
		array = "v" // an array of arrays is one of more dimensions, which must all be equal
	case c.sql == "pairs":
		array = "NULL" // ARRAY[] takes a domain over arrays for the array that it is
	}
	for i, v := range c.values {
		expression := "$v$" + v + "$v$"
		if after, ok := strings.CutPrefix(v, "= "); ok {
			expression = "(" + after + ")"
		}
		fmt.Fprintf(&b, `INSERT INTO %s (id, v, a) SELECT %d, v, %s FROM (SELECT %s::%s AS v) s;`,
			c.table(), i+1, array, expression, c.sql)
	}
	n := len(c.values)
	fmt.Fprintf(&b, `INSERT INTO %s (id, v, a) VALUES (%d, NULL, '{}'), (%d, NULL, NULL);`, c.table(), n+1, n+2)
	return b.String()
}

// coverTypes checks that no built-in type was forgotten. Those without values are excused.
func coverTypes(r *region, cases []typeCase) {
	r.mesh.t.Helper()
	covered := map[string]bool{}
	for _, name := range strings.Fields(typesWithoutValues) {
		covered[name] = true
	}
	for _, c := range cases {
		covered[c.name] = true
	}
	// Arrays are covered with their elements. Row types of catalogs are no types for columns.
	all := r.query(`SELECT typname FROM pg_type t WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r', 'm', 'e', 'd', 'c')
		AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid) AND typtype <> 'p'
		AND NOT EXISTS (SELECT FROM pg_class WHERE oid = typrelid AND relkind <> 'c')`)
	for _, name := range all {
		if !covered[name] {
			r.mesh.t.Errorf("type %s of PostgreSQL %d is neither tested nor excused", name, r.db.Server.Version())
		}
	}
	r.mesh.t.Logf("%d built-in types", len(all))
}

// typesWithoutValues: their input functions refuse every text; only the server makes them, for itself.
const typesWithoutValues = `gtsvector pg_node_tree pg_ndistinct pg_dependencies pg_mcv_list
	pg_brin_bloom_summary pg_brin_minmax_multi_summary`

const madeTypes = `
CREATE TYPE mood AS ENUM ('happy', 'so so', 'it''s "odd", \ {very}', '');
CREATE TYPE pair AS (a int, b text, c numeric[]);
CREATE TYPE nested AS (p pair, m mood);
CREATE DOMAIN positive AS numeric CHECK (VALUE > 0);
CREATE DOMAIN pairs AS pair[];
CREATE DOMAIN full_pair AS pair CHECK (VALUE IS NULL OR (VALUE).a IS NOT NULL);
CREATE TYPE texts AS RANGE (subtype = text, collation = "C");
`

// typeCases are the types and their values for a version of PostgreSQL.
func typeCases(version int) []typeCase {
	interval := []string{"0", "1 mon -1 day +00:00:00.000001", "-1 mon +1 day -1:00:00", "-178000000 years", "178000000 years -2147483648 days", "23:59:59.999999", "-00:00:00.000001", "999999999:59:59"}
	if version >= 17 {
		interval = append(interval, "infinity", "-infinity")
	}
	odd := `= (SELECT string_agg(chr(i), '') FROM generate_series(1, 70000) i WHERE i NOT BETWEEN 55296 AND 57343)`
	long := `= (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 160000) i)` // 5 MB that don't compress
	text := []string{"", " ", "NULL", "null", `\N`, `\.`, `{}`, `"`, `'`, "a,b;c", "\t\r\n\v\f\b", "trailing  ", "é e\u0301 😀 \u200b\ufeff", odd, long, `= repeat('x', 3000000)`}
	return []typeCase{
		{"bool", "bool", []string{"t", "f"}},
		{"int2", "int2", []string{"-32768", "0", "32767"}},
		{"int4", "int4", []string{"-2147483648", "0", "2147483647"}},
		{"int8", "int8", []string{"-9223372036854775808", "0", "9223372036854775807"}},
		{"numeric", "numeric", []string{"0", "0.00", "1.10", "-1.0e-100", "NaN", "Infinity", "-Infinity", "1e-16383", "= repeat('9', 131072)", "12345678901234567890.098765432109876543210"}},
		{"numeric typmod", "numeric(10,-2)", []string{"123456", "NaN", "-0"}},
		{"float4", "float4", []string{"0", "-0", "NaN", "Infinity", "-Infinity", "1e-45", "3.4028235e38", "0.1", "1.17549435e-38"}},
		{"float8", "float8", []string{"0", "-0", "NaN", "Infinity", "-Infinity", "5e-324", "1.7976931348623157e308", "0.1", "0.30000000000000004"}},
		{"money", "money", []string{"-92233720368547758.08", "0", "-0.01", "92233720368547758.07"}},
		{"text", "text", text},
		{"varchar", "varchar", []string{"", " x ", "日本語"}},
		{"varchar typmod", "varchar(5)", []string{"", "12345", "x    "}},
		{"bpchar", "bpchar", []string{"", "x   ", "é"}},
		{"bpchar typmod", "char(5)", []string{"", "x", "12345"}},
		{"char", `"char"`, []string{"", "a", `\`, "'", `= (-128)::"char"`, `= 127::"char"`, `= 1::"char"`}},
		{"name", "name", []string{"", "x", "= repeat('n', 63)"}},
		{"bytea", "bytea", []string{``, `\x00`, `\x00ff005c27`, `= decode(repeat('00', 300000), 'hex')`}},
		{"bit", "bit(5)", []string{"00000", "10101"}},
		{"varbit", "varbit", []string{"", "0", "1", "= repeat('10', 5000)"}},
		{"date", "date", []string{"4713-01-01 BC", "0001-12-31 BC", "0001-01-01", "2000-02-29", "5874897-12-31", "infinity", "-infinity", "epoch"}},
		{"time", "time", []string{"00:00", "23:59:59.999999", "24:00"}},
		{"time typmod", "time(2)", []string{"12:34:56.789"}},
		{"timetz", "timetz", []string{"00:00+15:59:59", "24:00-15:59:59", "12:34:56.789+05:30"}},
		{"timestamp", "timestamp", []string{"4713-01-01 BC", "0001-01-01", "1999-12-31 23:59:59.999999", "294276-12-31 23:59:59.999999", "infinity", "-infinity"}},
		{"timestamptz", "timestamptz", []string{"4713-01-02 BC", "1883-11-18 12:03:57+00:00:01", "2024-03-31 02:30 Europe/Berlin", "294276-12-31 23:59:59.999999+00", "infinity", "-infinity"}},
		{"interval", "interval", interval},
		{"uuid", "uuid", []string{"00000000-0000-0000-0000-000000000000", "FFFFFFFF-ffff-ffff-ffff-ffffffffffff"}},
		{"json", "json", []string{"null", ` { "a" : 1 , "a" : 2 } `, `"\u00e9\n"`, "[1e999, -0, 1.10]", "\n[]\t"}},
		{"jsonb", "jsonb", []string{"null", `{"a": 1, "a": 2, "": {}}`, `"\u00e9\n\\"`, "[1e999, -0, 1.10, 123456789012345678901234567890.12345]", "[]"}},
		{"jsonpath", "jsonpath", []string{`$.a[*] ? (@ > 1 && @.b like_regex "x\"")`, "lax $", "strict $[0 to last]"}},
		{"xml", "xml", []string{"", "just text", `<a b="1"> x <!-- c --> <![CDATA[ <&> ]]></a>`, "<a/><b/>"}},
		{"tsvector", "tsvector", []string{"", `'a':1A,2B 'b c':3C 'd''e' 'f\\g':16383`}},
		{"tsquery", "tsquery", []string{"", `'a' & !'b c' <2> ( 'd':*A | 'e''f' )`}},
		{"inet", "inet", []string{"0.0.0.0/0", "255.255.255.255", "10.1.2.3/8", "::", "::ffff:1.2.3.4/96"}},
		{"cidr", "cidr", []string{"0.0.0.0/0", "10.0.0.0/8", "2001:db8::/32"}},
		{"macaddr", "macaddr", []string{"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"}},
		{"macaddr8", "macaddr8", []string{"00:00:00:00:00:00:00:00", "08:00:2b:01:02:03"}},
		{"point", "point", []string{"(0,-0)", "(NaN,Infinity)", "(1e-300,-1e300)"}},
		{"line", "line", []string{"{1,-1,0}", "{0,0.1,-Infinity}"}},
		{"lseg", "lseg", []string{"[(0,0),(1,1)]", "[(1e300,NaN),(0,0)]"}},
		{"box", "box", []string{"(0,0),(0,0)", "(1,2),(3,4)", "(Infinity,1),(-Infinity,0)"}},
		{"path", "path", []string{"((0,0),(1,1))", "[(0,0),(1,1)]", "[(0.1,0.2)]"}},
		{"polygon", "polygon", []string{"((0,0),(1,1),(2,0))", "((0.1,0.2))"}},
		{"circle", "circle", []string{"<(0,0),0>", "<(0.1,-0.2),1e300>"}},
		{"pg_lsn", "pg_lsn", []string{"0/0", "FFFFFFFF/FFFFFFFF"}},
		{"pg_snapshot", "pg_snapshot", []string{"1:1:", "10:20:10,14,15"}},
		{"txid_snapshot", "txid_snapshot", []string{"1:1:", "10:20:10,14,15"}},
		{"xid", "xid", []string{"0", "4294967295"}},
		{"xid8", "xid8", []string{"0", "18446744073709551615"}},
		{"cid", "cid", []string{"0", "4294967295"}},
		{"tid", "tid", []string{"(0,0)", "(4294967295,65535)"}},
		{"oid", "oid", []string{"0", "4294967295"}},
		{"oidvector", "oidvector", []string{"", "1 2 4294967295"}},
		{"int2vector", "int2vector", []string{"", "1 -2 32767"}},
		{"refcursor", "refcursor", []string{"", "c"}},
		{"aclitem", "aclitem", []string{"=r/postgres", "postgres=arwdDxt*/postgres"}},
		{"regclass", "regclass", []string{"-", "pg_class", `"type bool"`}},
		{"regproc", "regproc", []string{"-", "now"}},
		{"regprocedure", "regprocedure", []string{"-", "sum(integer)"}},
		{"regoper", "regoper", []string{"0", "^@"}},
		{"regoperator", "regoperator", []string{"0", "+(integer,integer)", "-(none,integer)"}},
		{"regtype", "regtype", []string{"-", "integer[]", "mood", "timestamp with time zone"}},
		{"regcollation", "regcollation", []string{"-", `"C"`}},
		{"regconfig", "regconfig", []string{"-", "english"}},
		{"regdictionary", "regdictionary", []string{"-", "simple"}},
		{"regnamespace", "regnamespace", []string{"-", "public"}},
		{"regrole", "regrole", []string{"-", "postgres"}},
		{"int4range", "int4range", []string{"empty", "(,)", "[1,5)", "(,5)", "[-2147483648,)"}},
		{"int8range", "int8range", []string{"empty", "(,)", "[1,9223372036854775807)"}},
		{"numrange", "numrange", []string{"empty", "(,)", "[1.0,1.00]", "(-Infinity,NaN]"}},
		{"daterange", "daterange", []string{"empty", "[-infinity,infinity]", "[2000-01-01,2000-01-02)"}},
		{"tsrange", "tsrange", []string{"empty", `(,"2000-01-01 00:00:00"]`, "[-infinity,infinity)"}},
		{"tstzrange", "tstzrange", []string{"empty", `("2000-01-01 00:00:00+00",)`}},
		{"int4multirange", "int4multirange", []string{"{}", "{(,)}", "{[1,2),[5,7)}"}},
		{"int8multirange", "int8multirange", []string{"{}", "{[1,2),[5,)}"}},
		{"nummultirange", "nummultirange", []string{"{}", "{[1.0,1.00],(2,3)}"}},
		{"datemultirange", "datemultirange", []string{"{}", "{[-infinity,2000-01-01)}"}},
		{"tsmultirange", "tsmultirange", []string{"{}", `{["2000-01-01 00:00:00","2000-01-02 00:00:00")}`}},
		{"tstzmultirange", "tstzmultirange", []string{"{}", `{["2000-01-01 00:00:00+00",)}`}},

		{"mood", "mood", []string{"happy", "so so", `it's "odd", \ {very}`, ""}},
		{"pair", "pair", []string{"(,,)", `(1,"",{})`, `(-1," a ""b"", \\ (c) ","{1.10,NULL,NaN}")`}},
		{"nested", "nested", []string{"(,)", `("(1,""x y"",{})","so so")`}},
		{"positive", "positive", []string{"0.10", "NaN"}},
		{"full_pair", "full_pair", []string{"(1,,)"}},
		{"texts", "texts", []string{"empty", `["a, b","c\"d")`, "(,z]"}},
		{"texts_multirange", "texts_multirange", []string{"{}", `{["a, b",c)}`}},
		{"array of int4", "int4[]", []string{"{}", "{NULL}", "{{1,2},{3,NULL}}", "[0:2]={1,2,3}", "[-1:0][2:3]={{1,2},{3,4}}"}},
		{"array of text", "text[]", []string{`{NULL,"NULL","",null,"a\"b","c\\d","{}",","," "}`, `{{{"x"}}}`, "[5:5]={x}"}},
		{"pairs", "pairs", []string{"{}", `{"(1,\"a b\",\"{1,2}\")",NULL}`}},
	}
}
