package mysql_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"bridge/casebook"
	"bridge/casebook/casebooktest"
	casemysql "bridge/casebook/mysql"
	"bridge/internal/mysql"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/naming"
)

func TestContract(t *testing.T) {
	for _, flavor := range servertest.Flavors {
		t.Run(flavor.String(), func(t *testing.T) {
			casebooktest.Run(t, func(t *testing.T) *casebooktest.Bed { return bed(t, flavor) })
		})
	}
}

func bed(t *testing.T, flavor testserver.Flavor) *casebooktest.Bed {
	db := servertest.MySQLDatabase(t, flavor)
	server := mysql.Server{Socket: db.Server.Socket(), User: testserver.MySQLSuperuser}
	admin, err := server.Connect(t.Context(), mysql.Session{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	if err := mysql.CreateTables(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	if _, _, err := mysql.Claim(t.Context(), admin, "c", "eu"); err != nil {
		t.Fatal(err)
	}
	exec := func(t testing.TB, sql string) []mysql.Result {
		t.Helper()
		results, err := admin.Exec(t.Context(), sql)
		if err != nil {
			t.Fatalf("%v\nin: %s", err, sql)
		}
		return results
	}
	exec(t, "DELETE FROM bridge.conflicts; DELETE FROM bridge.parked; DROP DATABASE IF EXISTS app; CREATE DATABASE app")
	names, err := naming.New(naming.Rules{Schemas: map[string]string{"app": "shop"}})
	if err != nil {
		t.Fatal(err)
	}
	b := &casebooktest.Bed{
		Open: func(ctx context.Context) (casebook.Book, error) {
			return casemysql.Open(ctx, server, mysql.Session{Name: "bridge/eu/conflicts", LockTimeout: time.Minute}, "c", "eu", names)
		},
		Exec: func(t testing.TB, sql string) { exec(t, sql) },
		Rows: func(t testing.TB, sql string) (list []string) {
			for _, row := range exec(t, sql)[0].Rows {
				values := make([]string, len(row))
				for i, v := range row {
					values[i] = "NULL"
					if s, ok := v.Text(); ok {
						values[i] = s
					}
				}
				list = append(list, strings.Join(values, "|"))
			}
			return list
		},
		Key: func(values ...string) string {
			if values == nil {
				return "`key`"
			}
			text, _ := json.Marshal(values)
			return mysql.Literal(string(text))
		},
		ParkedKey: func(value string) (string, string) {
			text, _ := json.Marshal([]string{value})
			return "row_key, `key`", mysql.HexLiteral([]byte(value)) + ", " + mysql.Literal(string(text))
		},
		Wide: wideSQL,
		WideRow: map[string]string{
			"k": "1", "f": "0.1", "d": "1e-300", "n": "1.50", "z": "7", "c": "ab", "v": "it's \\ ñ", "x": `\x00ff`, "bl": `\x`, "b": "0000000101", "y": "2026",
			"da": "0000-00-00", "ti": "-100:00:00.5", "dt": "2026-02-28 12:00:00", "ts": "2026-02-28 12:00:00.25+00", "e": "so, so", "s": "a,c", "j": `{"a": 1}`,
			"g": `\x000000000101000000000000000000f03f0000000000000040`, "doubled": "2", "odd `name": "odd", "nothing": "NULL",
		},
	}
	if flavor == testserver.FlavorMariaDB {
		b.WideRow["j"] = `{"a":1}` // as it was written
	}
	return b
}

const wideSQL = "CREATE TABLE app.wide (k int PRIMARY KEY, f float, d double, n decimal(9,2), z int(5) zerofill, c char(5), v varchar(20) CHARACTER SET latin1, x varbinary(9), bl blob," +
	" b bit(10), y year, da date, ti time(3), dt datetime(6), ts timestamp(6) NULL, e enum('so, so', 'glad'), s set('a', 'b', 'c'), j json, g point," +
	" doubled int GENERATED ALWAYS AS (k * 2) STORED, `odd ``name` text, nothing int);" +
	"INSERT INTO app.wide VALUES (1, 0.1, 1e-300, 1.5, 7, 'ab', 'it''s \\\\ ñ', x'00ff', '', b'101', 2026, '0000-00-00', '-100:00:00.5', '2026-02-28 12:00:00'," +
	" '2026-02-28 12:00:00.25', 'so, so', 'c,a', '{\"a\":1}', ST_GeomFromText('POINT(1 2)'), DEFAULT, 'odd', NULL)"
