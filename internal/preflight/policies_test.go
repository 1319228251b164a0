package preflight_test

import (
	"strings"
	"testing"

	"bridge/change"
	"bridge/internal/preflight"
	"bridge/naming"
	"bridge/visibility"
)

// members is a table with a key of every kind, under other names between the regions.
func members(t *testing.T) *preflight.Constrained {
	col := func(name string) preflight.KeyColumn {
		return preflight.KeyColumn{Name: name, Type: "varchar(100)", Nullable: true, Text: true, Width: 100}
	}
	narrow, number, required, id := col("phone"), preflight.KeyColumn{Name: "seat", Type: "integer", Nullable: true}, col("org"), col("id")
	narrow.Width, required.Nullable, id.Naming, id.Nullable = 39, false, true, false
	c := &preflight.Constrained{
		TableName: change.TableName{Schema: "shop", Name: "mitglied"},
		Unique: []preflight.Unique{
			{Name: "u1", Columns: []preflight.KeyColumn{col("mail")}},
			{Name: "u2", Columns: []preflight.KeyColumn{required, col("name")}},
			{Name: "u3", Columns: []preflight.KeyColumn{narrow}},
			{Name: "u4", Columns: []preflight.KeyColumn{number}},
			{Name: "u5", Columns: []preflight.KeyColumn{col("nick")}, NullsEqual: true},
			{Name: "u6", Columns: []preflight.KeyColumn{id, number}},
			{Name: "u7", Columns: []preflight.KeyColumn{col("alias")}, Untold: "has a condition (WHERE)"},
			{Name: "u9", Columns: []preflight.KeyColumn{col("handle"), col("gone")}, Computed: true},
			{Name: "u8", Columns: []preflight.KeyColumn{col("mail")}, Untold: "has a condition (WHERE)"},
		},
		Foreign: []preflight.Foreign{
			{Name: "f1", Columns: []preflight.KeyColumn{col("boss")}, Parent: change.TableName{Schema: "shop", Name: "mitglied"}, Refers: []string{"mail"}},
			{Name: "f2", Columns: []preflight.KeyColumn{required, col("site")}, Parent: change.TableName{Schema: "shop", Name: "site"}, Refers: []string{"a", "b"}},
			{Name: "f3", Columns: []preflight.KeyColumn{col("badge")}, Parent: change.TableName{Schema: "x", Name: "y"}, Untold: "refers to a table that isn't replicated, x.y"},
		},
	}
	names, err := naming.New(naming.Rules{Schemas: map[string]string{"shop": "public"}, Tables: []naming.Table{
		{Local: c.TableName, Stream: change.TableName{Schema: "public", Name: "member"}, Columns: map[string]string{"mail": "email"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Translate(names); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTranslate(t *testing.T) {
	c := members(t)
	own := &c.Foreign[0]
	if c.Between.String() != "public.member" || c.Unique[0].Key() != "email" || c.Unique[1].Key() != "org, name" ||
		own.Parent != c.Between || own.Refers[0] != "email" || c.Foreign[1].Parent.String() != "public.site" {
		t.Errorf("%+v", c)
	}
}

func TestPolicies(t *testing.T) {
	null := func(column string) visibility.UniquePolicy {
		return visibility.UniquePolicy{Loser: visibility.Null, Column: column}
	}
	rename := func(column string) visibility.UniquePolicy {
		return visibility.UniquePolicy{Loser: visibility.Rename, Column: column}
	}
	for _, tc := range []struct {
		key     string
		policy  visibility.UniquePolicy
		foreign bool
		child   visibility.ForeignPolicy
		want    string // the finding that there would be none of otherwise; empty for none
	}{
		{key: "email", policy: visibility.UniquePolicy{}},
		{key: "email", policy: null("email")},
		{key: "email", policy: rename("email")},
		{key: "org, name", policy: rename("org")},
		{key: "seat", policy: null("seat")},
		{key: "nick", policy: rename("nick")},
		{key: "mail", policy: null("mail"), want: "error: has no unique key besides the one that names its rows (mail), and a policy for it [correct the columns under conflicts.tables: " +
			"they're those between the regions, in the key's order; those of the table are (email), (handle, gone), (id, seat), (nick), (org, name), (phone), (seat)]"},
		{key: "name, org", policy: null("name"), want: "error: has no unique key besides the one that names its rows (name, org)"},
		{key: "alias", policy: visibility.UniquePolicy{}, want: "error: has a policy for the unique key besides the one that names its rows (alias), which has a condition (WHERE) [take it out"},
		{key: "org, name", policy: null("org"), want: `error: the policy of unique key (org, name) alters column "org", which mustn't be NULL`},
		{key: "nick", policy: null("nick"), want: `column "nick", which can be NULL in one row only: the key counts NULLs as equal`},
		{key: "seat", policy: rename("seat"), want: `error: the policy of unique key (seat) alters column "seat", which is of type integer: only a text can be renamed`},
		{key: "phone", policy: rename("phone"), want: `warning: the policy of unique key (phone) alters column "phone", which holds 39 characters`},
		{key: "id, seat", policy: rename("id"), want: `error: the policy of unique key (id, seat) alters column "id", which is part of the key that names the row`},
		{key: "boss", foreign: true, child: visibility.NullChild},
		{key: "org, site", foreign: true},
		{key: "org, site", foreign: true, child: visibility.NullChild, want: `error: the policy of foreign key (org, site) is set_null, and column "org" mustn't be NULL`},
		{key: "badge", foreign: true, want: "error: has a policy for the foreign key (badge), which refers to a table that isn't replicated, x.y"},
		{key: "chief", foreign: true, want: "error: has no foreign key (chief), and a policy for it [correct the columns under conflicts.tables: they're those between the regions, " +
			"in the key's order; those of the table are (boss), (org, site)]"},
	} {
		p := visibility.TablePolicies{Unique: map[string]visibility.UniquePolicy{tc.key: tc.policy}}
		if tc.foreign {
			p = visibility.TablePolicies{Foreign: map[string]visibility.ForeignPolicy{tc.key: tc.child}}
		}
		c := members(t)
		var found []string
		for _, line := range lines(preflight.Constraints(c, p)) {
			if !strings.HasPrefix(line, "note: ") && !strings.HasPrefix(line, `warning: unique key "u`) {
				found = append(found, line)
			}
		}
		if tc.want == "" && found != nil || tc.want != "" && (len(found) != 1 || !strings.Contains(found[0], tc.want)) {
			t.Errorf("%s, %+v, %s: got %q, want %q", tc.key, tc.policy, tc.child, found, tc.want)
		}
	}
}

// TestConstraintsAreTold: what becomes of losers is told of every key, and what stops still is a warning.
func TestConstraintsAreTold(t *testing.T) {
	got := lines(preflight.Constraints(members(t), visibility.TablePolicies{
		Unique:  map[string]visibility.UniquePolicy{"email": {Loser: visibility.Null, Column: "email"}, "org, name": {Loser: visibility.Rename, Column: "name"}},
		Foreign: map[string]visibility.ForeignPolicy{"boss": visibility.NullChild},
	}))
	want := []string{
		`warning: unique key "u7" has a condition (WHERE): when two regions take one value at once`,
		`warning: unique key "u8" has a condition (WHERE): `,
		"note: unique besides the key; when two regions take one value at once, the later write's row has it, and the other one is treated by policy: " +
			"(email): shown with NULL in email; (org, name): shown with another name; (phone): parked; (seat): parked; (nick): parked; (id, seat): parked",
		"note: foreign keys; when one region deletes a parent and another one adds a child at the same time, the child is treated by policy: (boss): shown with NULL in these columns; (org, site): parked",
		"note: foreign keys that bridge doesn't keep: f3 refers to a table that isn't replicated, x.y; ",
	}
	if len(got) != len(want) {
		t.Fatalf("%d findings, want %d: %q", len(got), len(want), got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got  %s\nwant %s", got[i], want[i])
		}
	}
	if none := preflight.Constraints(&preflight.Constrained{}, visibility.TablePolicies{}); none != nil {
		t.Errorf("of a table without constraints: %q", lines(none))
	}
}

// TestNextPolicies: those of conflicts.next are checked, too, and what's so either way is said once.
func TestNextPolicies(t *testing.T) {
	null := func(column string) visibility.TablePolicies {
		return visibility.TablePolicies{Unique: map[string]visibility.UniquePolicy{"org, name": {Loser: visibility.Null, Column: column}}}
	}
	now := preflight.Constraints(members(t), null("name"))
	if got := preflight.WithNext(now, preflight.Constraints(members(t), visibility.TablePolicies{})); len(got) != len(now) {
		t.Errorf("without policies: %q", lines(got))
	}
	got := lines(preflight.WithNext(now, preflight.Constraints(members(t), null("org"))))
	want := `error: conflicts.next: the policy of unique key (org, name) alters column "org", which mustn't be NULL`
	if len(got) != len(now)+1 || !strings.HasPrefix(got[len(now)], want) {
		t.Errorf("got %q, want %s", got, want)
	}
}

func lines(findings []preflight.Finding) (out []string) {
	for _, f := range findings {
		out = append(out, string(f.Level)+": "+f.Text+" ["+f.Fix+"]")
	}
	return out
}
