package mixed

import (
	"fmt"
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

var kinds = []kind{
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
}

const uuidText = "lower(insert(insert(insert(insert(hex(v), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-'))"

// shortest is the float in the middle of a row, as Go prints it.
func shortest(row string) string {
	f := strings.Split(row, "\t")
	if n, err := strconv.ParseFloat(f[1], 64); err == nil {
		f[1] = fmt.Sprint(n)
	}
	return strings.Join(f, "\t")
}

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

func matrixSchema(r *region) string {
	var sql []string
	for i := range kinds {
		sql = append(sql, fmt.Sprintf("CREATE TABLE t%d (id bigint PRIMARY KEY, v %s, other int)", i, kinds[i].declaration(r)))
	}
	return strings.Join(sql, ";")
}

// TestMatrix: values of each type that has a counterpart, written in a region of each engine, are the same in all of
// them; and they stay so, to the letter, when a region of another engine updates another column.
func TestMatrix(t *testing.T) {
	m := newMesh(t, matrixSchema, value.Postgres, value.MySQL, value.MariaDB)
	m.startAll()
	for _, r := range m.regions {
		r.exec(t, strings.Join(matrixRows(m, r), ";"))
	}
	before := map[string][]string{} // as each region that wrote them has its rows
	for i := range kinds {
		for n, r := range m.regions {
			before[fmt.Sprint(i, r.name)] = r.query(t, own(r, i, n))
		}
	}
	m.settle()
	check := func(what string) {
		t.Helper()
		for i := range kinds {
			k := &kinds[i]
			rows := m.equal(func(r *region) string { return fmt.Sprintf("SELECT id, %s, other FROM t%d ORDER BY id", k.read(r), i) }, k.form)
			if want := 3 * (len(k.values) + 1); len(rows) != want {
				t.Errorf("%s: table %d (%s, %s) has %d rows, want %d", what, i, k.postgres, k.mysql, len(rows), want)
			}
			for n, r := range m.regions {
				if now := r.query(t, own(r, i, n)); !slices.Equal(now, before[fmt.Sprint(i, r.name)]) {
					t.Errorf("%s: what %s wrote in table %d (%s, %s) has changed there from %q to %q", what, r.name, i, k.postgres, k.mysql, before[fmt.Sprint(i, r.name)], now)
				}
			}
		}
	}
	check("written")
	for n, r := range m.regions { // each region updates what the next one has written
		var sql []string
		for i := range kinds {
			sql = append(sql, fmt.Sprintf("UPDATE t%d SET other = %d WHERE id / 100 = %d", i, n, (n+1)%3))
		}
		if r.engine != value.Postgres {
			for i := range sql {
				sql[i] = strings.Replace(sql[i], "id / 100", "id DIV 100", 1)
			}
		}
		r.exec(t, strings.Join(sql, ";"))
	}
	m.settle()
	check("other column updated")
}

// own are a region's own rows of a table as the server prints them, without the column that others change.
func own(r *region, table, n int) string {
	v := r.is("v::text", "hex(cast(v AS char))")
	switch k := &kinds[table]; {
	case k.mysql == "json":
		v = k.read(r) // a document's meaning: how it's written is up to each engine
	case r.engine != value.Postgres && strings.Contains(k.mysql, "binary"):
		v = "hex(v)"
	}
	return fmt.Sprintf("SELECT id, %s FROM t%d WHERE id >= %d AND id < %d ORDER BY id", v, table, n*100, n*100+100)
}

func matrixRows(m *mesh, r *region) (sql []string) {
	n := slices.Index(m.regions, r)
	for i := range kinds {
		values := append(slices.Clone(kinds[i].literals(r)), "NULL")
		for j, v := range values {
			sql = append(sql, fmt.Sprintf("INSERT INTO t%d VALUES (%d, %s, -1)", i, n*100+j, v))
		}
	}
	return sql
}
