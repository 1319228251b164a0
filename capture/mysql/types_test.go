package mysql

import (
	"fmt"
	"strings"
	"testing"

	"bridge/change"
	"bridge/internal/testserver"
)

// typeCase is a column type, the name that bridge gives it, and values: SQL and the text that's to come.
type typeCase struct {
	column string
	name   string
	values [][2]string
	only   testserver.Flavor
}

func same(values ...string) (pairs [][2]string) {
	for _, v := range values {
		pairs = append(pairs, [2]string{"'" + v + "'", v})
	}
	return pairs
}

var typeCases = []typeCase{
	{column: "tinyint", name: "tinyint", values: same("-128", "127", "0", "-1")},
	{column: "tinyint unsigned", name: "tinyint unsigned", values: same("0", "255", "128")},
	{column: "tinyint(1)", name: "tinyint", values: same("0", "1", "2")},
	{column: "smallint", name: "smallint", values: same("-32768", "32767")},
	{column: "smallint unsigned", name: "smallint unsigned", values: same("0", "65535")},
	{column: "mediumint", name: "mediumint", values: same("-8388608", "8388607", "-1")},
	{column: "mediumint unsigned", name: "mediumint unsigned", values: same("0", "16777215")},
	{column: "int", name: "int", values: same("-2147483648", "2147483647")},
	{column: "int unsigned", name: "int unsigned", values: same("0", "4294967295")},
	{column: "int(8) zerofill", name: "int unsigned", values: same("7")},
	{column: "bigint", name: "bigint", values: same("-9223372036854775808", "9223372036854775807")},
	{column: "bigint unsigned", name: "bigint unsigned", values: same("0", "18446744073709551615")},
	{column: "decimal(10,2)", name: "decimal", values: same("-99999999.99", "99999999.99", "0.00", "-0.01", "123.45", "-1000000.50")},
	{column: "decimal(65,30)", name: "decimal", values: same("99999999999999999999999999999999999.999999999999999999999999999999", "-0.000000000000000000000000000001", "10000000000.000000001000000000000000000000")},
	{column: "decimal(20)", name: "decimal", values: same("-12345678901234567890", "1000000000", "999999999")},
	{column: "decimal(3,3)", name: "decimal", values: same("0.999", "-0.001", "0.000")},
	{column: "decimal(9,9) unsigned", name: "decimal unsigned", values: same("0.123456789")},
	{column: "float", name: "float", values: [][2]string{{"1e10", "1e+10"}, {"-0.1", "-0.1"}, {"16777217", "1.6777216e+07"}, {"3.4028234663852886e38", "3.4028235e+38"}, {"1.1754943508222875e-38", "1.1754944e-38"}}},
	{column: "double", name: "double", values: [][2]string{{"0.1", "0.1"}, {"1.7976931348623157e308", "1.7976931348623157e+308"}, {"2.2250738585072014e-308", "2.2250738585072014e-308"}, {"-123456789.125", "-1.23456789125e+08"}}},
	{column: "double", name: "double", only: testserver.FlavorMySQL, values: [][2]string{{"-0e0", "-0"}}},
	{column: "double unsigned", name: "double unsigned", values: [][2]string{{"1.5", "1.5"}}},
	{column: "bit(1)", name: "bit", values: [][2]string{{"b'0'", "0"}, {"b'1'", "1"}}},
	{column: "bit(10)", name: "bit", values: [][2]string{{"b'1000000001'", "1000000001"}, {"b'0'", "0000000000"}}},
	{column: "bit(64)", name: "bit", values: [][2]string{{"b'" + strings.Repeat("1", 64) + "'", strings.Repeat("1", 64)}}},
	{column: "year", name: "year", values: same("1901", "2155", "0000", "2024")},
	{column: "date", name: "date", values: same("0000-00-00", "1000-01-01", "9999-12-31", "2024-00-00", "2024-02-31", "2024-05-00")},
	{column: "datetime", name: "datetime", values: same("0000-00-00 00:00:00", "1000-01-01 00:00:00", "9999-12-31 23:59:59", "2024-00-00 12:00:00", "0001-02-03 04:05:06")},
	{column: "datetime(6)", name: "datetime", values: same("2024-01-02 03:04:05.123456", "2024-01-02 03:04:05.000001", "2024-01-02 03:04:05.5", "2024-01-02 03:04:05", "9999-12-31 23:59:59.999999")},
	{column: "datetime(3)", name: "datetime", values: same("2024-01-02 03:04:05.123", "2024-01-02 03:04:05.1")},
	{column: "datetime(1)", name: "datetime", values: same("2024-01-02 03:04:05.9")},
	{column: "timestamp", name: "timestamp", values: [][2]string{{"'0000-00-00 00:00:00'", "0000-00-00 00:00:00+00"}, {"'1970-01-01 00:00:01'", "1970-01-01 00:00:01+00"}, {"'2038-01-19 03:14:07'", "2038-01-19 03:14:07+00"}}},
	{column: "timestamp(6)", name: "timestamp", values: [][2]string{{"'2024-01-02 03:04:05.120000'", "2024-01-02 03:04:05.12+00"}, {"'1970-01-01 00:00:01.000001'", "1970-01-01 00:00:01.000001+00"}}},
	{column: "timestamp(2)", name: "timestamp", values: [][2]string{{"'2024-01-02 03:04:05.12'", "2024-01-02 03:04:05.12+00"}}},
	{column: "time", name: "time", values: same("-838:59:59", "838:59:59", "00:00:00", "-00:00:01", "23:59:59")},
	{column: "time(1)", name: "time", values: same("-00:00:00.1", "12:00:00.5", "-01:02:03.9", "-00:00:01")},
	{column: "time(4)", name: "time", values: same("-00:00:00.0001", "838:59:58.9999", "-838:59:58.9999")},
	{column: "time(6)", name: "time", values: same("-838:59:58.999999", "-00:00:00.000001", "01:02:03.000001", "-12:34:56.5")},
	{column: "char(10)", name: "char", values: [][2]string{{"'a  '", "a"}, {"''", ""}, {"'日本'", "日本"}}},
	{column: "char(255)", name: "char", values: [][2]string{{"REPEAT('é', 255)", strings.Repeat("é", 255)}}},
	{column: "varchar(20)", name: "varchar", values: same("", "a  ", "𝄞", "it''s\t")[:3]},
	{column: "varchar(1000)", name: "varchar", values: [][2]string{{"REPEAT('x', 1000)", strings.Repeat("x", 1000)}, {"''", ""}}},
	{column: "tinytext", name: "tinytext", values: same("", "x")},
	{column: "text", name: "text", values: [][2]string{{"CONCAT('a', CHAR(0 USING utf8mb4), 'b')", "a\x00b"}, {"''", ""}}},
	{column: "mediumtext", name: "mediumtext", values: [][2]string{{"REPEAT('ab', 50000)", strings.Repeat("ab", 50000)}}},
	{column: "longtext", name: "longtext", values: same("x")},
	{column: "binary(4)", name: "binary", values: [][2]string{{"x'00'", `\x00000000`}, {"x'01020304'", `\x01020304`}, {"x'ff00'", `\xff000000`}}},
	{column: "binary(16)", name: "binary", values: [][2]string{{"x'01'", `\x01000000000000000000000000000000`}}},
	{column: "binary(255)", name: "binary", values: [][2]string{{"x'01'", `\x01` + strings.Repeat("00", 254)}}},
	{column: "varbinary(20)", name: "varbinary", values: [][2]string{{"x''", `\x`}, {"x'00'", `\x00`}, {"x'ff00'", `\xff00`}}},
	{column: "tinyblob", name: "tinyblob", values: [][2]string{{"x'00ff'", `\x00ff`}}},
	{column: "blob", name: "blob", values: [][2]string{{"x''", `\x`}, {"REPEAT(x'ab', 300)", `\x` + strings.Repeat("ab", 300)}}},
	{column: "mediumblob", name: "mediumblob", values: [][2]string{{"x'01'", `\x01`}}},
	{column: "longblob", name: "longblob", values: [][2]string{{"x'01'", `\x01`}}},
	{column: "enum('a','b,c','ü')", name: "enum", values: same("a", "b,c", "ü")},
	{column: "enum('x','é') CHARACTER SET latin1", name: "enum", values: same("x", "é")},
	{column: "enum('x','é') CHARACTER SET ucs2", name: "enum", values: same("x", "é")},
	{column: "set('a','b','ü')", name: "set", values: [][2]string{{"'a,ü'", "a,ü"}, {"''", ""}, {"'b'", "b"}}},
	{column: "set('é','b') CHARACTER SET latin1", name: "set", values: same("é,b")},
	{column: "point", name: "point", values: [][2]string{{"ST_GeomFromText('POINT(1 2)')", `\x000000000101000000000000000000f03f0000000000000040`}}},
	{column: "geometry", name: "geometry", values: [][2]string{{"ST_GeomFromText('LINESTRING(1 2,3 4)', 4326)", `\xe6100000010200000002000000` + "*"}}},
	{column: "varchar(20) CHARACTER SET latin1", name: "varchar", values: same("é€")},
	{column: "varchar(20) CHARACTER SET ucs2", name: "varchar", values: same("é日")},
	{column: "varchar(20) CHARACTER SET utf16", name: "varchar", values: same("é𝄞")},
	{column: "varchar(20) CHARACTER SET utf16le", name: "varchar", values: same("é𝄞")},
	{column: "varchar(20) CHARACTER SET utf32", name: "varchar", values: same("é𝄞")},
	{column: "varchar(20) CHARACTER SET koi8r", name: "varchar", values: same("привет")},
	{column: "varchar(20) CHARACTER SET cp1251", name: "varchar", values: same("привет")},
	{column: "varchar(20) CHARACTER SET gbk", name: "varchar", values: same("中文 a")},
	{column: "varchar(20) CHARACTER SET sjis", name: "varchar", values: same("日本ﾃ a")},
	{column: "varchar(20) CHARACTER SET ujis", name: "varchar", values: same("日本 a")},
	{column: "varchar(20) CHARACTER SET big5", name: "varchar", values: same("中文?")},
	{column: "varchar(20) CHARACTER SET euckr", name: "varchar", values: same("한국")},
	{column: "varchar(20) CHARACTER SET utf8mb3", name: "varchar", values: same("é日")},
	{column: "varchar(20) CHARACTER SET ascii", name: "varchar", values: same("abc")},
	{column: "text CHARACTER SET latin1", name: "text", values: same("é€")},
	{column: "char(5) CHARACTER SET ucs2", name: "char", values: same("é")},

	{column: "json", name: "json", only: testserver.FlavorMySQL, values: jsonValues},
	{column: "vector(3)", name: "vector", only: testserver.FlavorMySQL, values: [][2]string{{"TO_VECTOR('[1,2,3]')", `\x0000803f0000004000004040`}}},
	{column: "geometrycollection", name: "geometrycollection", values: [][2]string{{"ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2))')", `\x000000000107000000010000000101000000000000000000f03f0000000000000040`}}},

	{column: "json", name: "longtext", only: testserver.FlavorMariaDB, values: same(`{"b": 1, "a": [2]}`)},
	{column: "uuid", name: "uuid", only: testserver.FlavorMariaDB, values: same(
		"00000000-0000-0000-0000-000000000000", "123e4567-e89b-12d3-a456-426655440000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
		"0188f5b6-1c2d-7e3f-8a4b-5c6d7e8f9a0b", "123e4567-e89b-42d3-a456-426655440000", "123e4567-e89b-12d3-0456-426655440000",
		"123e4567-e89b-62d3-a456-426655440000", "123e4567-e89b-12d3-e456-426655440000", "123e4567-e89b-a2d3-a456-426655440000",
		"123e4567-e89b-02d3-a456-426655440000", "123e4567-e89b-52d3-8456-426655440000", "123e4567-e89b-12d3-c456-426655440000")},
	{column: "inet4", name: "inet4", only: testserver.FlavorMariaDB, values: same("0.0.0.0", "1.2.3.0", "255.255.255.255")},
	{column: "inet6", name: "inet6", only: testserver.FlavorMariaDB, values: same("::", "::1", "2001:db8::1:0", "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8", "::1.2.3.4", "1:0:0:2::3", "1:0:2:3:4:5:6:7", "::ffff", "::1:ffff", "1::", "1:2:3:4:5:6:7:0", "0:2:3:4:5:6:7:8", "1:0:0:4:0:0:7:8", "::ffff:0:1", "::2:3:4")},
	{column: "text COMPRESSED", name: "text", only: testserver.FlavorMariaDB, values: [][2]string{{"REPEAT('ab', 5000)", strings.Repeat("ab", 5000)}, {"''", ""}, {"'x'", "x"}}},
	{column: "varchar(500) COMPRESSED", name: "varchar", only: testserver.FlavorMariaDB, values: [][2]string{{"REPEAT('ab', 250)", strings.Repeat("ab", 250)}, {"''", ""}, {"'x'", "x"}}},
	{column: "varchar(80) COMPRESSED", name: "varchar", only: testserver.FlavorMariaDB, values: [][2]string{{"'x'", "x"}}},
	{column: "varbinary(500) COMPRESSED", name: "varbinary", only: testserver.FlavorMariaDB, values: [][2]string{{"REPEAT('a', 300)", `\x` + strings.Repeat("61", 300)}}},
	{column: "longblob COMPRESSED", name: "longblob", only: testserver.FlavorMariaDB, values: [][2]string{{"REPEAT('a', 70000)", `\x` + strings.Repeat("61", 70000)}}},
}

