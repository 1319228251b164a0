package postgres_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"bridge/casebook"
	"bridge/casebook/casebooktest"
	casepg "bridge/casebook/postgres"
	"bridge/internal/postgres"
	"bridge/internal/testserver/servertest"
	"bridge/naming"
)

func TestContract(t *testing.T) { casebooktest.Run(t, bed) }

func bed(t *testing.T) *casebooktest.Bed {
	db := servertest.Database(t, 15)
	admin := servertest.Connect(t, db.SocketDSN())
	if err := postgres.CreateTables(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	if _, _, err := postgres.Claim(t.Context(), admin, "c", "eu"); err != nil {
		t.Fatal(err)
	}
	servertest.Exec(t, db.SocketDSN(), `CREATE SCHEMA app`)
	names, err := naming.New(naming.Rules{Schemas: map[string]string{"app": "shop"}})
	if err != nil {
		t.Fatal(err)
	}
	return &casebooktest.Bed{
		Open: func(ctx context.Context) (casebook.Book, error) {
			session := postgres.Session{Name: "bridge/eu/conflicts", LockTimeout: time.Minute}
			return casepg.Open(ctx, postgres.Server{URL: db.SocketDSN()}, session, "c", "eu", names)
		},
		Exec: func(t testing.TB, sql string) { servertest.Exec(t, db.SocketDSN(), sql) },
		Rows: func(t testing.TB, sql string) (list []string) {
			results, err := admin.PgConn().Exec(t.Context(), sql).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range results[0].Rows {
				values := make([]string, len(row))
				for i, v := range row {
					if values[i] = string(v); v == nil {
						values[i] = "NULL"
					}
				}
				list = append(list, strings.Join(values, "|"))
			}
			return list
		},
		Key: func(values ...string) string {
			if values == nil {
				return "key"
			}
			return "ARRAY['" + strings.Join(values, "', '") + "']"
		},
		ParkedKey: func(value string) (string, string) { return "key", "ARRAY['" + value + "']" },
		Wide: `CREATE TYPE app.mood AS ENUM ('so so', 'glad'); CREATE DOMAIN app.plus AS numeric(9,2) CHECK (VALUE > 0);
CREATE TABLE app.wide (k bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b boolean, r real, f double precision, n numeric, d app.plus, c char(5), v varchar(9), x bytea,
  da date, tz timestamptz, ts timestamp, iv interval, j json, jb jsonb, u uuid, ip inet, a text[], m app.mood, rc regclass, bi bit(3), pt point, doubled bigint GENERATED ALWAYS AS (k * 2) STORED, "Odd ""name" text, nothing int);
INSERT INTO app.wide VALUES (DEFAULT, true, 0.1, 1e-300, 'NaN', 1.5, 'ab', 'it''s', '\x00ff', '2026-02-28', '2026-02-28 12:00:00.5+02', '2026-02-28 12:00:00', '1 mon 2 days', '{"a": 1,  "a":2}',
  '{"b":1,"a":2}', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '10.0.0.1/8', '{"x y",NULL}', 'so so', 'pg_class', '101', '(1,2)', DEFAULT, 'odd', NULL)`,
		WideRow: map[string]string{
			"k": "1", "b": "t", "r": "0.1", "f": "1e-300", "n": "NaN", "d": "1.50", "c": "ab   ", "v": "it's", "x": `\x00ff`, "da": "2026-02-28",
			"tz": "2026-02-28 10:00:00.5+00", "ts": "2026-02-28 12:00:00", "iv": "1 mon 2 days", "j": `{"a": 1,  "a":2}`, "jb": `{"a": 2, "b": 1}`,
			"u": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "ip": "10.0.0.1/8", "a": `{"x y",NULL}`, "m": "so so", "rc": "pg_class", "bi": "101", "pt": "(1,2)",
			"doubled": "2", `Odd "name`: "odd", "nothing": "NULL",
		},
	}
}
