package preflight_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bridge/apply"
	applymysql "bridge/apply/mysql"
	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/mysql/preflight"
	report "bridge/internal/preflight"
	"bridge/internal/preflight/preflighttest"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/naming"
	"bridge/value"
	"bridge/visibility"
)

// TestLoadConstraints reads a schema that has everything.
func TestLoadConstraints(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true})
		servertest.ExecMySQL(t, server, "", `CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_bin; CREATE DATABASE hidden; USE shop;
			CREATE TABLE hidden.far (id int PRIMARY KEY);
			CREATE TABLE parent (a int, b int, c int, PRIMARY KEY (a, b), KEY loose (c));
			CREATE TABLE child (id int PRIMARY KEY, a int, b int, Mail varchar(100) NOT NULL, c char(3), e enum('x', 'y'), t text, g int AS (id % 7) STORED, x int, up int, bin varbinary(9),
				UNIQUE KEY u_mail (mail, c), UNIQUE KEY u_e (e, bin), UNIQUE KEY u_id (id, b), UNIQUE KEY u_prefix (c, t(5)), UNIQUE KEY u_gen (a, g),
				CONSTRAINT f_parent FOREIGN KEY (b, a) REFERENCES parent (a, b), CONSTRAINT f_far FOREIGN KEY (x) REFERENCES hidden.far (id), CONSTRAINT f_up FOREIGN KEY (up) REFERENCES child (id))`)
		want := []string{
			"shop.child: unique u_e  (e enum('x','y') null=true naming=false text=false 0) (bin varbinary(9) null=true naming=false text=false 0)",
			"shop.child: unique u_gen  of a, id MOD 7 (id int null=false naming=true text=false 0) (a int null=true naming=false text=false 0)",
			"shop.child: unique u_id  (id int null=false naming=true text=false 0) (b int null=true naming=false text=false 0)",
			"shop.child: unique u_mail  (Mail varchar(100) null=false naming=false text=true 100) (c char(3) null=true naming=false text=true 3)",
			"shop.child: unique u_prefix  of c, LEFT(t, 5) (c char(3) null=true naming=false text=true 3) (t text null=true naming=false text=true 65535)",
			"shop.child: foreign f_far refers to a table that isn't replicated, hidden.far x -> hidden.far [id]",
			"shop.child: foreign f_parent  b a -> shop.parent [a b]",
			"shop.child: foreign f_up  up -> shop.child [id]",
		}
		if flavor == testserver.FlavorMySQL {
			servertest.ExecMySQL(t, server, "shop", `CREATE UNIQUE INDEX u_lower ON child (a, (lower(mail))); ALTER TABLE child ADD j json; CREATE UNIQUE INDEX u_many ON child ((CAST(j->'$' AS UNSIGNED ARRAY)));
				SET restrict_fk_on_non_standard_key = OFF; CREATE TABLE loose (id int PRIMARY KEY, c int, CONSTRAINT f_loose FOREIGN KEY (c) REFERENCES parent (c))`)
			want[1] = strings.Replace(want[1], "id MOD 7", "(id % 7)", 1)
			want = slices.Insert(want, 3, "shop.child: unique u_lower  of a, lower(`Mail`) (a int null=true naming=false text=false 0) (Mail varchar(100) null=false naming=false text=true 100)")
			want = slices.Insert(want, 5, "shop.child: unique u_many is of an array, of which a row has several values of ")
		} else {
			servertest.ExecMySQL(t, server, "shop", `ALTER TABLE child ADD UNIQUE KEY u_long (t);
				CREATE TABLE loose (id int PRIMARY KEY, c int, CONSTRAINT f_loose FOREIGN KEY (c) REFERENCES parent (c))`)
			want = slices.Insert(want, 3, "shop.child: unique u_long  (t text null=true naming=false text=true 65535)")
		}
		want = append(want, "shop.loose: foreign f_loose refers to columns that aren't a key of shop.parent c -> shop.parent [c]")
		tables, err := preflight.LoadConstraints(t.Context(), connect(t, root(server)), func(n change.TableName) bool { return n.Schema == "shop" })
		if err != nil {
			t.Fatal(err)
		}
		agree(t, server, tables)
		var got []string
		for _, c := range tables {
			for _, u := range c.Unique {
				line := fmt.Sprintf("%s: unique %s %s", c, u.Name, u.Untold)
				if u.Computed {
					line += " of " + u.Definition
				}
				for _, k := range u.Columns {
					line += fmt.Sprintf(" (%s %s null=%t naming=%t text=%t %d)", k.Name, strings.Replace(k.Type, "int(11)", "int", 1), k.Nullable, k.Naming, k.Text, k.Width)
				}
				got = append(got, line)
			}
			for _, f := range c.Foreign {
				line := fmt.Sprintf("%s: foreign %s %s", c, f.Name, f.Untold)
				for _, k := range f.Columns {
					line += " " + k.Name
				}
				got = append(got, line+fmt.Sprintf(" -> %s %v", f.Parent, f.Refers))
			}
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// agree: what the report calls told are the constraints that apply keeps, and no others.
func agree(t *testing.T, server *testserver.MySQL, list []*report.Constrained) {
	t.Helper()
	target := applymysql.NewTarget(func(ctx context.Context, _ string) (*mysql.Conn, error) {
		return root(server).Connect(ctx, mysql.Session{Name: "bridge/test"})
	}, 1, apply.Inward{})
	target.Selected = func(n change.TableName) bool { return n.Schema == "shop" }
	kept, err := target.Constraints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	preflighttest.Agree(t, list, kept)
}

// TestPoliciesAreChecked: policies go by the names between the regions; a unique text must be equal to itself alone beside
// PostgreSQL, and the statement that's printed makes it so.
func TestPoliciesAreChecked(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true})
		servertest.ExecMySQL(t, server, "", `CREATE DATABASE shop; USE shop;
			CREATE TABLE users (id int PRIMARY KEY, mail varchar(100) COLLATE utf8mb4_general_ci NOT NULL UNIQUE, nick varchar(20) COLLATE utf8mb4_bin UNIQUE, boss int, FOREIGN KEY (boss) REFERENCES users (id))`)
		s := settings
		s.Others = []value.Engine{value.Postgres}
		var err error
		s.Names, err = naming.New(naming.Rules{Schemas: map[string]string{"shop": "public"}, Tables: []naming.Table{{Local: inShop("users"), Columns: map[string]string{"mail": "email"}}}})
		if err != nil {
			t.Fatal(err)
		}
		s.Policies = visibility.Policies{change.TableName{Schema: "public", Name: "users"}: {
			Unique:  map[string]visibility.UniquePolicy{"email": {Loser: visibility.Null, Column: "email"}, "nick": {Loser: visibility.Rename, Column: "nick"}, "mail": {}},
			Foreign: map[string]visibility.ForeignPolicy{"boss": visibility.NullChild},
		}}
		r := run(t, connect(t, root(server)), s)
		for level, wants := range map[report.Level][]string{
			report.Error: {`shop.users: the policy of unique key (email) alters column "mail", which mustn't be NULL`,
				"shop.users: has no unique key besides the one that names its rows (mail), and a policy for it"},
			report.Warning: {`shop.users: the policy of unique key (nick) alters column "nick", which holds 20 characters`,
				`shop.users: unique key "mail", column "mail": equality is the collation's: under utf8mb4_general_ci`, `shop.users: unique key "nick", column "nick": equality is the collation's: `},
			report.Note: {"(boss): shown with NULL in these columns"},
		} {
			for _, w := range wants {
				if !find(r, level, w) {
					t.Errorf("no %s: %s\n%s", level, w, list(r))
				}
			}
		}
		for _, f := range r.Findings {
			if statement, _, ok := strings.Cut(f.Fix, ";"); ok && strings.HasPrefix(f.Text, "unique key") {
				servertest.ExecMySQL(t, server, "", statement)
			}
		}
		if r := run(t, connect(t, root(server)), s); find(r, report.Warning, "shop.users: unique key") {
			t.Errorf("after the fixes:\n%s", list(r))
		}
		if got := servertest.QueryMySQL(t, server, "shop", "SELECT is_nullable FROM information_schema.columns WHERE table_name = 'users' AND column_name IN ('mail', 'nick') ORDER BY column_name"); fmt.Sprint(got) != "[NO YES]" {
			t.Errorf("the fixes have changed what may be NULL: %v", got)
		}
	})
}
