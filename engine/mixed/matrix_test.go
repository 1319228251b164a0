package mixed

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"bridge/value"
)

// kind is a pair of column types that carry each other's values, with values of it. read prints a value v alike on
// both sides.
type kind struct {
	postgres, mysql         string // the types
	readPostgres, readMySQL string // "": v as it is printed
	values                  []string
	// literals of MySQL, where they differ: the same number.
	mysqlValues []string
	// mariadb is MariaDB's type where it differs from MySQL's.
	mariadb string
	form    func(string) string // what servers print alike only after this
	full    bool                // PostgreSQL's table has REPLICA IDENTITY FULL, which tells what an update didn't change
}

func quoted(values ...string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = "'" + strings.ReplaceAll(v, "'", "''") + "'"
	}
	return out
}

func hexes(format string, values ...string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = fmt.Sprintf(format, v)
	}
	return out
}

var bytesAs = []string{"", "00", "ff", "0001feff5c27", strings.Repeat("ab", 300)}

// texts are odd in every way that both sides hold. MySQL's literals double the backslash.
var texts = []string{"", " ", "a ", "' \" ` ; --", "é ü ß €", "日本語 \U0001F600", "\ttab\nline\r", "NULL", `\N`, `a\\b`, "\u0001", "e\u0301"}

