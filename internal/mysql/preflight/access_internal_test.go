package preflight

import (
	"slices"
	"strings"
	"testing"

	"bridge/change"
	"bridge/internal/preflight"
)

// TestLogInTheEngine: MariaDB 12.3 can keep its log in InnoDB, where bridge doesn't read it.
func TestLogInTheEngine(t *testing.T) {
	for engine, refused := range map[string]bool{"": false, "binlog": false, "InnoDB": true} {
		c := &checker{variables: map[string]string{"log_bin": "ON", "binlog_storage_engine": engine}}
		if err := c.log(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := slices.ContainsFunc(c.findings, func(f preflight.Finding) bool {
			return f.Level == preflight.Error && strings.Contains(f.Text, "binlog_storage_engine is InnoDB")
		})
		if got != refused {
			t.Errorf("%q: %v", engine, c.findings)
		}
	}
}

func TestCluster(t *testing.T) {
	for _, test := range []struct {
		variables map[string]string
		want      bool
	}{
		{nil, false},
		{map[string]string{"wsrep_on": "OFF", "group_replication_single_primary_mode": "OFF"}, false},
		{map[string]string{"wsrep_on": "ON"}, true},
		{map[string]string{"group_replication_group_name": "g", "group_replication_single_primary_mode": "ON"}, false},
		{map[string]string{"group_replication_group_name": "g", "group_replication_single_primary_mode": "OFF"}, true},
	} {
		if got := cluster(test.variables); (got != "") != test.want {
			t.Errorf("%v is %q", test.variables, got)
		}
	}
}

func TestParseGrant(t *testing.T) {
	c := &checker{}
	for _, line := range []string{
		"GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO `b`@`%` IDENTIFIED BY PASSWORD '*00'",
		"GRANT ALL PRIVILEGES ON `bridge`.* TO `b`@`%`",
		"GRANT SELECT (`a`, `b`), INSERT ON `shop`.`users` TO `b`@`%`",
		"GRANT TRIGGER ON `a ON ``b`.`c TO d` TO `b`@`%`",
		"GRANT DELETE ON `my\\_shop`.* TO `b`@`%`",
		"GRANT `role`@`%` TO `b`@`%`",
		"GRANT PROXY ON ''@'' TO `b`@`%`",
	} {
		if g, ok := parseGrant(line); ok {
			c.grants = append(c.grants, g)
		}
	}
	for _, test := range []struct {
		privilege, database, table string
		want                       bool
	}{
		{"REPLICATION SLAVE", "", "", true},
		{"BINLOG MONITOR", "shop", "users", true},
		{"CREATE", "bridge", "", true},
		{"CREATE", "bridge", "node", true},
		{"CREATE", "shop", "", false},
		{"INSERT", "shop", "users", true},
		{"INSERT", "shop", "user", false},
		{"SELECT", "shop", "users", false}, // some columns aren't enough
		{"TRIGGER", "a ON `b", "c TO d", true},
		{"DELETE", "my_shop", "t", true},
		{"DELETE", "my-shop", "t", false},
	} {
		if got := c.has(test.privilege, change.TableName{Schema: test.database, Name: test.table}); got != test.want {
			t.Errorf("%s on %s.%s: %t", test.privilege, test.database, test.table, got)
		}
	}
}
