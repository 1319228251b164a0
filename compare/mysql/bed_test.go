package mysql_test

import (
	"testing"

	"bridge/change"
	"bridge/compare"
	comparemysql "bridge/compare/mysql"
	"bridge/internal/mysql"
	"bridge/internal/postgres"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/naming"
	"bridge/value"
)

// place is a region's database and how to run SQL there.
type place struct {
	name     string
	open     func(t *testing.T) compare.Region
	exec     func(sql string)
	policies map[string]value.Policy // of columns
}

// scope is what is compared under the place's policies.
func (p *place) scope(names naming.Names, selected func(change.TableName) bool) compare.Scope {
	return compare.Scope{Selected: selected, Names: names, Policy: func(_ change.TableName, column string) value.Policy { return p.policies[column] }}
}

// renamed maps a test's own database to shop, the name that all regions share.
func renamed(t *testing.T, database string) naming.Names {
	t.Helper()
	names, err := naming.New(naming.Rules{Schemas: map[string]string{database: "shop"}})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func server(s *testserver.MySQL) mysql.Server {
	return mysql.Server{Socket: s.Socket(), User: testserver.MySQLSuperuser}
}

var postgresSession = postgres.Session{Name: "test"}

func postgresServer(db servertest.DB) postgres.Server {
	return postgres.Server{Host: db.Server.SocketDir(), Port: uint16(db.Server.Port()), Database: db.Name, User: testserver.Superuser}
}

func mysqlPlace(t *testing.T, name string, flavor testserver.Flavor, schema string) *place {
	t.Helper()
	db := servertest.MySQLDatabase(t, flavor)
	p := &place{name: name, exec: func(sql string) {
		t.Helper()
		servertest.ExecMySQL(t, db.Server, db.Name, "SET time_zone = '+00:00'; "+sql)
	}}
	p.open = func(t *testing.T) compare.Region {
		t.Helper()
		r, err := comparemysql.Open(t.Context(), name, server(db.Server), mysql.Session{Name: "test"},
			p.scope(renamed(t, db.Name), func(n change.TableName) bool { return n.Schema == db.Name }))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.Close(t.Context()) })
		return r
	}
	p.exec(schema)
	return p
}

func postgresPlace(t *testing.T, name, schema string) *place {
	t.Helper()
	db := servertest.Database(t, 15)
	p := &place{name: name, exec: func(sql string) { t.Helper(); servertest.Exec(t, db.SocketDSN(), sql) }}
	p.open = func(t *testing.T) compare.Region {
		t.Helper()
		return postgresRegion(t, name, db, p.scope(naming.Names{}, all))
	}
	p.exec("CREATE SCHEMA shop; SET search_path = shop, pg_catalog; " + schema)
	return p
}

func all(change.TableName) bool { return true }

// members opens the places' databases, which are at rest.
func members(t *testing.T, places ...*place) (out []compare.Member) {
	t.Helper()
	for _, p := range places {
		out = append(out, compare.Member{Region: p.open(t)})
	}
	return out
}

func run(t *testing.T, places ...*place) *compare.Result {
	t.Helper()
	r, err := compare.Run(t.Context(), members(t, places...), compare.Options{AtRest: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wantEqual fails unless all rows of all tables are the same.
func wantEqual(t *testing.T, r *compare.Result, rows int64) {
	t.Helper()
	total := int64(0)
	for _, table := range r.Tables {
		total += table.Rows[r.Regions[0]]
		if table.Verdict != compare.Equal {
			t.Errorf("table %s is %s: definition %q, rows %+v", table.Table, table.Verdict, table.Definition, table.Different)
		}
	}
	if r.Verdict != compare.Equal || total != rows {
		t.Errorf("%s with %d rows, want %d", r.Verdict, total, rows)
	}
}

// different lists the first key columns of a table's different rows.
func different(r *compare.Result, table string) (keys []string) {
	for _, t := range r.Tables {
		if t.Table == "shop."+table {
			for _, d := range t.Different {
				keys = append(keys, d.Key[0])
			}
		}
	}
	return keys
}