func escaped(values []string) []string {
	out := slices.Clone(values)
	for i := range out {
		out[i] = strings.ReplaceAll(out[i], `\`, `\\`)
	}
	return out
}

const microseconds = "to_char(v, 'YYYY-MM-DD HH24:MI:SS.US')"

var kinds = append([]kind{
	{postgres: "smallint", mysql: "smallint", values: []string{"-32768", "32767", "0"}},
	{postgres: "integer", mysql: "int", values: []string{"-2147483648", "2147483647", "-1"}},
	{postgres: "bigint", mysql: "bigint", values: []string{"-9223372036854775808", "9223372036854775807"}},
	{postgres: "numeric(20,0)", mysql: "bigint unsigned", values: []string{"0", "18446744073709551615"}},
	{postgres: "integer", mysql: "mediumint", values: []string{"-8388608", "8388607"}},
	{postgres: "smallint", mysql: "tinyint unsigned", values: []string{"0", "255"}},
	{postgres: "boolean", mysql: "tinyint(1)", readPostgres: "v::int", values: []string{"true", "false"}},
	{postgres: "numeric(10,2)", mysql: "decimal(10,2)", values: []string{"0", "-0.01", "99999999.99", "-99999999.99", "1.5"}},
	{postgres: "numeric(65,30)", mysql: "decimal(65,30)", values: []string{"0.000000000000000000000000000001", strings.Repeat("9", 35) + "." + strings.Repeat("9", 30)}},
	{postgres: "double precision", mysql: "double", form: shortest,
		values: quoted("0", "0.1", "-1.7976931348623157e308", "2.2250738585072014e-308", "1e23", "123456789.12345678")},
	{postgres: "text", mysql: "varchar(300)", values: quoted(texts...), mysqlValues: quoted(escaped(texts)...)},
	{postgres: "character varying(10)", mysql: "varchar(10)", values: quoted("", "0123456789", "éééééééééé")},
	{postgres: "text", mysql: "longtext", readPostgres: "encode(sha256(convert_to(v, 'UTF8')), 'hex')", readMySQL: "sha2(v, 256)", values: []string{"repeat('xyz ', 50000)", "''"}},
	{postgres: "character(10)", mysql: "char(10)", readPostgres: "rtrim(v)", values: quoted("", "abc", "0123456789")},
	{postgres: "bytea", mysql: "varbinary(400)", readPostgres: "encode(v, 'hex')", readMySQL: "lower(hex(v))", values: hexes(`'\x%s'::bytea`, bytesAs...), mysqlValues: hexes("x'%s'", bytesAs...)},
	{postgres: "bytea", mysql: "binary(3)", readPostgres: "encode(v, 'hex')", readMySQL: "lower(hex(v))", values: hexes(`'\x%s'::bytea`, "000000", "616200"), mysqlValues: hexes("x'%s'", "000000", "6162")},
	{postgres: "bit(8)", mysql: "bit(8)", readMySQL: "lpad(bin(v), 8, '0')", values: []string{"B'00000000'", "B'10000001'", "B'11111111'"}, mysqlValues: []string{"b'0'", "b'10000001'", "b'11111111'"}},
	{postgres: "date", mysql: "date", values: quoted("0001-01-01", "9999-12-31", "2024-02-29")},
	{postgres: "timestamp without time zone", mysql: "datetime(6)", readPostgres: microseconds, values: quoted("1000-01-01 00:00:00", "9999-12-31 23:59:59.999999", "2024-02-29 12:34:56.5")},
	{postgres: "timestamp(0) without time zone", mysql: "datetime", readPostgres: "to_char(v, 'YYYY-MM-DD HH24:MI:SS')", values: quoted("1969-12-31 23:59:59", "2038-01-19 03:14:08")},
	{postgres: "timestamp with time zone", mysql: "timestamp(6) NULL", readPostgres: "to_char(v AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
		values:      quoted("1970-01-01 00:00:01+00", "2038-01-19 03:14:07+00", "2024-06-01 12:00:00.25+02"),
		mysqlValues: quoted("1970-01-01 00:00:01", "2038-01-19 03:14:07", "2024-06-01 10:00:00.25")},
	{postgres: "time without time zone", mysql: "time(6)", readPostgres: "to_char(v, 'HH24:MI:SS.US')", values: quoted("00:00:00", "23:59:59.999999")},
	{postgres: "smallint", mysql: "year", values: []string{"0", "1901", "2155"}},
	{postgres: "jsonb", mysql: "json", readPostgres: "v->>'a'", readMySQL: "json_unquote(json_extract(v, '$.a'))",
		values: quoted(`{"a": "é \" \\ /", "b": [1, 2.5, null, true]}`, `{"a": "", "b": {}}`), mysqlValues: quoted(`{"a": "é \\" \\\\ /", "b": [1, 2.5, null, true]}`, `{"b": {}, "a": ""}`)},
	{postgres: "uuid", mysql: "char(36)", values: quoted("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-4fff-bfff-ffffffffffff", "0f9a1d2e-1111-4222-8333-444455556666")},
	{postgres: "uuid", mysql: "binary(16)", mariadb: "uuid", readPostgres: "v::text", readMySQL: uuidText, values: quoted("0f9a1d2e-1111-4222-8333-444455556666"), mysqlValues: []string{"x'0f9a1d2e111142228333444455556666'"}},
	{postgres: "text", mysql: "enum('a','it''s','é')", values: quoted("a", "it's", "é")},
	{postgres: "text[]", mysql: "set('x','y','z')", readPostgres: "array_to_string(v, ',')", values: quoted("{}", "{x}", "{x,z}"), mysqlValues: quoted("", "x", "x,z")},
	{postgres: "inet", mysql: "varchar(43)", values: quoted("10.0.0.1", "::1", "192.168.0.0/16")},
	{postgres: "inet", mysql: "varchar(43)", mariadb: "inet6", values: quoted("::", "2001:db8::1")},
	{postgres: "uuid", mysql: "char(36)", full: true, readMySQL: "lower(v)", values: quoted("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), mysqlValues: quoted("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11")},
	{postgres: "smallint", mysql: "tinyint", values: []string{"-128", "127"}},
	{postgres: "bigint", mysql: "int unsigned", values: []string{"0", "4294967295"}},
	{postgres: "boolean", mysql: "bit(1)", readPostgres: "v::int", readMySQL: "v + 0", values: []string{"true", "false"}},
	{postgres: "bit varying(64)", mysql: "bit(64)", readMySQL: "lpad(bin(v), 64, '0')", values: []string{"B'1" + strings.Repeat("0", 62) + "1'"}},
	{postgres: "real", mysql: "float", readPostgres: "v::float8", readMySQL: "v * 1e0", form: shortest, values: quoted("0", "0.1", "3.4e38", "1.17549435e-38", "16777216")},
	{postgres: "text", mysql: "varchar(20) CHARACTER SET latin1", values: quoted("", "é€ß", "a ")},
	{postgres: "timestamp with time zone", mysql: "datetime(3)", readPostgres: "to_char(v AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS')", values: quoted("0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999+00"),
		mysqlValues: quoted("0001-01-01 00:00:00", "9999-12-31 23:59:59.999")},
	{postgres: "interval", mysql: "time", values: quoted("-838:59:59", "00:00:00", "838:59:59")},
	{postgres: "json", mysql: "json", readPostgres: "v->>'a'", readMySQL: "json_unquote(json_extract(v, '$.a'))", values: quoted(`{"a":  "x", "b": 1}`)},
	{postgres: "jsonb", mysql: "longtext", readPostgres: "v->>'a'", readMySQL: "json_unquote(json_extract(v, '$.a'))", values: quoted(`{"a": "x"}`)},
	{postgres: "integer[]", mysql: "json", readPostgres: "array_to_json(v)::text", form: packed, values: quoted("{}", "{1,NULL,-3}", "{{1,2},{3,4}}"), mysqlValues: quoted("[]", "[1, null, -3]", "[[1, 2], [3, 4]]")},
	{postgres: "text[]", mysql: "json", readPostgres: "array_to_json(v)::text", form: packed, values: quoted(`{a,"",NULL,"NULL","é"}`), mysqlValues: quoted(`["a", "", null, "NULL", "é"]`)},
	{postgres: "numeric[]", mysql: "json", readPostgres: "array_to_json(v::text[])::text", form: packed, values: quoted("{1.10,NaN}"), mysqlValues: quoted(`["1.10", "NaN"]`)},
	{postgres: "bigint", mysql: "bigint unsigned", values: []string{"0", "9223372036854775807"}},
	{postgres: "bigint", mysql: "int", values: []string{"-2147483648", "2147483647"}},
	{postgres: "bigint", mysql: "smallint", values: []string{"-32768", "32767"}},
	{postgres: "integer", mysql: "bigint", values: []string{"-2147483648", "2147483647"}},
	{postgres: "integer", mysql: "smallint", values: []string{"-32768", "32767"}},
	{postgres: "integer", mysql: "smallint unsigned", values: []string{"0", "65535"}},
	{postgres: "integer", mysql: "mediumint unsigned", values: []string{"0", "16777215"}},
	{postgres: "smallint", mysql: "int", values: []string{"-32768", "32767"}},
	{postgres: "smallint", mysql: "bigint", values: []string{"-32768", "32767"}},
	{postgres: "real", mysql: "double", readPostgres: "v::float8", form: shortest, values: quoted("0", "-0.5", "16777216")},
	{postgres: "double precision", mysql: "float", readMySQL: "v * 1e0", form: shortest, values: quoted("0", "-0.5", "16777216")},
	{postgres: "text", mysql: "tinytext", values: quoted(texts...), mysqlValues: quoted(escaped(texts)...)},
	{postgres: "text", mysql: "text", values: quoted(texts...), mysqlValues: quoted(escaped(texts)...)},
	{postgres: "text", mysql: "mediumtext", values: quoted(texts...), mysqlValues: quoted(escaped(texts)...)},
	{postgres: "character varying(10)", mysql: "tinytext", values: quoted("", "éééééééééé")},
	{postgres: "character varying(10)", mysql: "text", values: quoted("", "éééééééééé")},
	{postgres: "character varying(10)", mysql: "mediumtext", values: quoted("", "éééééééééé")},
	{postgres: "character varying(10)", mysql: "longtext", values: quoted("", "éééééééééé")},
	{postgres: "text", mysql: "char(10)", values: quoted("", " a", "0123456789")},
	{postgres: "public.mood", mysql: "enum('a','it''s','é')", values: quoted("a", "it's", "é")},
	{postgres: "text", mysql: "set('x','y','z')", values: quoted("", "x", "x,z")},
	{postgres: "bytea", mysql: "tinyblob", readPostgres: "encode(v, 'hex')", readMySQL: "lower(hex(v))", values: hexes(`'\x%s'::bytea`, bytesAs[:4]...), mysqlValues: hexes("x'%s'", bytesAs[:4]...)},
	{postgres: "bytea", mysql: "blob", readPostgres: "encode(v, 'hex')", readMySQL: "lower(hex(v))", values: hexes(`'\x%s'::bytea`, bytesAs...), mysqlValues: hexes("x'%s'", bytesAs...)},
	{postgres: "bytea", mysql: "mediumblob", readPostgres: "encode(v, 'hex')", readMySQL: "lower(hex(v))", values: hexes(`'\x%s'::bytea`, bytesAs...), mysqlValues: hexes("x'%s'", bytesAs...)},
	{postgres: "bytea", mysql: "longblob", readPostgres: "encode(v, 'hex')", readMySQL: "lower(hex(v))", values: hexes(`'\x%s'::bytea`, bytesAs...), mysqlValues: hexes("x'%s'", bytesAs...)},
	{postgres: "timestamp without time zone", mysql: "timestamp(6) NULL", readPostgres: microseconds, values: quoted("1970-01-01 00:00:01", "2038-01-19 03:14:07.999999")},
	{postgres: "json", mysql: "longtext", readPostgres: "v->>'a'", readMySQL: "json_unquote(json_extract(v, '$.a'))", values: quoted(`{"a": "x"}`)},
	{postgres: "uuid", mysql: "varchar(36)", values: quoted("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-4fff-bfff-ffffffffffff")},
	{postgres: "uuid", mysql: "char(32)", readMySQL: dashed("v"), values: quoted("0f9a1d2e-1111-4222-8333-444455556666"), mysqlValues: quoted("0f9a1d2e111142228333444455556666")},
	{postgres: "inet", mysql: "varchar(43)", mariadb: "inet4", values: quoted("0.0.0.0", "255.255.255.255")},
}, ownTexts...)

// ownTexts are PostgreSQL's types whose values other engines hold as text.
var ownTexts = asTexts(map[string][]string{
	"interval":            {"1 year 2 mons -3 days +04:05:06.789", "00:00:00"},
	"time with time zone": {"12:00:00+02", "24:00:00-15:59:59"},
	"cidr":                {"10.0.0.0/8", "::/0"},
	"macaddr":             {"08:00:2b:01:02:03", "ff:ff:ff:ff:ff:ff"},
	"money":               {"-$1,000.50", "$92,233,720,368,547,758.07"},
	"xml":                 {"<a>é</a>", ""},
	"tsvector":            {"'a':1 'b':2", ""},
	"int4range":           {"[1,10)", "empty", "(,)"},
	"point":               {"(1,-2.5)", "(NaN,Infinity)"},
	"public.hstore":       {`"a"=>"é", "b"=>NULL`, ""},
	"public.ltree":        {"a.b_1", ""},
	"integer[]":           {"{1,NULL,-3}", "{}", "[0:1]={1,2}"},
})

func asTexts(of map[string][]string) (kinds []kind) {
	for _, typ := range slices.Sorted(maps.Keys(of)) {
		for _, text := range []string{"varchar(255)", "longtext"} {
			kinds = append(kinds, kind{postgres: typ, mysql: text, values: quoted(of[typ]...)})
		}
	}
	return kinds
}

// TestDocumentedTypes: every pair of types that docs/types.md names is in the matrix, but for their lengths.
func TestDocumentedTypes(t *testing.T) {
	page, err := os.ReadFile("../../docs/types.md")
	if err != nil {
		t.Fatal(err)
	}
	modifiers := regexp.MustCompile(`\(.*\)|(?i: NULL| CHARACTER SET \w+)`)
	bare := func(typ string) string { return modifiers.ReplaceAllString(typ, "") }
	tested := map[[2]string]bool{}
	for _, k := range kinds {
		tested[[2]string{bare(k.postgres), bare(k.mysql)}], tested[[2]string{bare(k.postgres), bare(k.mariadb)}] = true, true
	}
	code := regexp.MustCompile("`([^`]+)`")
	found := 0
	for line := range strings.SplitSeq(string(page), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			continue
		}
		for _, ours := range code.FindAllStringSubmatch(cells[1], -1) {
			for _, theirs := range code.FindAllStringSubmatch(cells[2], -1) {
				found++
				if !tested[[2]string{bare(ours[1]), bare(theirs[1])}] {
					t.Errorf("%s and %s aren't in the matrix", ours[1], theirs[1])
				}
			}
		}
	}
	if found < 80 {
		t.Errorf("the page has only %d pairs", found)
	}
}

// kindredKinds are types of MySQL and MariaDB with values that PostgreSQL doesn't hold, or that only bytes tell apart.
var kindredKinds = []kind{
	{mysql: "date", values: quoted("0000-00-00", "2024-00-00", "2024-02-31", "9999-12-31")},
	{mysql: "datetime(6)", values: quoted("0000-00-00 00:00:00", "2024-00-01 00:00:00.000001", "9999-12-31 23:59:59.999999")},
	{mysql: "timestamp(6) NULL", values: quoted("0000-00-00 00:00:00", "1970-01-01 00:00:01", "2038-01-19 03:14:07.999999")},
	{mysql: "time(6)", values: quoted("-838:59:59", "-00:00:00.000001", "838:59:59")},
	{mysql: "year", values: quoted("0000", "1901", "2155")},
	{mysql: "enum('a','é','')", values: quoted("a", "é", "")},
	{mysql: "set('a','é','z')", values: quoted("", "a,z", "a,é,z")},
	{mysql: "bit(64)", values: []string{"b'0'", "b'1" + strings.Repeat("0", 62) + "1'"}},
	{mysql: "bigint unsigned", values: []string{"0", "18446744073709551615"}},
	{mysql: "decimal(65,30)", values: []string{"-" + strings.Repeat("9", 35) + "." + strings.Repeat("9", 30), "0.000000000000000000000000000001"}},
	{mysql: "float", readMySQL: "v * 1e0", form: shortest, values: []string{"0.1", "3.4e38", "16777216"}},
	{mysql: "double", form: shortest, values: []string{"5e-324", "1.7976931348623157e308", "0.1"}},
	{mysql: "varchar(20)", values: []string{"''", "'a '", `'a\0b'`, `'\\\''`, "'😀'"}},
	{mysql: "varchar(20) CHARACTER SET latin1", values: quoted("é€", "a ")},
	{mysql: "varchar(20) CHARACTER SET sjis", values: quoted("表ソ")},
	{mysql: "varchar(20) CHARACTER SET ucs2", values: quoted("é日")},
	{mysql: "binary(4)", values: []string{"x'00000000'", "x'01000000'"}},
	{mysql: "varbinary(20)", values: []string{"x''", "x'00'", "x'275c00ff'"}},
	{mysql: "longblob", values: []string{"repeat(x'00ff275c', 30000)", "''"}},
	{mysql: "geometry", values: []string{"ST_GeomFromText('POINT(1 -2)')", "ST_GeomFromText('POLYGON((0 0,0 1,1 1,0 0))')"}},
	{mysql: "json", readMySQL: "json_unquote(json_extract(v, '$.a'))", values: quoted(`{"a": "x", "b": [1, 2.5, null]}`)},
}

var uuidText = "lower(" + dashed("hex(v)") + ")"

// dashed is a UUID's text in SQL, of its digits.
func dashed(digits string) string {
	return "insert(insert(insert(insert(" + digits + ", 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-')"
}

// shortest is the float in the middle of a row, as Go prints it.
func shortest(row string) string {
	f := strings.Split(row, "\t")
	if n, err := strconv.ParseFloat(f[1], 64); err == nil {
		f[1] = fmt.Sprint(n)
	}
	return strings.Join(f, "\t")
}

// packed is a JSON array in a row without the space after its commas.
func packed(row string) string { return strings.ReplaceAll(row, ", ", ",") }

func (k *kind) read(r *region) string {
	out := r.is(k.readPostgres, k.readMySQL)
	switch {
	case out == uuidText && r.engine == value.MariaDB, out == "":
		return "v"
	}
	return out
}

func (k *kind) declaration(r *region) string {
	if r.engine == value.MariaDB && k.mariadb != "" {
		return k.mariadb
	}
	return r.is(k.postgres, k.mysql)
}

func (k *kind) literals(r *region) []string {
	switch {
	case r.engine == value.Postgres || k.mysqlValues == nil, r.engine == value.MariaDB && k.mariadb != "":
		return k.values
	}
	return k.mysqlValues
}

// matrix is the tables of kinds in a mesh: t0, t1, and so on.
type matrix struct {
	*mesh
	kinds []kind
	// session goes before the statements that write rows.
	session string
}

func newMatrix(t *testing.T, kinds []kind, session string, engines ...value.Engine) *matrix {
	t.Helper()
	schema := func(r *region) string {
		var sql []string
		if r.engine == value.Postgres {
			sql = append(sql, "CREATE EXTENSION hstore; CREATE EXTENSION ltree; CREATE TYPE public.mood AS ENUM ('é', 'it''s', 'a')")
		}
		for i := range kinds {
			sql = append(sql, fmt.Sprintf("CREATE TABLE t%d (id bigint PRIMARY KEY, v %s, other int)", i, kinds[i].declaration(r)))
			if kinds[i].full && r.engine == value.Postgres {
				sql = append(sql, fmt.Sprintf("ALTER TABLE t%d REPLICA IDENTITY FULL", i))
			}
		}
		return strings.Join(sql, ";")
	}
	return &matrix{newMesh(t, schema, engines...), kinds, session}
}

// TestMatrix: values of each type that has a counterpart, written in a region of each engine, are the same in all of
// them; and they stay so, to the letter, when a region of another engine updates another column.
func TestMatrix(t *testing.T) {
	newMatrix(t, kinds, "", value.Postgres, value.MySQL, value.MariaDB).run()
}

// TestKindredMatrix: so are all values of MySQL and MariaDB between these.
func TestKindredMatrix(t *testing.T) {
	for _, engines := range [][]value.Engine{{value.MySQL, value.MariaDB, value.MySQL}, {value.MariaDB, value.MariaDB}} {
		t.Run(fmt.Sprint(engines), func(t *testing.T) {
			newMatrix(t, kindredKinds, "SET sql_mode = 'ALLOW_INVALID_DATES';", engines...).run()
		})
	}
}

func (m *matrix) run() {
	m.startAll()
	for _, r := range m.regions {
		r.exec(m.t, m.session+strings.Join(m.rows(r), ";"))
	}
	before := map[string][]string{} // as each region that wrote them has its rows
	for i := range m.kinds {
		for n, r := range m.regions {
			before[fmt.Sprint(i, r.name)] = r.query(m.t, m.own(r, i, n))
		}
	}
	m.settle()
	check := func(what string) {
		m.t.Helper()
		for i := range m.kinds {
			k := &m.kinds[i]
			rows := m.equal(func(r *region) string { return fmt.Sprintf("SELECT id, %s, other FROM t%d ORDER BY id", k.read(r), i) }, k.form)
			if want := len(m.regions) * (len(k.values) + 1); len(rows) != want {
				m.t.Errorf("%s: table %d (%s, %s) has %d rows, want %d", what, i, k.postgres, k.mysql, len(rows), want)
			}
			for n, r := range m.regions {
				if now := r.query(m.t, m.own(r, i, n)); !slices.Equal(now, before[fmt.Sprint(i, r.name)]) {
					m.t.Errorf("%s: what %s wrote in table %d (%s, %s) has changed there from %q to %q", what, r.name, i, k.postgres, k.mysql, before[fmt.Sprint(i, r.name)], now)
				}
			}
		}
	}
	check("written")
	for n, r := range m.regions { // each region updates what the next one has written
		var sql []string
		for i := range m.kinds {
			from := (n + 1) % len(m.regions) * 100
			sql = append(sql, fmt.Sprintf("UPDATE t%d SET other = %d WHERE id >= %d AND id < %d", i, n, from, from+100))
		}
		r.exec(m.t, m.session+strings.Join(sql, ";"))
	}
	m.settle()
	check("other column updated")
}

// own are a region's own rows of a table as the server prints them, without the column that others change.
func (m *matrix) own(r *region, table, n int) string {
	v := r.is("v::text", "hex(cast(v AS char))")
	switch k := &m.kinds[table]; {
	case k.mysql == "json":
		v = k.read(r) // a document's meaning: how it's written is up to each engine
	case r.engine != value.Postgres && (strings.Contains(k.mysql, "binary") || strings.Contains(k.mysql, "blob") || k.postgres == "" && k.form == nil):
		v = "hex(v)"
	}
	return fmt.Sprintf("SELECT id, %s FROM t%d WHERE id >= %d AND id < %d ORDER BY id", v, table, n*100, n*100+100)
}

func (m *matrix) rows(r *region) (sql []string) {
	n := slices.Index(m.regions, r)
	for i := range m.kinds {
		values := append(slices.Clone(m.kinds[i].literals(r)), "NULL")
		for j, v := range values {
			sql = append(sql, fmt.Sprintf("INSERT INTO t%d VALUES (%d, %s, -1)", i, n*100+j, v))
		}
	}
	return sql
}
