package value

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// columns are the types that the laws are tried on, each with each.
var columns = []string{
	"postgres boolean", "postgres smallint", "postgres integer", "postgres bigint", "postgres numeric", "postgres numeric(20,0)", "postgres numeric(10,2)",
	"postgres real", "postgres double precision", "postgres bit(8)", "postgres bit varying(64)",
	"postgres text", "postgres character varying(10)", "postgres character(6)", "postgres bytea", "postgres date", "postgres time without time zone",
	"postgres time(0) without time zone", "postgres interval", "postgres timestamp without time zone", "postgres timestamp(3) with time zone", "postgres timestamp with time zone",
	"postgres json", "postgres jsonb", "postgres uuid", "postgres inet", "postgres public.mood LABELS a,b c,é", "postgres text[]", "postgres integer[]",
	"postgres numeric[]", "postgres boolean[]", "postgres public.hstore",
	"mysql tinyint(1)", "mysql tinyint unsigned", "mysql smallint", "mysql mediumint unsigned", "mysql int", "mysql bigint", "mysql bigint unsigned",
	"mysql decimal(10,2)", "mysql decimal(65,30)", "mysql decimal(5,2) unsigned", "mysql float", "mysql double", "mysql year", "mysql bit(1)", "mysql bit(8)", "mysql bit(64)",
	"mysql char(6)", "mysql char(36)", "mysql varchar(10)", "mysql varchar(10) COLLATE latin1_bin", "mysql varchar(50) COLLATE utf8mb3_bin", "mysql tinytext", "mysql longtext",
	"mysql binary(3)", "mysql binary(16)", "mysql varbinary(20)", "mysql longblob", "mysql date", "mysql time", "mysql time(6)", "mysql datetime", "mysql datetime(6)", "mysql timestamp(3)",
	"mysql timestamp(6)", "mysql enum('a','b c','é')", "mysql enum('b c','x')", "mysql set('a','b c','é')", "mysql json",
	"mariadb longtext JSON", "mariadb uuid", "mariadb inet4", "mariadb inet6", "mariadb bigint",
	"wire postgres numeric", "wire mysql datetime", "wire mysql varchar", "wire mysql bit", "wire postgres bpchar",
}

func allColumns(t testing.TB) map[string]Type {
	types := map[string]Type{}
	for _, c := range columns {
		types[c] = typeOf(t, c)
	}
	return types
}

// drawText draws a text that a column of type c gives, with the odd ones often.
func drawText(t *rapid.T, c Type) string {
	postgres := c.Engine == Postgres
	switch c.Class {
	case Boolean:
		return rapid.SampledFrom([]string{"t", "f"}).Draw(t, "boolean")
	case Integer:
		return drawInteger(t, c)
	case Decimal:
		return drawDecimal(t, c)
	case Float:
		return drawFloat(t, c)
	case Year:
		return rapid.SampledFrom([]string{"0000", "1901", "2000", "2155"}).Draw(t, "year")
	case BitString:
		most := c.Length
		if most == 0 {
			most = 9
		}
		least := 0
		if c.Fixed && c.Length > 0 {
			least = most
		} else if c.Fixed {
			least = 1
		}
		return rapid.StringOfN(rapid.SampledFrom([]rune("01")), least, most, -1).Draw(t, "bits")
	case Text:
		return drawString(t, c)
	case Binary:
		most := min(c.Length, 20)
		if most == 0 {
			most = 20
		}
		least := 0
		if c.Fixed {
			least = most
		}
		return `\x` + hex.EncodeToString(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, ' ', 0xff}), least, most).Draw(t, "bytes"))
	case Date:
		return drawDate(t, postgres, true)
	case DateTime, Instant:
		return drawMoment(t, c)
	case Time:
		return rapid.SampledFrom([]string{"00:00:00", "24:00:00", "12:34:56" + drawFraction(t, c.Fraction), "23:59:59"}).Draw(t, "time")
	case Interval:
		texts := []string{"00:00:00", "24:00:00", "-00:00:01", "838:59:59", "-838:59:59", "100:00:00", "12:34:56" + drawFraction(t, c.Fraction)}
		if postgres {
			texts = append(texts, "1 day", "-1 days +02:03:00", "1 year 2 mons", "2562047788:00:54.775807", "838:59:59.5")
		}
		return rapid.SampledFrom(texts).Draw(t, "interval")
	case Enum:
		return rapid.SampledFrom(c.Labels).Draw(t, "label")
	case Set:
		var members []string
		for _, l := range c.Labels {
			if rapid.Bool().Draw(t, "member") {
				members = append(members, l)
			}
		}
		return strings.Join(members, ",")
	case JSON:
		return drawJSON(t, c, 3)
	case UUID:
		b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid")
		if uuid := dashed(hex.EncodeToString(b)); c.Engine != MariaDB || keptByMariaDB(uuid) {
			return uuid
		}
		return "00000000-0000-0000-0000-000000000000"
	case Inet:
		texts := map[string][]string{"inet": {"10.0.0.1", "10.0.0.0/8", "::1", "fe80::/10", "0.0.0.0/0", "::ffff:1.2.3.4"}, "inet4": {"0.0.0.0", "255.255.255.255"}, "inet6": {"::", "::1", "::ffff:1.2.3.4"}}
		return rapid.SampledFrom(texts[c.Name]).Draw(t, "address")
	case Array:
		a := drawArray(t, *c.Element)
		return string(a.appendTo(nil))
	case Opaque:
		return rapid.SampledFrom([]string{"", `"a"=>"1"`, "é"}).Draw(t, "opaque")
	}
	t.Fatalf("nothing draws class %s", c.Class)
	return ""
}