// jsonValues are documents whose text is what the server prints: that is asked below.
var jsonValues = [][2]string{
	{`'null'`, "null"}, {`'{}'`, "{}"}, {`'[]'`, "[]"},
	{`'{"bb": 1, "a": [true, false, null, -1, 65536, 1.5, 1.0, "x"]}'`, `{"a": [true, false, null, -1, 65536, 1.5, 1.0, "x"], "bb": 1}`},
	{`'[1e100, 1e15, 1e14, 123456789012345680, 0.0001, 1e-15, 1e-16, 1.5e-7, 2.5e20, 1e22]'`, "*"},
	{`'[18446744073709551615, -9223372036854775808, 2147483648, -2147483649, 32768, 4294967295, 4294967296, 18446744073709551616]'`, "*"},
	{`'["\\"", "\\\\", "\\u0001", "\\b\\f\\n\\r\\t", "é", "/", "\\u007f"]'`, "*"},
	{`JSON_ARRAY(CAST('12.30' AS DECIMAL(10,2)), CAST('2024-01-02' AS DATE), CAST('2024-01-02 03:04:05.5' AS DATETIME(6)), CAST('-12:34:56.25' AS TIME(6)), CAST('00:00:00' AS TIME))`, "*"},
	{`JSON_ARRAY(CAST('0' AS DECIMAL(3,1)), CAST('-0.5' AS DECIMAL(65,30)), x'00ff', b'101', CAST(TIMESTAMP'2024-01-02 03:04:05' AS JSON))`, "*"},
	{`JSON_OBJECT('k', REPEAT('x', 70000), 'l', JSON_ARRAY(1, -70000, 70000))`, "*"},
	{`JSON_OBJECT(REPEAT('k', 300), 1, 'l', JSON_OBJECT('', JSON_ARRAY()))`, "*"},
}

