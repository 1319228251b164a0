package config

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// withTable is the minimal file with rules for one table.
func withTable(rules string) string {
	return strings.Replace(minimal, "{default: last_write_wins}", "{default: last_write_wins, tables: {public.users: "+rules+"}}", 1)
}

func TestConstraintPolicies(t *testing.T) {
	c, err := Parse("f", []byte(withTable(`{unique: {email: park, "org, name": {rename: name}, phone: {null: phone}},
  foreign_keys: {manager: set_null, "org, site": park, badge: drop, team: keep_parent}}`)), world())
	if err != nil {
		t.Fatal(err)
	}
	got := c.Conflicts.Tables["public.users"]
	columns := map[string]string{}
	for key, p := range got.Unique {
		columns[key] = p.Column()
	}
	if want := map[string]string{"email": "", "org, name": "name", "phone": "phone"}; !reflect.DeepEqual(columns, want) || got.Unique["phone"].Null == "" || got.Unique["org, name"].Rename == "" {
		t.Errorf("unique: %+v", got.Unique)
	}
	if want := map[string]string{"manager": SetNull, "org, site": Park, "badge": Drop, "team": KeepParent}; !reflect.DeepEqual(got.ForeignKeys, want) {
		t.Errorf("foreign keys: %+v", got.ForeignKeys)
	}
	text, err := yaml.Marshal(got.Unique)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse("f", []byte(strings.Replace(minimal, "{default: last_write_wins}",
		"\n  default: last_write_wins\n  tables:\n    public.users:\n      unique:\n        "+strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n        "), 1)), world())
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for key, p := range again.Conflicts.Tables["public.users"].Unique {
		if p.Null != got.Unique[key].Null || p.Rename != got.Unique[key].Rename {
			t.Errorf("%s is printed as %s", key, text)
		}
	}
}

func TestProblemsOfConstraintPolicies(t *testing.T) {
	for _, tc := range []struct {
		rules string
		want  []string // parts of the message, which holds as many problems
	}{
		{`{unique: {email: drop}}`, []string{"conflicts.tables.public.users.unique.email: is not a word known here; use park, {null: column}"}},
		{`{unique: {email: {}}}`, []string{"unique.email: says nothing, or two things; write park"}},
		{`{unique: {email: }}`, []string{"unique.email: says nothing, or two things"}},
		{`{unique: {email: {null: email, rename: email}}}`, []string{"unique.email: says nothing, or two things"}},
		{`{unique: {"org, name": {null: nome}}}`, []string{"unique.org, name: alters column nome, which isn't in the key; name one of org, name"}},
		{`{unique: {email: {park: true}}}`, []string{"unique.email.park: unknown key; known here: null, rename", "unique.email: says nothing"}},
		{`{unique: {email: {"": x, null: email}}}`, []string{"unique.email.: unknown key"}},
		{`{unique: {"org,name": park, "a, a": park, " b": park, "": park}}`, []string{"unique.org,name: isn't a list of columns", "unique.a, a: isn't", "unique. b: isn't", "unique.: isn't"}},
		{`{unique: {email: park, email: park}}`, []string{"unique.email: is set twice"}},
		{`{unique: park}`, []string{"unique: must be a block"}},
		{`{foreign_keys: {boss: setnull, "a,b": nothing}}`, []string{"foreign_keys.boss: is not a word known here; use park, set_null, drop, keep_parent (did you mean set_null?)", "foreign_keys.a,b: isn't a list"}},
		{`{columns: {}, unique: {a: park, b: {null: b}}, foreign_keys: {c: park, d: set_null}}`, []string{"unique.b: would show rows altered", "foreign_keys.d: would show rows altered"}},
		{`{foreign_keys: {boss: {set_null: boss}}}`, []string{"foreign_keys.boss: must be a single value"}},
	} {
		_, err := Parse("f", []byte(withTable(tc.rules)), world())
		problems, ok := errors.AsType[*Problems](err)
		if !ok {
			t.Errorf("%s: error %v, want problems", tc.rules, err)
			continue
		}
		for _, want := range tc.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: no %q in:\n%v", tc.rules, want, err)
			}
		}
		if len(problems.List) != len(tc.want) {
			t.Errorf("%s: %d problems, want %d:\n%v", tc.rules, len(problems.List), len(tc.want), err)
		}
	}
}
