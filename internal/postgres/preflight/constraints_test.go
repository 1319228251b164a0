package preflight_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"bridge/apply"
	applypg "bridge/apply/postgres"
	"bridge/change"
	"bridge/internal/postgres"
	"bridge/internal/postgres/preflight"
	report "bridge/internal/preflight"
	"bridge/internal/preflight/preflighttest"
	"bridge/naming"
	"bridge/visibility"
)

// TestLoadConstraints reads a schema that has everything.
func TestLoadConstraints(t *testing.T) {
	for _, version := range versions {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			b := setup(t, version)
			b.admin(`
				CREATE EXTENSION citext SCHEMA public; CREATE DOMAIN public.short AS varchar(12); CREATE DOMAIN public.shorter AS public.short NOT NULL;
				CREATE COLLATION public.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
				CREATE TYPE public.mood AS ENUM ('a', 'b');
				CREATE TABLE public.moment (at timestamp PRIMARY KEY); CREATE SCHEMA private; CREATE TABLE private.hidden (id int PRIMARY KEY);
				CREATE TABLE public.parent (a int, b int, PRIMARY KEY (a, b)) PARTITION BY HASH (a);
				CREATE TABLE public.parent_0 PARTITION OF public.parent FOR VALUES WITH (MODULUS 1, REMAINDER 0);
				CREATE TABLE public.child (id int PRIMARY KEY, a int, b int, "Mail" text NOT NULL, c char(3), d public.short, e public.shorter, f public.mood, g public.citext, h text COLLATE public.nocase,
					n numeric, x int REFERENCES private.hidden, up int REFERENCES public.child, r int4range, twice int GENERATED ALWAYS AS (a * 2) STORED, num bigint REFERENCES public.child, day date REFERENCES public.moment,
					FOREIGN KEY (b, a) REFERENCES public.parent (b, a), FOREIGN KEY (a, b) REFERENCES public.parent_0,
					CONSTRAINT u_mail UNIQUE ("Mail", c), CONSTRAINT u_de UNIQUE (d) INCLUDE (id), CONSTRAINT u_fg UNIQUE NULLS NOT DISTINCT (f, g, n), CONSTRAINT u_e UNIQUE (e), CONSTRAINT u_h UNIQUE (h));
				CREATE UNIQUE INDEX u_lower ON public.child (a, lower("Mail"));
				CREATE UNIQUE INDEX u_some ON public.child (b) WHERE a > 5;
				CREATE UNIQUE INDEX u_generated ON public.child (a) WHERE twice > 5; CREATE UNIQUE INDEX u_span ON public.child (int4range(a, b));
				CREATE UNIQUE INDEX u_swapped ON public.child (b, a) NULLS NOT DISTINCT;
				CREATE FUNCTION public.secret(text) RETURNS text IMMUTABLE CALLED ON NULL INPUT LANGUAGE plpgsql AS 'BEGIN RETURN $1; END'; REVOKE EXECUTE ON FUNCTION public.secret FROM PUBLIC;
				CREATE UNIQUE INDEX u_secret ON public.child (public.secret("Mail"));
				ALTER TABLE public.child ADD CONSTRAINT u_range EXCLUDE USING gist (r WITH &&);
				CREATE UNIQUE INDEX u_named ON public.child (b, id); CREATE INDEX plain ON public.child (a);
				CREATE UNIQUE INDEX u_pattern ON public.child (d text_pattern_ops, r range_ops)`)
			b.grant()
			list, err := preflight.LoadConstraints(t.Context(), b.connect(), b.settings.Selected)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range list {
				for _, u := range c.Unique {
					line := fmt.Sprintf("%s: unique %s %s %t", c, u.Name, u.Untold, u.NullsEqual)
					if u.Computed {
						line += " computed as " + u.Definition
					}
					for _, k := range u.Columns {
						line += fmt.Sprintf(" (%s %s null=%t naming=%t text=%t %d)", k.Name, k.Type, k.Nullable, k.Naming, k.Text, k.Width)
					}
					got = append(got, line)
				}
				for _, f := range c.Foreign {
					line := fmt.Sprintf("%s: foreign %s", c, f.Untold)
					for _, k := range f.Columns {
						line += " " + k.Name
					}
					got = append(got, line+fmt.Sprintf(" -> %s %v", f.Parent, f.Refers))
				}
			}
			want := []string{
				"public.child: unique u_de  false (d public.short null=true naming=false text=true 12)",
				"public.child: unique u_e  false (e public.shorter null=false naming=false text=true 12)",
				"public.child: unique u_fg  true (f public.mood null=true naming=false text=false 0) (g public.citext null=true naming=false text=true 0) (n numeric null=true naming=false text=false 0)",
				"public.child: unique u_generated reads a generated column, \"twice\" false computed as a WHERE (twice > 5) (a integer null=true naming=false text=false 0) (twice integer null=true naming=false text=false 0)",
				"public.child: unique u_h has a nondeterministic collation false (h text null=true naming=false text=true 0)",
				"public.child: unique u_lower  false computed as a, lower(\"Mail\") (a integer null=true naming=false text=false 0) (Mail text null=false naming=false text=true 0)",
				"public.child: unique u_mail  false (Mail text null=false naming=false text=true 0) (c character(3) null=true naming=false text=true 3)",
				"public.child: unique u_pattern has column \"r\", of whose type equal values can have different texts (int4range) false (d public.short null=true naming=false text=true 12) (r int4range null=true naming=false text=false 0)",
				"public.child: unique u_range is an exclusion constraint false (r int4range null=true naming=false text=false 0)",
				"public.child: unique u_secret can't be computed in bridge's role: permission denied for function secret false computed as public.secret(\"Mail\") (Mail text null=false naming=false text=true 0)",
				"public.child: unique u_some  false computed as b WHERE (a > 5) (a integer null=true naming=false text=false 0) (b integer null=true naming=false text=false 0)",
				"public.child: unique u_span is of int4range(a, b), of whose type equal values can have different texts (int4range) false computed as int4range(a, b) (a integer null=true naming=false text=false 0) (b integer null=true naming=false text=false 0)",
				"public.child: unique u_swapped  true (b integer null=true naming=false text=false 0) (a integer null=true naming=false text=false 0)",
				"public.child: foreign refers to a partition a b -> public.parent_0 [a b]",
				"public.child: foreign  b a -> public.parent [b a]",
				"public.child: foreign joins columns of types whose texts differ day -> public.moment [at]",
				"public.child: foreign  num -> public.child [id]",
				"public.child: foreign  up -> public.child [id]",
				"public.child: foreign refers to a table that isn't replicated, private.hidden x -> private.hidden [id]",
			}
			agree(t, b, list)
			if len(list) != 3 || list[2].String() != "public.parent" || strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("%d tables; got\n%s\nwant\n%s", len(list), strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// agree: what the report calls told are the constraints that apply keeps, and no others.
func agree(t *testing.T, b *bench, list []*report.Constrained) {
	t.Helper()
	target := applypg.NewTarget(func(string) (*pgx.ConnConfig, error) {
		return postgres.Server{URL: b.db.Server.SocketDSN(b.db.Name, b.role)}.Config(postgres.Session{Name: "bridge/eu/apply"})
	}, nil, apply.Inward{})
	target.Selected = b.settings.Selected
	defer target.Close(t.Context()) //nolint:errcheck // it was only read from
	kept, err := target.Constraints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	preflighttest.Agree(t, list, kept)
}

// TestPoliciesAreChecked: policies go by the names between the regions.
func TestPoliciesAreChecked(t *testing.T) {
	b := setup(t, 15)
	b.admin(`CREATE TABLE public.users (id int PRIMARY KEY, mail text NOT NULL UNIQUE, boss int REFERENCES public.users)`)
	b.grant()
	var err error
	if b.settings.Names, err = naming.New(naming.Rules{Tables: []naming.Table{{Local: public("users"), Stream: public("people"), Columns: map[string]string{"mail": "email"}}}}); err != nil {
		t.Fatal(err)
	}
	b.settings.Policies = visibility.Policies{public("people"): {
		Unique:  map[string]visibility.UniquePolicy{"email": {Loser: visibility.Null, Column: "email"}, "mail": {}},
		Foreign: map[string]visibility.ForeignPolicy{"boss": visibility.NullChild},
	}}
	conn := b.connect()
	report := b.check(conn)
	for _, want := range []string{
		`public.users: the policy of unique key (email) alters column "mail", which mustn't be NULL`,
		"public.users: has no unique key besides the one that names its rows (mail)",
	} {
		if find(report, preflight.Error, want) == nil {
			t.Errorf("not reported: %s\n%s", want, list(report))
		}
	}
	b.admin(`ALTER TABLE public.users ALTER mail DROP NOT NULL`)
	delete(b.settings.Policies[public("people")].Unique, "mail")
	if report := b.check(conn); report.Blocked() || find(report, preflight.Note, "(email): shown with NULL in email") == nil || find(report, preflight.Note, "(boss): shown with NULL in these columns") == nil {
		t.Errorf("after the fixes:\n%s", list(report))
	}
	b.settings.Policies = visibility.Policies{change.TableName{Schema: "public", Name: "users"}: {Unique: map[string]visibility.UniquePolicy{"email": {}}}}
	if report := b.check(conn); report.Blocked() {
		t.Errorf("policies of another table's name count:\n%s", list(report))
	}
}

// TestKeptParentsAreLoggedWhole: a table whose deleted rows are to be inserted again must tell them in its log, whichever table names it.
func TestKeptParentsAreLoggedWhole(t *testing.T) {
	b := setup(t, 15)
	b.admin(`CREATE TABLE public.users (id int PRIMARY KEY, boss int REFERENCES public.users); CREATE TABLE public.site (id int PRIMARY KEY);
CREATE TABLE public.post (id int PRIMARY KEY, author int REFERENCES public.users, site int REFERENCES public.site)`)
	b.grant()
	var err error
	if b.settings.Names, err = naming.New(naming.Rules{Tables: []naming.Table{{Local: public("users"), Stream: public("people")}}}); err != nil {
		t.Fatal(err)
	}
	b.settings.Policies = visibility.Policies{
		public("people"): {Foreign: map[string]visibility.ForeignPolicy{"boss": visibility.KeepParent}},
		public("post"):   {Foreign: map[string]visibility.ForeignPolicy{"author": visibility.KeepParent, "site": visibility.DropChild}},
	}
	conn := b.connect()
	report := b.check(conn)
	for _, key := range []string{"(boss) of public.users", "(author) of public.post"} {
		f := find(report, preflight.Error, "public.users: the policy of foreign key "+key+" is keep_parent, which inserts deleted rows of this table again: that needs whole rows in the log")
		if f == nil || f.Fix != `ALTER TABLE "public"."users" REPLICA IDENTITY FULL;` {
			t.Errorf("not reported: %s\n%s", key, list(report))
		}
	}
	b.admin(`ALTER TABLE public.users REPLICA IDENTITY FULL`)
	if report := b.check(conn); report.Blocked() || find(report, preflight.Note, "(author): kept, and the parent inserted again in all regions; (site): deleted in all regions") == nil {
		t.Errorf("after the fix:\n%s", list(report))
	}
}
