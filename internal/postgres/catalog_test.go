package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"bridge/internal/postgres"
	"bridge/internal/testserver/servertest"
)

func dial(t *testing.T, version int) *pgx.Conn {
	t.Helper()
	config, err := postgres.Server{URL: servertest.Database(t, version).SocketDSN()}.Config(postgres.Session{Name: "bridge/eu/test", LockTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(t.Context()) })
	return conn
}

func TestSessionSettingsArrive(t *testing.T) {
	for _, version := range []int{15, 18} {
		conn := dial(t, version)
		for name, want := range map[string]string{
			"client_encoding": "UTF8", "DateStyle": "ISO, MDY", "TimeZone": "UTC", "extra_float_digits": "3", "bytea_output": "hex",
			"lc_monetary": "C", "search_path": "pg_catalog", "row_security": "off", "application_name": "bridge/eu/test",
			"lock_timeout": "1s", "statement_timeout": "0", "IntervalStyle": "postgres",
		} {
			var got string
			if err := conn.QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&got); err != nil || got != want {
				t.Errorf("PostgreSQL %d: %s is %q (%v), want %q", version, name, got, err, want)
			}
		}
		if got := postgres.MajorVersion(conn); got != version {
			t.Errorf("version %d, want %d", got, version)
		}
	}
}

func TestKeyTypes(t *testing.T) {
	conn := dial(t, 15)
	_, err := conn.Exec(t.Context(), `
		CREATE SCHEMA "S x"; CREATE EXTENSION citext SCHEMA "S x";
		CREATE TYPE public."Mood" AS ENUM ('sad'); CREATE DOMAIN public.inner AS numeric(9,2); CREATE DOMAIN public.outer AS public.inner;
		CREATE DOMAIN public.mood_domain AS public."Mood"; CREATE TYPE public.pair AS (a int);
		CREATE DOMAIN public.days AS interval;`)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		sql, name, key string
		ok             bool
	}{
		{"integer", "integer", "integer", true},
		{"char(3)", "bpchar", "bpchar", true},
		{`"char"`, `"char"`, `"char"`, true},
		{"bit(3)", `"bit"`, `"bit"`, true},
		{"varbit", "bit varying", "bit varying", true},
		{"varchar(9)", "character varying", "character varying", true},
		{"timestamptz(3)", "timestamp with time zone", "timestamp with time zone", true},
		{"timetz", "time with time zone", "time with time zone", true},
		{"float4", "real", "real", true},
		{`public."Mood"`, `public."Mood"`, "enum", true},
		{"public.outer", `public."outer"`, "numeric", true},
		{"public.mood_domain", "public.mood_domain", "enum", true},
		{`"S x".citext`, `"S x".citext`, `"S x".citext`, true},
		{"public.pair", "public.pair", "public.pair", false},
		{"public.days", "public.days", "interval", false},
		{"int[]", "integer[]", "integer[]", false},
		{"name", "name", "name", true},
		{"pg_lsn", "pg_lsn", "pg_lsn", true},
		{"regclass", "regclass", "regclass", false},
		{"nummultirange", "nummultirange", "nummultirange", false},
	} {
		var oid, got uint32
		var name, key string
		if err := conn.QueryRow(t.Context(), `SELECT $1::regtype::oid`, tt.sql).Scan(&oid); err != nil {
			t.Fatal(err)
		}
		if err := conn.QueryRow(t.Context(), postgres.KeyTypesSQL, []uint32{oid}).Scan(&got, &name, &key); err != nil {
			t.Fatal(err)
		}
		_, err := postgres.Normalizer(key)
		if got != oid || name != tt.name || key != tt.key || (err == nil) != tt.ok {
			t.Errorf("%s: %s, key type %s, %v", tt.sql, name, key, err)
		}
	}
}

// Two values are one key exactly when PostgreSQL says they're equal.
func TestNormalizerAgreesWithTheServer(t *testing.T) {
	conn := dial(t, 15)
	if _, err := conn.Exec(t.Context(), `CREATE EXTENSION citext SCHEMA public`); err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	values := map[string][]string{
		"numeric":                  {"0", "-0", "0.00", "1", "1.0", "1.00", "10", "100", "-1", "-1.0", "0.1", "0.10", "1e3", "1000", "NaN", "Infinity", "-Infinity", "1e-5", "0.00001"},
		"double precision":         {"0", "-0", "1", "1.0", "NaN", "Infinity", "0.1", "1e-300", "1e20"},
		"real":                     {"0", "-0", "0.1", "0.10000001", "1e10"},
		"bpchar":                   {"", " ", "a", "a ", "a  ", " a", "A", "a\t"},
		"text":                     {"", " ", "a", "a ", "A", "ä", "a\u0308"},
		"public.citext":            {"a", "A", "ab", "Ab", "a ", "z", "Z1"},
		"uuid":                     {"a0eebc999c0b4ef8bb6d6bb9bd380a11", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"},
		"timestamp with time zone": {"2026-01-01 00:00+00", "2026-01-01 01:00+01", "infinity", "0044-03-15 BC", "2026-01-01 00:00:00.000001+00"},
		"time with time zone":      {"12:00+00", "13:00+01", "24:00+00", "00:00+00"},
		"date":                     {"2026-01-01", "20260101", "infinity", "0001-01-01 BC"},
		"inet":                     {"10.0.0.1", "10.0.0.1/32", "10.0.0.1/24", "::ffff:10.0.0.1", "::FFFF:a00:1", "::1", "0:0:0:0:0:0:0:1"},
		"cidr":                     {"10.0.0.0/8", "10/8", "10.0.0.0/16"},
		"macaddr":                  {"08:00:2b:01:02:03", "08002b010203"},
		"bytea":                    {`\x00ff`, `\000\377`, ``},
		"boolean":                  {"t", "yes", "f", "0"},
		"bit varying":              {"1", "10", "01", ""},
		"pg_lsn":                   {"0/1", "0/01", "1/0"},
		"bigint":                   {"1", "+1", "01", "-1"},
	}
	for typeName, pool := range values {
		normalize, err := postgres.Normalizer(typeName)
		if err != nil {
			t.Fatal(err)
		}
		if normalize == nil {
			normalize = func(s string) string { return s }
		}
		if typeName == "numeric" {
			for range 30 {
				pool = append(pool, fmt.Sprintf("%d.%0*d", r.IntN(3)-1, 1+r.IntN(4), r.IntN(10)), fmt.Sprint(r.IntN(20)*100))
			}
		}
		rows, err := conn.Query(t.Context(), fmt.Sprintf(`
			SELECT a.v::%[1]s::text, b.v::%[1]s::text, (a.v::%[1]s OPERATOR(%[2]s.=) b.v::%[1]s)
			FROM unnest($1::text[]) a(v), unnest($1::text[]) b(v)`, typeName, operatorSchema(typeName)), slices.Compact(pool))
		if err != nil {
			t.Fatal(err)
		}
		var a, b string
		var equal bool
		if _, err := pgx.ForEachRow(rows, []any{&a, &b, &equal}, func() error {
			if got := normalize(a) == normalize(b); got != equal {
				t.Errorf("%s %q and %q: one key %v, equal in PostgreSQL %v", typeName, a, b, got, equal)
			}
			return nil
		}); err != nil {
			t.Errorf("%s: %v", typeName, err)
		}
	}
}

func operatorSchema(typeName string) string {
	if typeName == "public.citext" {
		return "public"
	}
	return "pg_catalog"
}