func drawInteger(t *rapid.T, c Type) string {
	least, most := c.integerRange()
	edges := []string{"0", "1", "2", strconv.FormatInt(least, 10), strconv.FormatUint(most, 10), strconv.FormatUint(most/2, 10)}
	if least < 0 {
		edges = append(edges, "-1", strconv.FormatInt(rapid.Int64Range(least, 0).Draw(t, "negative"), 10))
	}
	return rapid.SampledFrom(append(edges, strconv.FormatUint(rapid.Uint64Range(0, most).Draw(t, "integer"), 10))).Draw(t, "choice")
}

func drawDecimal(t *rapid.T, c Type) string {
	precision, scale := c.Precision, c.Scale
	if precision == 0 {
		precision = rapid.IntRange(1, 90).Draw(t, "precision")
		scale = rapid.IntRange(0, precision).Draw(t, "scale")
	}
	if nan, infinity := c.specialNumbers(); nan && rapid.IntRange(0, 9).Draw(t, "special") == 0 {
		if infinity {
			return rapid.SampledFrom([]string{"NaN", "Infinity", "-Infinity"}).Draw(t, "which")
		}
		return "NaN"
	}
	digits := rapid.StringOfN(rapid.SampledFrom([]rune("0000159")), 1, rapid.SampledFrom([]int{2, 5, precision}).Draw(t, "most"), -1).Draw(t, "digits")
	digits = digits[:min(len(digits), precision)]
	d := decimal{digits: digits, exp: rapid.IntRange(max(-scale, len(digits)-scale), precision-scale).Draw(t, "exp")}.trimmed()
	d.negative = d.digits != "" && !c.Unsigned && rapid.Bool().Draw(t, "negative")
	return d.plain(scale)
}

func drawFloat(t *rapid.T, c Type) string {
	if c.Engine == Postgres && rapid.IntRange(0, 9).Draw(t, "special") == 0 {
		return rapid.SampledFrom([]string{"NaN", "Infinity", "-Infinity", "-0"}).Draw(t, "which")
	}
	f := rapid.OneOf(rapid.SampledFrom([]float64{0, 1, 0.1, 1e6, 1e15, 123456789, 1e21, 1e-5, 0.5, 2024}), rapid.Float64(),
		rapid.Map(rapid.Float32(), func(f float32) float64 { return float64(f) })).Draw(t, "float")
	if c.Bits == 32 {
		f = float64(float32(f))
	}
	if math.IsInf(f, 0) || math.IsNaN(f) {
		f = 1
	}
	return formatFloat(f, c)
}

