package preflight_test

import (
	"strings"
	"testing"

	"bridge/change"
	"bridge/conflict"
	report "bridge/internal/preflight"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/value"
)

func inShop(name string) change.TableName { return change.TableName{Schema: "shop", Name: name} }

// TestConflictRules: what a table's rule can't work with is reported, with a fix; what it can isn't.
func TestConflictRules(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true})
		servertest.ExecMySQL(t, server, "", `CREATE DATABASE shop; USE shop;
			CREATE TABLE thin (id int PRIMARY KEY, a varchar(9));
			CREATE TABLE wrong (id int PRIMARY KEY, n int, f double, doc json, t text, d decimal(9,2), e enum('a'), s set('a','b'));
			CREATE TABLE listed (id int PRIMARY KEY, l json, m json, c int, odd set('b','a'), even set('a','b'));
			CREATE TABLE good (id int PRIMARY KEY, n bigint unsigned, tiny tinyint, d decimal(9,2), doc json, arr json, t text, v varchar(9), s set('a','b'), at timestamp(6) NULL)`)
		merge := func(m conflict.Merge) conflict.Column { return conflict.Column{Merge: m} }
		s := settings
		s.Rules = &conflict.Rules{Default: conflict.LastWriteWins, Tables: map[change.TableName]*conflict.Rule{
			inShop("thin"): {Order: conflict.ByHome, Home: &conflict.Home{Column: "land"}},
			inShop("wrong"): {Columns: map[string]conflict.Column{"f": merge(conflict.Counter), "n": merge(conflict.Map), "e": merge(conflict.Append), "s": merge(conflict.Counter),
				"d": merge(conflict.Set), "id": merge(conflict.Counter), "gone": merge(conflict.Max)}, Groups: [][]string{{"n", "away"}}},
			inShop("good"): {Columns: map[string]conflict.Column{"n": merge(conflict.Counter), "tiny": merge(conflict.Counter), "d": merge(conflict.Counter), "doc": merge(conflict.Map),
				"arr": merge(conflict.Set), "t": merge(conflict.Append), "v": {Merge: conflict.Set, Separator: ";"}, "s": merge(conflict.Set), "at": merge(conflict.Max)}},
			inShop("listed"):  {Columns: map[string]conflict.Column{"l": merge(conflict.Append), "m": {Merge: conflict.Append, JSON: true}, "odd": merge(conflict.Set), "even": merge(conflict.Set)}},
			inShop("nowhere"): {Order: conflict.EarliestWins},
		}}
		s.Others = []value.Engine{value.Postgres}
		s.Policy = func(table change.TableName, column string) value.Policy {
			if table.Name == "listed" && column == "c" {
				return value.ClampValue
			}
			return value.RefuseValue
		}
		r := run(t, connect(t, root(server)), s)
		if got := find(r, report.Error, `shop.listed: column "l" is appended to and holds JSON`); got != (flavor == testserver.FlavorMariaDB) || strings.Contains(list(r), `"m"`) || strings.Contains(list(r), `"even"`) {
			t.Errorf("of JSON that's text to the log:\n%s", list(r))
		}
		for _, want := range []string{
			`shop.listed: column "odd" is a merged SET whose labels aren't in their text's order`,
			`shop.listed: column "c" may hold another value than was sent`,
			`shop.thin: has no column "land", which tells its rows' home region [correct the names`,
			`shop.wrong: column "f" is of type double: a counter must be`,
			`shop.wrong: column "n" is of type int: a map must be JSON [choose another merge`,
			`shop.wrong: column "e" is of type enum`,
			`shop.wrong: column "s" is of type set`,
			`shop.wrong: column "d" is of type decimal`,
			`shop.wrong: column "id" is part of the key, which names the row: it can't be merged [take it out`,
			`shop.wrong: has no column "gone", which its conflict rule merges [correct the names`,
			`shop.wrong: has no column "away", which its conflict rule has in a group`,
			`shop.nowhere: has a conflict rule, and isn't a replicated table [correct the name`,
		} {
			if !find(r, report.Error, want) {
				t.Errorf("not reported: %s\n%s", want, list(r))
			}
		}
		if got := list(r); strings.Contains(got, "shop.good: column") || strings.Contains(got, "shop.good: its conflict rule") || strings.Contains(got, "shop.good: has no") {
			t.Errorf("reported too much of a good table:\n%s", got)
		}
	})
}
