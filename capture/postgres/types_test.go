package postgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"bridge/internal/postgres"
)

// exactValues are values of each type that are easily spoiled on the way.
var exactValues = []struct {
	typ    string
	values []string
}{
	{"boolean", []string{"t", "f"}},
	{"smallint", []string{"-32768", "32767"}},
	{"integer", []string{"-2147483648", "2147483647"}},
	{"bigint", []string{"-9223372036854775808", "9223372036854775807"}},
	{"numeric", []string{"0.00", "-1e-20", "NaN", "Infinity", "-Infinity", "123456789012345678901234567890.123456789012345678901234567890"}},
	{"numeric(10,4)", []string{"1.5"}},
	{"real", []string{"0.1", "1e-45", "3.4028235e38", "NaN", "-Infinity", "-0"}},
	{"double precision", []string{"0.1", "5e-324", "1.7976931348623157e308", "0.30000000000000004", "NaN", "Infinity", "-0"}},
	{"money", []string{"-1234.56", "92233720368547758.07"}},
	{"text", []string{"", " x ", "NULL", "line\nline\ttab\\", "ä€😀", `"'"`}},
	{"character varying(5)", []string{"a  "}},
	{"character(5)", []string{"a"}},
	{"character", []string{"x"}},
	{`"char"`, []string{"", "a", `\200`}},
	{"name", []string{"x"}},
	{"bytea", []string{"", `\x00ff5c27`}},
	{"date", []string{"0001-01-01 BC", "5874897-12-31", "infinity", "-infinity", "2024-02-29"}},
	{"time", []string{"24:00:00", "00:00:00.000001"}},
	{"time with time zone", []string{"12:00:00.5+15:59", "00:00:00-15:59"}},
	{"timestamp", []string{"4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999", "infinity"}},
	{"timestamptz", []string{"2024-03-31 02:30:00.000001+02", "-infinity", "0044-03-15 12:00:00+00 BC"}},
	{"interval", []string{"-1 mons +2 days -03:04:05.000006", "178000000 years", "0"}},
	{"uuid", []string{"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}},
	{"json", []string{`{"b": 1.0,  "b": 2}`, `"\u0041"`}},
	{"jsonb", []string{`{"b": 1.00, "a": [null, "ä"]}`, "123456789012345678901234567890.10"}},
	{"jsonpath", []string{"$.a[*] ? (@ > 1)"}},
	{"xml", []string{"<a>x</a>", "fragment<b/>"}},
	{"bit(3)", []string{"101"}},
	{"bit varying", []string{"", "0011"}},
	{"inet", []string{"10.0.0.1/8", "::1", "::ffff:1.2.3.4/128"}},
	{"cidr", []string{"10.0.0.0/8"}},
	{"macaddr", []string{"08:00:2b:01:02:03"}},
	{"macaddr8", []string{"08:00:2b:01:02:03:04:05"}},
	{"point", []string{"(0.1,-0)"}},
	{"line", []string{"{1,2,0.30000000000000004}"}},
	{"lseg", []string{"[(0,0),(1,1)]"}},
	{"box", []string{"(1,1),(0,0)"}},
	{"path", []string{"[(0,0),(1,1)]", "((0,0),(1,1))"}},
	{"polygon", []string{"((0,0),(1,1),(1,0))"}},
	{"circle", []string{"<(0,0),1>"}},
	{"tsvector", []string{"'a':1A 'it''s':2"}},
	{"tsquery", []string{"'a' & !'b':*"}},
	{"int4range", []string{"[1,5)", "empty", "(,)"}},
	{"numrange", []string{"(1.50,2]"}},
	{"daterange", []string{"[2024-01-01,infinity)"}},
	{"tstzrange", []string{`["2024-01-01 00:00:00+01",)`}},
	{"int4multirange", []string{"{[1,2),[5,9)}", "{}"}},
	{"tsmultirange", []string{`{["2024-01-01 00:00:00","2024-01-02 00:00:00"]}`}},
	{"oid", []string{"4294967295"}},
	{"regclass", []string{"bridge.progress", "pg_class"}},
	{"regtype", []string{"integer", "public.mood"}},
	{"regproc", []string{"pg_catalog.now"}},
	{"pg_lsn", []string{"16/B374D848"}},
	{"xid", []string{"4294967295"}},
	{"xid8", []string{"18446744073709551615"}},
	{"tid", []string{"(0,1)"}},
	{"int2vector", []string{"1 2"}},
	{"txid_snapshot", []string{"10:20:10,14"}},
	{"integer[]", []string{"{}", "{1,NULL,3}", "[0:1]={1,2}", "{{1,2},{3,4}}"}},
	{"text[]", []string{`{"","NULL",NULL,"a b","\"\\"}`}},
	{"timestamptz[]", []string{`{"2024-01-01 00:00:00+01"}`}},
	{"public.mood", []string{"so so"}},
	{"public.mood[]", []string{`{ok,"so so"}`}},
	{"public.amount", []string{"1.50"}},
	{"public.pair", []string{`(1,"a,b")`, "(,)"}},
	{`public."Odd Range"`, []string{"[1.5,2)"}},
}

// TestExactText compares what comes out of the log with what a session with bridge's settings reads,
// byte by byte, while the database's and the role's own settings are others.
func TestExactText(t *testing.T) {
	b := newBed(t,
		"CREATE TYPE public.mood AS ENUM ('ok', 'so so')", "CREATE DOMAIN public.amount AS numeric CHECK (VALUE > 0)",
		"CREATE TYPE public.pair AS (a int, b text)", `CREATE TYPE public."Odd Range" AS RANGE (subtype = numeric)`)
	b.exec(fmt.Sprintf(`ALTER DATABASE %s SET DateStyle = 'SQL, DMY'`, postgres.Quote(b.db.Name)))
	for _, setting := range []string{
		"IntervalStyle = 'sql_standard'", "TimeZone = 'Asia/Kathmandu'", "extra_float_digits = -5", "bytea_output = 'escape'",
		"search_path = public, bridge", "quote_all_identifiers = on", "statement_timeout = 1",
	} {
		b.exec(fmt.Sprintf("ALTER DATABASE %s SET %s", postgres.Quote(b.db.Name), setting))
	}
	var columns []string
	rows := 0
	for i, v := range exactValues {
		columns = append(columns, fmt.Sprintf("c%d %s", i, v.typ))
		rows = max(rows, len(v.values))
	}
	b.exec("CREATE TABLE t (id int PRIMARY KEY, " + strings.Join(columns, ", ") + ")")
	for n := range rows {
		values := make([]string, len(exactValues))
		for i, v := range exactValues {
			values[i] = "NULL"
			if n < len(v.values) {
				values[i] = postgres.Literal(v.values[n])
			}
		}
		b.exec(fmt.Sprintf("INSERT INTO t VALUES (%d, %s)", n, strings.Join(values, ", ")))
	}

	events := b.drain(b.open())
	if len(events) != rows {
		t.Fatalf("%d transactions, want %d", len(events), rows)
	}
	config, err := b.config.Server.Config(postgres.Session{Name: "reader", Settings: map[string]string{"quote_all_identifiers": "off"}})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close(t.Context())
	results, err := reader.PgConn().Exec(t.Context(), `SELECT t.* FROM public.t ORDER BY id;
		SELECT format_type(atttypid, -1) FROM pg_attribute WHERE attrelid = 'public.t'::regclass AND attnum > 0 ORDER BY attnum`).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for n, row := range results[0].Rows {
		image := events[n].Operations[0].New
		for i, want := range row {
			if got, ok := image[i].Text(); ok != (want != nil) || got != string(want) {
				t.Errorf("row %d, %s: got %q, want %q", n, events[n].Operations[0].Table.Columns[i].Type, got, want)
			}
		}
	}
	for i, row := range results[1].Rows {
		if got := events[0].Operations[0].Table.Columns[i].Type; got != string(row[0]) {
			t.Errorf("column %d has type %q, want %q", i, got, row[0])
		}
	}
}

// TestBuiltins compares the table of types with the server's catalog.
func TestBuiltins(t *testing.T) {
	b := newBed(t)
	rows, err := b.conn.Query(t.Context(), `SELECT oid, format_type(oid, -1) FROM pg_type
		WHERE oid < 10000 AND typtype IN ('b', 'r', 'm') AND (typarray <> 0 OR typelem <> 0)`)
	if err != nil {
		t.Fatal(err)
	}
	var oid uint32
	var want string
	n := 0
	_, err = pgx.ForEachRow(rows, []any{&oid, &want}, func() error {
		n++
		if got := builtinNames[oid]; got != want && !strings.HasPrefix(want, "pg_") && want != "record[]" && want != "cstring[]" {
			t.Errorf("type %d is %q, want %q", oid, got, want)
		}
		return nil
	})
	if err != nil || n < 100 {
		t.Fatalf("%d types, %v", n, err)
	}
}

func TestAnnouncedName(t *testing.T) {
	tests := []struct {
		m    typeMessage
		want string
	}{
		{typeMessage{schema: "", name: "int4"}, "integer"},
		{typeMessage{schema: "", name: "_varchar"}, "character varying[]"},
		{typeMessage{schema: "", name: "brandnew"}, "pg_catalog.brandnew"},
		{typeMessage{schema: "public", name: "mood"}, "public.mood"},
		{typeMessage{schema: "My", name: `a"b`}, `"My"."a""b"`},
		{typeMessage{schema: "public", name: "2d"}, `public."2d"`},
	}
	for _, tt := range tests {
		if got := announcedName(tt.m); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.m, got, tt.want)
		}
	}
}