func drawString(t *rapid.T, c Type) string {
	letters := []rune("ab ,{\"'\\1-")
	switch {
	case c.Charset == "latin1":
		letters = append(letters, '€', 'é', 0x81)
	case c.Charset == "utf8mb3":
		letters = append(letters, '€', 'é', 'ł')
	default:
		letters = append(letters, '€', 'é', 'ł', '😀')
	}
	if c.Engine != Postgres {
		letters = append(letters, 0)
	}
	most := c.Length
	if most == 0 || most > 40 {
		most = 40
	}
	s := rapid.OneOf(
		rapid.StringOfN(rapid.SampledFrom(letters), 0, most, -1),
		rapid.SampledFrom([]string{"", "a", "b c", "a,b c", "{a}", "[1, 2]", "{}", "1", "::1", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC999C0B4EF8BB6D6BB9BD380A11"})).Draw(t, "text")
	if n := []rune(s); len(n) > most {
		s = string(n[:most])
	}
	if c.Fixed {
		s = strings.TrimRight(s, " ")
	}
	if c.Fixed && c.Engine == Postgres && c.Length > 0 {
		s += strings.Repeat(" ", c.Length-len([]rune(s)))
	}
	return s
}

func drawFraction(t *rapid.T, digits int) string {
	f := strings.TrimRight(rapid.StringOfN(rapid.SampledFrom([]rune("0159")), 0, digits, -1).Draw(t, "fraction"), "0")
	if f == "" {
		return ""
	}
	return "." + f
}

func drawDate(t *rapid.T, postgres, special bool) string {
	real := time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "day"), 0).UTC().Format(time.DateOnly)
	odd := []string{"0000-00-00", "2024-00-00", "2024-02-31", "0000-01-01", "9999-12-31", "0001-01-01", "1970-01-01"}
	if postgres {
		odd = []string{"10000-01-01", "0001-01-01", "9999-12-31", "1970-01-01", "2038-01-19"}
	}
	if postgres && special {
		odd = append(odd, "infinity", "-infinity", "0044-03-15 BC")
	}
	return rapid.SampledFrom(append(odd, real, real, real)).Draw(t, "date")
}

func drawMoment(t *rapid.T, c Type) string {
	suffix := ""
	if c.Class == Instant {
		suffix = "+00"
	}
	clock := rapid.SampledFrom([]string{"00:00:00", "00:00:01", "23:59:59", "03:14:07"}).Draw(t, "clock") + drawFraction(t, c.Fraction)
	if c.Class == Instant && c.Engine != Postgres {
		if rapid.IntRange(0, 9).Draw(t, "zero") == 0 {
			return "0000-00-00 00:00:00+00"
		}
		at := time.Unix(rapid.SampledFrom([]int64{1, 1 << 30, 1<<31 - 1, rapid.Int64Range(1, 1<<31-1).Draw(t, "unix")}).Draw(t, "at"), 0).UTC()
		return at.Format(time.DateTime) + drawFraction(t, c.Fraction) + suffix
	}
	if c.Engine == Postgres {
		if odd := rapid.IntRange(0, 19).Draw(t, "odd"); odd < 3 {
			return []string{"infinity", "-infinity", "0044-03-15 12:00:00" + suffix + " BC"}[odd]
		}
	}
	return drawDate(t, c.Engine == Postgres, false) + " " + clock + suffix
}

func drawArray(t *rapid.T, element Type) arrayValue {
	a := arrayValue{list: []arrayValue{}}
	for range rapid.IntRange(0, 3).Draw(t, "elements") {
		e := arrayValue{null: rapid.IntRange(0, 5).Draw(t, "null") == 0}
		if !e.null {
			e.text = drawText(t, element)
		}
		a.list = append(a.list, e)
	}
	if len(a.list) > 0 && rapid.IntRange(0, 4).Draw(t, "nested") == 0 {
		return arrayValue{list: []arrayValue{a, a}}
	}
	return a
}

func drawJSON(t *rapid.T, c Type, depth int) string {
	space := " "
	if c.Name == "json" && c.Engine == Postgres || c.Engine == MariaDB {
		space = rapid.SampledFrom([]string{"", " ", "\n"}).Draw(t, "space")
	}
	numbers := []string{"0", "1", "-1", "18446744073709551615", "0.1", "1.0"}
	if c.Engine == MySQL {
		numbers = append(numbers, "1e308", "-0.0")
	} else {
		numbers = append(numbers, "1.10", "12345678901234567890123", "0.1000000000000000055511151231257827")
	}
	strs := []string{`""`, `"a"`, `"é😀"`, `"\"\\\n"`}
	if c.Name != "jsonb" {
		strs = append(strs, `"\u0000"`)
	}
	kinds := 3
	if depth > 0 {
		kinds = 5
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return rapid.SampledFrom([]string{"null", "true", "false"}).Draw(t, "literal")
	case 1:
		return rapid.SampledFrom(numbers).Draw(t, "number")
	case 2:
		return rapid.SampledFrom(strs).Draw(t, "string")
	case 3:
		var list []string
		for range rapid.IntRange(0, 3).Draw(t, "members") {
			list = append(list, drawJSON(t, c, depth-1))
		}
		return "[" + strings.Join(list, ","+space) + "]"
	}
	var members []string
	for _, key := range slices.Compact([]string{"a", "bb", rapid.SampledFrom([]string{"bb", "é"}).Draw(t, "key")}) {
		members = append(members, fmt.Sprintf("%q:%s%s", key, space, drawJSON(t, c, depth-1)))
	}
	return "{" + strings.Join(members, ","+space) + "}"
}