func TestValuesAreAsTheServerPrintsThem(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor)
		b.exec("SET time_zone = '+00:00', sql_mode = 'ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION'", "SET NAMES utf8mb4")
		for i, tc := range typeCases {
			if tc.only != "" && tc.only != flavor {
				continue
			}
			t.Run(tc.column, func(t *testing.T) {
				b := *b
				b.TB = t
				s := b.open()
				table := fmt.Sprintf("t%d", i)
				b.exec(fmt.Sprintf("CREATE TABLE %s (id int PRIMARY KEY, v %s) CHARACTER SET utf8mb4", table, tc.column))
				for n, v := range tc.values {
					b.exec(fmt.Sprintf("INSERT INTO %s VALUES (%d, %s)", table, n, v[0]))
				}
				b.exec(fmt.Sprintf("INSERT INTO %s VALUES (%d, NULL)", table, len(tc.values)))
				var rows []change.Operation
				for _, e := range b.drain(s) {
					rows = append(rows, e.Operations...)
				}
				b.close(s)
				if len(rows) != len(tc.values)+1 {
					t.Fatalf("%d rows came", len(rows))
				}
				if name := rows[0].Table.Columns[1].Type; name != tc.name {
					t.Errorf("type %q, want %q", name, tc.name)
				}
				for n, v := range tc.values {
					got, _ := rows[n].New[1].Text()
					want := v[1]
					if tc.only != "" && (tc.column == "json" || tc.column == "uuid" || tc.name == "inet4" || tc.name == "inet6") {
						want = b.query(fmt.Sprintf("SELECT v FROM %s WHERE id = %d", table, n))[0]
					}
					if prefix, ok := strings.CutSuffix(want, "*"); got != want && !(ok && strings.HasPrefix(got, prefix)) {
						t.Errorf("%s: got %.300q, want %.300q", v[0], got, want)
					}
				}
				if v := rows[len(tc.values)].New[1]; !v.IsNull() && tc.column[:min(9, len(tc.column))] != "timestamp" {
					t.Errorf("NULL came as %v", v)
				}
			})
		}
	})
}

