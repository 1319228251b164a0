package config

import (
	"reflect"
	"strings"
	"testing"
)

const mixed = `
cluster: shop
region: us
regions: {eu: {engine: postgres}, us: {}, ap: {engine: mariadb}}
database: {engine: mysql, host: /run/mysqld/mysqld.sock, dbname: shop, user: bridge, server_id: 4000000000}
kafka: {brokers: [kafka:9092]}
conflicts: {default: last_write_wins}
tables:
  exclude: [shop.tmp_*]
  schemas: {shop: public}
  rename: {shop.people: {to: public.users, columns: {nm: name}}}
  on_unrepresentable: {shop.events.at: clamp}
  allow_triggers: [shop.people.audit]
`

func TestMixedEngines(t *testing.T) {
	c, err := Parse("f", []byte(mixed), world())
	if err != nil {
		t.Fatal(err)
	}
	for region, want := range map[string]string{"eu": PostgreSQL, "us": MySQL, "ap": MariaDB} {
		if got := c.EngineOf(region); got != want {
			t.Errorf("region %s is of engine %q, want %q", region, got, want)
		}
	}
	for name, want := range map[string]bool{
		"shop.people": true, "shop.tmp_1": false, "other.people": false, "sys.x": false, "bridge.node": false,
	} {
		schema, table, _ := strings.Cut(name, ".")
		if got := c.Replicates(schema, table); got != want {
			t.Errorf("%s is replicated: %t", name, got)
		}
	}
	want := map[string]Rename{"shop.people": {To: "public.users", Columns: map[string]string{"nm": "name"}}}
	if !reflect.DeepEqual(c.Tables.Rename, want) || c.Tables.Schemas["shop"] != "public" || c.Tables.OnUnrepresentable["shop.events.at"] != "clamp" {
		t.Errorf("tables are %+v", c.Tables)
	}
}

// TestSystemSchemas: what's the system's in one engine is an application's in another.
func TestSystemSchemas(t *testing.T) {
	for schema, want := range map[string][2]bool{"pg_catalog": {false, true}, "sys": {true, false}, "mysql": {true, false}, "bridge": {false, false}} {
		for i, engine := range []string{PostgreSQL, MariaDB} {
			c := &Config{Database: Database{Engine: engine}, Tables: Tables{Include: []string{"*.*"}}}
			if got := c.Replicates(schema, "t"); got != want[i] {
				t.Errorf("%s: tables of %s are replicated: %t", engine, schema, got)
			}
		}
	}
}

func TestProblemsOfEngines(t *testing.T) {
	for _, test := range []struct{ old, new, want string }{
		{"engine: mysql", "engine: mysqll", "database.engine: is not a word known here"},
		{"server_id: 4000000000", "slot: s", "database.slot: means nothing to engine mysql"},
		{"engine: mysql,", "", "database.server_id: means nothing to engine postgres"},
		{"dbname: shop, ", "", "tables.include: is empty"},
		{"us: {}", "us: {engine: mariadb}", "regions.us.engine: isn't this region's database.engine"},
		{"engine: mariadb", "engine: oracle", "regions.ap.engine: is not a word"},
		{"schemas: {shop: public}", "schemas: {shop: public, s2: public}", "tables.schemas.shop: has the same name"},
		{"to: public.users", "to: users", "tables.rename.shop.people.to: isn't of the form"},
		{"{nm: name}", "{nm: name, n2: name}", "tables.rename.shop.people.columns.nm: is empty, or the same"},
		{"at: clamp", "at: guess", "tables.on_unrepresentable.shop.events.at: is not a word"},
		{"shop.events.at", "shop.events", "tables.on_unrepresentable.shop.events: isn't of the form"},
		{"shop.people.audit", "audit", "tables.allow_triggers[0]: isn't of the form"},
	} {
		if !strings.Contains(mixed, test.old) {
			t.Fatalf("the file has no %q", test.old)
		}
		_, err := Parse("f", []byte(strings.Replace(mixed, test.old, test.new, 1)), world())
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s in place of %s: %v; want %q", test.new, test.old, err, test.want)
		}
	}
}
