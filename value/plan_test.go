package value

import (
	"errors"
	"strings"
	"testing"
)

// typeOf reads "postgres numeric(10,2)"; "wire postgres numeric" is a record's type.
func typeOf(t testing.TB, s string) Type {
	t.Helper()
	parse := Declared
	if rest, ok := strings.CutPrefix(s, "wire "); ok {
		parse, s = OnWire, rest
	}
	engine, name, _ := strings.Cut(s, " ")
	if engine == "-" {
		engine = ""
	}
	name, collation, _ := strings.Cut(name, " COLLATE ")
	name, json := strings.CutSuffix(name, " JSON")
	name, labels, labelled := strings.Cut(name, " LABELS ")
	typ, err := parse(Engine(engine), name)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	if labelled {
		typ = typ.WithLabels(strings.Split(labels, ","))
	}
	if json {
		typ = typ.AsJSON()
	}
	if typ.Collation = collation; collation != "" {
		typ.Charset, _, _ = strings.Cut(collation, "_")
	}
	return typ
}

// carried is one value: what becomes of it. A want of "!reason" is an unfit value whose reason begins so, and
// "!reason ~ nearest" one that clamping makes the nearest.
type carried struct{ text, want string }

var rows = []struct {
	from, to string
	values   []carried
}{
	// BIGINT UNSIGNED and its kin
	{"mysql bigint unsigned", "postgres numeric(20,0)", []carried{{"0", "0"}, {"18446744073709551615", "18446744073709551615"}}},
	{"wire postgres numeric", "mysql bigint unsigned", []carried{{"18446744073709551615", "18446744073709551615"}, {"7.00", "7"},
		{"18446744073709551616", "!outside 0 to 18446744073709551615 ~ 18446744073709551615"}, {"-1", "!outside ~ 0"},
		{"0.5", "!a fraction ~ 1"}, {"NaN", "!NaN"}, {"-Infinity", "!infinity ~ 0"}, {"-0.0", "0"}, {"1e300", "!outside ~ 18446744073709551615"}}},
	{"mysql bigint unsigned", "postgres bigint", []carried{{"9223372036854775807", "9223372036854775807"}, {"9223372036854775808", "!outside ~ 9223372036854775807"}}},
	{"mysql int unsigned", "postgres bigint", []carried{{"4294967295", "4294967295"}}},
	{"postgres bigint", "mysql int unsigned", []carried{{"4294967295", "4294967295"}, {"4294967296", "!outside ~ 4294967295"}, {"-1", "!outside ~ 0"}}},
	{"postgres integer", "mysql mediumint", []carried{{"8388607", "8388607"}, {"-8388609", "!outside -8388608 to 8388607 ~ -8388608"}}},
	{"mysql year", "postgres smallint", []carried{{"2024", "2024"}, {"0000", "0"}, {"0", "0"}}},
	{"postgres smallint", "mysql year", []carried{{"2024", "2024"}, {"0", "0000"}, {"1901", "1901"}, {"2155", "2155"}, {"24", "!neither 0 nor"}, {"2156", "!neither"}, {"-1", "!neither"}}},

	// booleans
	{"postgres boolean", "mysql tinyint(1)", []carried{{"t", "1"}, {"f", "0"}, {"true", "malformed"}}},
	{"mysql tinyint(1)", "postgres boolean", []carried{{"1", "t"}, {"0", "f"}, {"2", "!neither 0 nor 1"}, {"-1", "!neither"}, {"x", "malformed"}}},
	{"postgres boolean", "mysql bit(1)", []carried{{"t", "1"}, {"f", "0"}}},
	{"mysql bit(1)", "postgres boolean", []carried{{"1", "t"}, {"0", "f"}}},

	// bits
	{"mysql bit(64)", "postgres bit(64)", []carried{{strings.Repeat("1", 64), strings.Repeat("1", 64)}}},
	{"wire mysql bit", "postgres bit(3)", []carried{{"101", "101"}, {"11", "!shorter than 3 bits"}, {"1010", "!longer than 3 bits"}}},
	{"postgres bit varying(8)", "mysql bit(8)", []carried{{"00000001", "00000001"}, {"1", "!shorter than 8"}, {"", "!shorter"}, {"2", "malformed"}}},

	// decimals
	{"postgres numeric", "mysql decimal(10,2)", []carried{{"1.5", "1.50"}, {"1.50", "1.50"}, {"-0.25", "-0.25"}, {"0", "0.00"}, {"12345678.00", "12345678.00"},
		{"123456789", "!more than 8 digits before the point ~ 99999999.99"}, {"-123456789", "!more than 8 ~ -99999999.99"}, {"1.005", "!more than 2 digits after the point ~ 1.01"},
		{"99999999.999", "!more than 2 ~ 99999999.99"}, {"NaN", "!NaN"}, {"Infinity", "!infinity ~ 99999999.99"}, {"-Infinity", "!infinity ~ -99999999.99"},
		{"0.004", "!more than 2 ~ 0.00"}, {"1.00000", "1.00"}, {"", "malformed"}, {"1,5", "malformed"}}},
	{"postgres numeric", "mysql decimal(65,30)", []carried{{strings.Repeat("9", 35), strings.Repeat("9", 35) + "." + strings.Repeat("0", 30)}, {"1" + strings.Repeat("0", 35), "!more than 35 ~ " + strings.Repeat("9", 35) + "." + strings.Repeat("9", 30)}}},
	{"mysql decimal(10,2)", "postgres numeric", []carried{{"1.50", "1.50"}, {"-99999999.99", "-99999999.99"}}},
	{"mysql decimal(10,4)", "postgres numeric(10,2)", []carried{{"1.5000", "1.50"}, {"1.5001", "!more than 2 ~ 1.50"}}},
	{"wire postgres numeric", "postgres numeric(10,2)", []carried{{"1.50", "1.50"}, {"NaN", "NaN"}, {"1.505", "!more than 2 ~ 1.51"}}},
	{"postgres numeric", "mysql decimal(5,2) unsigned", []carried{{"-1", "!below zero ~ 0.00"}, {"-0.00", "0.00"}, {"999.99", "999.99"}}},
	{"mysql decimal(5,0)", "postgres numeric(3,-2)", []carried{{"12300", "12300"}, {"12350", "!more than -2 ~ 12400"}, {"99999", "!more than -2 ~ 99900"}, {"99950", "!more than -2 ~ 99900"}}},

	// floats
	{"postgres double precision", "mysql double", []carried{{"1e+20", "1e+20"}, {"1000000", "1e+06"}, {"0.1", "0.1"}, {"-0", "-0"}, {"5e-324", "5e-324"},
		{"1.7976931348623157e+308", "1.7976931348623157e+308"}, {"NaN", "!NaN"}, {"Infinity", "!infinity ~ 1.7976931348623157e+308"}, {"-Infinity", "!infinity ~ -1.7976931348623157e+308"}, {"0x1p3", "malformed"}}},
	{"mysql double", "postgres double precision", []carried{{"1e+06", "1000000"}, {"1e+14", "100000000000000"}, {"1e+15", "1e+15"}, {"0.0001", "0.0001"}, {"1e-05", "1e-05"}}},
	{"mysql float", "postgres real", []carried{{"3.4028235e+38", "3.4028235e+38"}, {"1e+06", "1e+06"}, {"123456", "123456"}, {"0.1", "0.1"}}},
	{"postgres double precision", "mysql float", []carried{{"0.5", "0.5"}, {"0.10000000149011612", "0.1"}, {"0.1", "!more digits than 32 bits keep ~ 0.1"}, {"1e+300", "!larger than 32 bits hold ~ 3.4028235e+38"}}},
	{"postgres real", "mysql double", []carried{{"0.1", "0.10000000149011612"}, {"5.5000003e+09", "5.500000256e+09"}}},
	{"mysql float", "postgres real", []carried{{"5.5e+09", "5.5000003e+09"}}},
	{"postgres real", "mysql float", []carried{{"5.5000003e+09", "5.5e+09"}}},
	{"mysql double", "postgres double precision", []carried{{"1.801439850948199e+16", "1.8014398509481992e+16"}}},
	{"postgres real", "mysql decimal(10,2)", []carried{{"0.1", "0.10"}}},
	{"postgres double precision", "mysql float(7,2)", []carried{{"0.25", "0.25"}, {"0.125", "!more than 2 ~ 0.13"}, {"1e+20", "!larger"}}},
	{"postgres double precision", "mysql decimal(10,4)", []carried{{"1e+05", "100000.0000"}, {"1e-05", "!more than 4 ~ 0.0000"}}},
	{"mysql double", "postgres numeric", []carried{{"1e+21", "1000000000000000000000"}, {"0.1", "0.1"}}},

	// dates
	{"mysql date", "postgres date", []carried{{"2024-02-29", "2024-02-29"}, {"0001-01-01", "0001-01-01"}, {"9999-12-31", "9999-12-31"}, {"0000-00-00", "!dates that aren't"},
		{"2024-00-00", "!dates that aren't"}, {"2023-02-29", "!dates that aren't"}, {"0000-01-01", "!dates that aren't"}, {"2024-1-1", "malformed"}, {"", "malformed"}}},
	{"postgres date", "mysql date", []carried{{"2024-02-29", "2024-02-29"}, {"infinity", "!infinity ~ 9999-12-31"}, {"-infinity", "!infinity ~ 0001-01-01"},
		{"0044-03-15 BC", "!dates BC ~ 0001-01-01"}, {"10000-01-01", "!years after 9999 ~ 9999-12-31"}, {"5874897-12-31", "malformed"}}},
	{"mysql datetime(6)", "postgres timestamp without time zone", []carried{{"2024-01-02 03:04:05.5", "2024-01-02 03:04:05.5"}, {"0000-00-00 00:00:00", "!dates that aren't"}, {"2024-02-30 00:00:00", "!dates that"}}},
	{"mysql datetime(6)", "postgres timestamp with time zone", []carried{{"2024-01-02 03:04:05.5", "2024-01-02 03:04:05.5+00"}, {"1883-11-18 00:00:00", "1883-11-18 00:00:00+00"}}},
	{"postgres timestamp with time zone", "mysql datetime(6)", []carried{{"2024-01-02 03:04:05.123456+00", "2024-01-02 03:04:05.123456"},
		{"infinity", "!infinity ~ 9999-12-31 23:59:59.999999"}, {"-infinity", "!infinity ~ 0001-01-01 00:00:00"}, {"0044-03-15 12:00:00+00 BC", "!dates BC ~ 0001-01-01 00:00:00"}, {"294276-12-31 23:59:59.999999+00", "!years after ~ 9999-12-31 23:59:59.999999"}}},
	{"postgres timestamp without time zone", "mysql datetime", []carried{{"2024-01-02 03:04:05", "2024-01-02 03:04:05"}, {"2024-12-31 23:59:59.5", "!more than 0 digits of a second ~ 2025-01-01 00:00:00"},
		{"9999-12-31 23:59:59.9", "!more than 0 ~ 9999-12-31 23:59:59"}, {"2024-01-02 03:04:05.4", "!more than 0 ~ 2024-01-02 03:04:05"}}},
	{"postgres timestamp with time zone", "mysql timestamp(3)", []carried{{"2024-01-02 03:04:05.25+00", "2024-01-02 03:04:05.25+00"}, {"1970-01-01 00:00:00+00", "!times outside ~ 1970-01-01 00:00:01+00"},
		{"2038-01-19 03:14:07+00", "2038-01-19 03:14:07+00"}, {"2038-01-19 03:14:08+00", "!times outside ~ 2038-01-19 03:14:07.999+00"}, {"infinity", "!infinity ~ 2038-01-19 03:14:07.999+00"},
		{"2038-01-19 03:14:07.999+00", "2038-01-19 03:14:07.999+00"}, {"2038-01-19 03:14:07.9996+00", "!more than 3 ~ 2038-01-19 03:14:07.999+00"}, {"2038-01-19 03:14:07.5+00", "2038-01-19 03:14:07.5+00"}, {"2024-01-02 03:04:05.2506+00", "!more than 3 ~ 2024-01-02 03:04:05.251+00"}}},
	{"postgres timestamp with time zone", "mysql timestamp", []carried{{"2038-01-19 03:14:07.6+00", "!more than 0 ~ 2038-01-19 03:14:07+00"}, {"infinity", "!infinity ~ 2038-01-19 03:14:07+00"}}},
	{"mysql timestamp(6)", "postgres timestamp with time zone", []carried{{"2024-01-02 03:04:05.000001+00", "2024-01-02 03:04:05.000001+00"}, {"0000-00-00 00:00:00+00", "!dates that aren't"}}},
	{"mysql timestamp(6)", "postgres timestamp without time zone", []carried{{"2024-01-02 03:04:05+00", "2024-01-02 03:04:05"}}},
	{"wire mysql datetime", "mysql datetime(3)", []carried{{"2024-00-00 00:00:00", "2024-00-00 00:00:00"}, {"2024-01-01 00:00:00.1234", "!more than 3 ~ 2024-01-01 00:00:00.123"}, {"2024-00-00 00:00:00.1234", "!more than 3"}}},
	{"mysql datetime", "mysql timestamp", []carried{{"0000-00-00 00:00:00", "0000-00-00 00:00:00+00"}, {"2024-00-00 00:00:00", "!dates that"}, {"0000-00-00 00:00:01", "!dates that"}}},
	{"postgres timestamp without time zone", "postgres timestamp with time zone", []carried{{"0044-03-15 12:00:00 BC", "0044-03-15 12:00:00+00 BC"}, {"infinity", "infinity"}}},
	{"postgres timestamp with time zone", "postgres timestamp without time zone", []carried{{"0044-03-15 12:00:00+00 BC", "0044-03-15 12:00:00 BC"}}},

	// times
	{"mysql time(6)", "postgres time without time zone", []carried{{"12:34:56.5", "12:34:56.5"}, {"24:00:00", "24:00:00"}, {"24:00:00.1", "!times outside ~ 24:00:00"}, {"-00:00:01", "!times outside ~ 00:00:00"}, {"838:59:59", "!times outside ~ 24:00:00"}}},
	{"mysql time(6)", "postgres interval", []carried{{"-838:59:59", "-838:59:59"}, {"00:00:00", "00:00:00"}, {"100:00:00.000001", "100:00:00.000001"}}},
	{"postgres interval", "mysql time", []carried{{"12:34:56", "12:34:56"}, {"1 day", "!intervals with days"}, {"-1 days +02:03:00", "!intervals with"}, {"839:00:00", "!intervals longer ~ 838:59:59"}, {"-2000:00:00", "!intervals longer ~ -838:59:59"}, {"00:00:00.5", "!more than 0 ~ 00:00:01"}, {"infinity", "!intervals with"}}},
	{"postgres time without time zone", "mysql time(6)", []carried{{"23:59:59.999999", "23:59:59.999999"}, {"24:00:00", "24:00:00"}}},
	{"postgres time without time zone", "mysql time", []carried{{"23:59:59.9", "!more than 0 ~ 24:00:00"}}},
	{"mysql varchar(50)", "postgres interval", []carried{{"1 year 2 mons -3 days +04:05:06.789", "1 year 2 mons -3 days +04:05:06.789"}, {"infinity", "infinity"}, {"1 day", "1 day"},
		{"", "!text that isn't"}, {"1 week", "!text that isn't"}, {"1", "!text that isn't"}, {"day 1", "!text that isn't"}}},
	{"postgres interval", "mysql varchar(50)", []carried{{"1 year 2 mons -3 days +04:05:06.789", "1 year 2 mons -3 days +04:05:06.789"}}},
	{"postgres time with time zone", "mysql varchar(50)", []carried{{"12:00:00+02", "12:00:00+02"}}},

	// enums and sets
	{"mysql enum('a','it''s','')", "postgres text", []carried{{"it's", "it's"}, {"", ""}}},
	{"mysql enum('a','b')", "postgres text", []carried{{"", "!the empty label"}}},
	{"mysql enum('a','b')", "postgres public.mood LABELS a,b,c", []carried{{"a", "a"}}},
	{"postgres public.mood LABELS a,b,c", "mysql enum('a','b')", []carried{{"a", "a"}, {"c", "!labels that the column lacks"}}},
	{"wire postgres public.mood", "mysql enum('a','b')", []carried{{"a", "a"}, {"A", "!labels"}, {"c", "!labels"}}},
	{"postgres text", "mysql enum('a','b')", []carried{{"A", "!labels"}, {"b", "b"}}},
	{"wire mysql enum", "mysql enum('a','b')", []carried{{"b", "b"}, {"B", "!labels"}}},
	{"mysql set('a','b c','d\"')", "postgres text[]", []carried{{"", "{}"}, {"a", "{a}"}, {"a,b c,d\"", `{a,"b c","d\""}`}}},
	{"postgres text[]", "mysql set('a','b c','NULL')", []carried{{"{}", ""}, {`{a,"b c"}`, "a,b c"}, {`{"NULL"}`, "NULL"}, {"{NULL}", "!arrays of more"}, {"{{a}}", "!arrays of more"},
		{`{"b c",a,a}`, "!members in another order ~ a,b c"}, {"{z}", "!members that the column lacks"}, {"[0:0]={a}", "!arrays that don't"}, {`{"a,b c"}`, "!members that"}, {"a", "malformed"}}},
	{"postgres text", "mysql set('a','b')", []carried{{"a,b", "a,b"}, {"b,a", "!members in another order ~ a,b"}, {"", ""}, {"a,,b", "!members that"}}},

	// text
	{"mysql varchar(10) COLLATE utf8mb4_0900_ai_ci", "postgres text", []carried{{"ü€😀", "ü€😀"}, {"a\x00b", "!the character U+0000"}, {"", ""}, {"a ", "a "}}},
	{"postgres text", "mysql varchar(3) COLLATE latin1_bin", []carried{{"é€™", "é€™"}, {"\u0081", "\u0081"}, {"ł", "!characters that aren't in latin1"}, {"abcd", "!longer than 3 characters ~ abc"}}},
	{"postgres text", "mysql varchar(3) COLLATE utf8mb3_bin", []carried{{"€€€", "€€€"}, {"😀", "!characters that aren't in utf8mb3"}}},
	{"postgres text", "mysql varchar(3)", []carried{{"😀😀😀", "😀😀😀"}, {"😀😀😀😀", "!longer than 3 characters ~ 😀😀😀"}, {"a  ", "a  "}}},
	{"postgres text", "mysql tinytext", []carried{{strings.Repeat("a", 255), strings.Repeat("a", 255)}, {strings.Repeat("é", 128), "!longer than 255 bytes ~ " + strings.Repeat("é", 127)}}},
	{"postgres text", "mysql char(4)", []carried{{"ab", "ab"}, {"ab ", "!spaces at the end ~ ab"}, {"", ""}, {"abcdef ", "!longer than 4 characters ~ abcd"}, {"abc d", "!longer than 4 characters ~ abc"}}},
	{"postgres character(4)", "mysql char(4)", []carried{{"ab  ", "ab"}, {"    ", ""}}},
	{"mysql char(4)", "postgres character(4)", []carried{{"ab", "ab  "}, {"éé", "éé  "}}},
	{"mysql varchar(4)", "postgres character(4)", []carried{{"ab ", "!spaces at the end ~ ab  "}, {"abcd", "abcd"}}},
	{"postgres text", "mysql varchar(3) COLLATE ascii_bin", []carried{{"abc", "abc"}, {"é", "!characters that aren't in ascii"}, {"\xff", "malformed"}}},
	{"mysql varchar(100)", "postgres name", []carried{{strings.Repeat("a", 64), "!longer than 63 bytes ~ " + strings.Repeat("a", 63)}}},

	// binary
	{"postgres bytea", "mysql binary(3)", []carried{{`\x010203`, `\x010203`}, {`\x01`, `!shorter than 3 bytes ~ \x010000`}, {`\x`, `!shorter ~ \x000000`}, {`\x01020304`, `!longer than 3 bytes ~ \x010203`}, {"01", "malformed"}}},
	{"mysql binary(3)", "postgres bytea", []carried{{`\x010000`, `\x010000`}}},
	{"postgres bytea", "mysql varbinary(2)", []carried{{`\x`, `\x`}, {`\x0000`, `\x0000`}, {`\x000000`, `!longer than 2 ~ \x0000`}}},

	// JSON
	{"mysql json", "postgres jsonb", []carried{{`{"a": 1.0}`, `{"a": 1.0}`}, {`"\u0000"`, "!the character U+0000"}, {`"\\u0000"`, `"\\u0000"`}}},
	{"postgres jsonb", "mysql json", []carried{{`{"a": [1, 2.50, 18446744073709551615, -9223372036854775808]}`, `{"a": [1, 2.50, 18446744073709551615, -9223372036854775808]}`},
		{`0.1`, `0.1`}, {`12345678901234567890123`, "!numbers that neither"}, {`0.12345678901234567890`, "!numbers that neither"}, {`1e400`, "!numbers"}, {`[1`, "malformed"}, {strings.Repeat("[", 100) + strings.Repeat("]", 100), strings.Repeat("[", 100) + strings.Repeat("]", 100)}, {strings.Repeat("[", 101) + strings.Repeat("]", 101), "!nested more than 100"}}},
	{"postgres jsonb", "mariadb longtext JSON", []carried{{`{"a": 12345678901234567890123}`, `{"a": 12345678901234567890123}`}, {strings.Repeat("[", 33) + strings.Repeat("]", 33), "!nested more than 32"}}},
	{"mariadb longtext JSON", "postgres jsonb", []carried{{` {"b":1,"a":"\ud83d\ude00"} `, ` {"b":1,"a":"\ud83d\ude00"} `}, {`"\ud83d"`, "!half of a surrogate"}, {`"\u0000"`, "!the character"}}},
	{"wire mariadb longtext", "postgres jsonb", []carried{{`{"a":1}`, `{"a":1}`}, {`{a:1}`, "!text that isn't JSON"}, {"01", "!text that"}, {"", "!text that"}}},
	{"postgres json", "mysql json", []carried{{`{"a":1,"a":2}`, `{"a":1,"a":2}`}, {`"\ud800x"`, "!half of"}}},
	{"postgres jsonb", "mysql longtext", []carried{{`{"a": 1}`, `{"a": 1}`}}},

	// arrays
	{"postgres integer[]", "mysql json", []carried{{"{1,NULL,-3}", "[1, null, -3]"}, {"{}", "[]"}, {"{{1,2},{3,4}}", "[[1, 2], [3, 4]]"}, {"[0:1]={1,2}", "!arrays that don't begin at 1"}}},
	{"postgres numeric(10,2)[]", "mysql json", []carried{{"{1.10,NaN}", `["1.10", "NaN"]`}}},
	{"postgres boolean[]", "mysql json", []carried{{"{t,f,NULL}", "[true, false, null]"}}},
	{"postgres text[]", "mysql json", []carried{{`{a,"",NULL,"NULL","a\"b\\c",é}`, `["a", "", null, "NULL", "a\"b\\c", "é"]`}}},
	{"mysql json", "postgres text[]", []carried{{`["a", "", null, "NULL", "a b"]`, `{a,"",NULL,"NULL","a b"}`}, {`{"a": 1}`, "!JSON that isn't an array"}, {`[{"a": 1}]`, "!JSON objects"}, {`[[1], [1, 2]]`, "!nested arrays"}, {"[[]]", "!nested"}, {"[1, [2]]", "!nested"}, {`["\u0000"]`, "!the character"}}},
	{"mysql json", "postgres bigint[]", []carried{{"[1, 9223372036854775807]", "{1,9223372036854775807}"}, {"[9223372036854775808]", "!elements that aren't"}, {"[1.0]", "!elements"}, {`["x"]`, "!elements"}}},
	{"wire mariadb longtext", "postgres integer[]", []carried{{"[1, 2]", "{1,2}"}, {"{1,2}", "{1,2}"}, {"[0:1]={1,2}", "[0:1]={1,2}"}, {"1", "!text that isn't an array"}}},
	{"postgres integer[]", "mysql varchar(20)", []carried{{"{1,2}", "{1,2}"}}},

	// UUIDs and addresses
	{"postgres uuid", "mysql char(36)", []carried{{"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}}},
	{"postgres uuid", "mysql char(32)", []carried{{"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc999c0b4ef8bb6d6bb9bd380a11"}}},
	{"postgres uuid", "mysql binary(16)", []carried{{"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", `\xa0eebc999c0b4ef8bb6d6bb9bd380a11`}}},
	{"mysql binary(16)", "postgres uuid", []carried{{`\xa0eebc999c0b4ef8bb6d6bb9bd380a11`, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}}},
	{"mysql char(36)", "postgres uuid", []carried{{"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}, {"a0eebc999c0b4ef8bb6d6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{"{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}, {"", "!no UUID"}, {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", "!no UUID"}, {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11-", "!no"}, {"g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "!no"}}},
	{"postgres uuid", "mariadb uuid", []carried{{"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}, {"00000000-0000-8000-8000-000000000000", "!UUIDs with"},
		{"00000000-0000-8000-8100-000000000000", "00000000-0000-8000-8100-000000000000"}, {"00000000-0000-7fff-8000-000000000000", "00000000-0000-7fff-8000-000000000000"},
		{"ffffffff-ffff-ffff-ffff-ffffffffffff", "ffffffff-ffff-ffff-ffff-ffffffffffff"}, {"ffffffff-ffff-ffff-00ff-ffffffffffff", "ffffffff-ffff-ffff-00ff-ffffffffffff"}}},
	{"mariadb uuid", "postgres uuid", []carried{{"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}}},
	{"postgres inet", "mysql varchar(43)", []carried{{"10.0.0.0/8", "10.0.0.0/8"}, {"::1", "::1"}}},
	{"postgres inet", "mariadb inet6", []carried{{"::1", "::1"}, {"10.0.0.1", "!addresses of the other family"}, {"::/0", "!networks"}}},
	{"postgres inet", "mariadb inet4", []carried{{"10.0.0.1", "10.0.0.1"}, {"::1", "!addresses"}, {"x", "malformed"}}},
	{"mysql varchar(43)", "postgres inet", []carried{{"10.0.0.1/8", "10.0.0.1/8"}, {"x", "!text that isn't an address"}, {"fe80::1%eth0", "!text"}}},

	// only text
	{"postgres public.hstore", "mysql text", []carried{{`"a"=>"1"`, `"a"=>"1"`}}},
	{"mysql text", "postgres public.hstore", []carried{{`"a"=>"1"`, `"a"=>"1"`}, {"\x00", "!the character"}}},
	{"postgres int4range", "mysql varchar(100)", []carried{{"[1,10)", "[1,10)"}}},
	{"postgres xml", "mysql longtext", []carried{{"<a/>", "<a/>"}}},
	{"postgres tsvector", "mysql longtext", []carried{{"'a':1", "'a':1"}}},
	{"postgres money", "mysql varchar(30)", []carried{{"$1.00", "$1.00"}}},
	{"postgres point", "mysql varchar(30)", []carried{{"(1,2)", "(1,2)"}}},
}

func TestValuesAcrossEngines(t *testing.T) {
	for _, row := range rows {
		from, to := typeOf(t, row.from), typeOf(t, row.to)
		for _, v := range row.values {
			checkCarried(t, row.from+" -> "+row.to, from, to, v)
		}
	}
}

func checkCarried(t *testing.T, name string, from, to Type, v carried) {
	t.Helper()
	results := map[Policy]string{}
	for _, policy := range []Policy{RefuseValue, NullValue, ClampValue} {
		p, err := NewPlan(from, to, policy)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		results[policy] = outcome(t, p, v.text)
	}
	want := map[Policy]string{RefuseValue: v.want, NullValue: v.want, ClampValue: v.want}
	if reason, ok := strings.CutPrefix(v.want, "!"); ok {
		reason, nearest, clamps := strings.Cut(reason, " ~ ")
		want = map[Policy]string{RefuseValue: "!" + reason, NullValue: "NULL", ClampValue: "!" + reason}
		if clamps {
			want[ClampValue] = nearest
		}
	}
	for policy, got := range results {
		if w := want[policy]; got != w && !(strings.HasPrefix(w, "!") && strings.HasPrefix(got, w)) {
			t.Errorf("%s: %q under %s became %q, want %q", name, v.text, policy, got, w)
		}
	}
}

// outcome is a value's text, "NULL", "!" and the reason of its refusal, or "malformed".
func outcome(t *testing.T, p *Plan, text string) string {
	t.Helper()
	v, err := p.Apply(text)
	var unfit *UnfitError
	switch {
	case err == nil && v.IsNull():
		return "NULL"
	case err == nil:
		s, _ := v.Text()
		return s
	case errors.Is(err, ErrMalformed):
		return "malformed"
	case !errors.As(err, &unfit) || !errors.Is(err, ErrUnfit):
		t.Errorf("%s: error %v isn't of one value", p, err)
	}
	if !reasonListed(p, unfit.Reason) {
		t.Errorf("%s: the reason %q isn't among the limits %q", p, unfit.Reason, p.Limits())
	}
	return "!" + unfit.Reason
}

func reasonListed(p *Plan, reason string) bool {
	for _, l := range p.Limits() {
		if strings.HasPrefix(l, reason) {
			return true
		}
	}
	return false
}