func TestKeysAreEqualWhereTheServersAre(t *testing.T) {
	onBoth(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newBed(t, flavor, "CREATE TABLE t (a varchar(20) COLLATE utf8mb4_general_ci, b char(5) CHARACTER SET latin1 COLLATE latin1_swedish_ci, c double, d varchar(9) COLLATE utf8mb4_bin, "+
			"e decimal(9,2), f binary(3), v int, PRIMARY KEY (a, b, c, d, e, f))")
		s := b.open()
		b.exec("INSERT INTO t VALUES ('Ab', 'É', 0, 'X', 1.50, x'01', 1)",
			"UPDATE t SET a = 'aB', b = 'é', c = -0e0",
			"UPDATE t SET a = 'áb  '",
			"DELETE FROM t")
		events := b.drain(s)
		kinds, keys := "", map[string]bool{}
		for _, e := range events {
			for _, o := range e.Operations {
				kinds += o.Kind.String() + " "
				keys[o.Key.Row] = true
			}
		}
		if kinds != "insert update update delete " || len(keys) != 1 {
			t.Errorf("%s with the keys %v", kinds, keys)
		}
		b.exec("INSERT INTO t VALUES ('Ab', 'E', 0, 'X', 1.50, x'01', 1)", "UPDATE t SET d = 'x'")
		if got := b.drain(s)[1].Operations; len(got) != 2 {
			t.Errorf("under a binary collation another key is %v", got)
		}
	})
}
