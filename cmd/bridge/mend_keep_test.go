package main

import (
	"strconv"
	"strings"
	"testing"

	"bridge/internal/testserver/servertest"
)

// TestKeepsParents: a deleted parent is back in all regions if another one gave it a child at the same time, with its own parents; one region
// records it.
func TestKeepsParents(t *testing.T) {
	t.Parallel()
	m := newMesh(t, `CREATE TABLE public.countries (code text PRIMARY KEY, name text);
CREATE TABLE public.customers (id int PRIMARY KEY, country text REFERENCES public.countries, name text UNIQUE);
CREATE TABLE public.orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES public.customers, note text);
CREATE TABLE public.lines (id int PRIMARY KEY, order_id int NOT NULL REFERENCES public.orders);
ALTER TABLE public.countries REPLICA IDENTITY FULL; ALTER TABLE public.customers REPLICA IDENTITY FULL;
INSERT INTO public.countries VALUES ('de', 'Germany'), ('fr', 'France');
INSERT INTO public.customers SELECT n, CASE WHEN n < 3 THEN 'fr' ELSE 'de' END, 'customer ' || n FROM generate_series(1, 9) n`)
	m.rules(`{public.customers: {foreign_keys: {country: keep_parent}}, public.orders: {foreign_keys: {customer: keep_parent}}}`)
	m.setUp()
	if a := bridge(t, nil, "check", "-c", m.regions["eu"].file); a.code != 0 || !strings.Contains(a.stdout, "parents that rows lack by the foreign key (customer) are inserted again by the bridge of region ap") {
		t.Errorf("%+v", a)
	}
	shows := func(sql, want string) {
		t.Helper()
		for _, region := range meshNames {
			m.eventually(region+" shows "+want, func() bool { return m.query(region, sql) == want })
		}
	}
	const customers = `SELECT coalesce(string_agg(concat_ws(' ', id, country, name), ', ' ORDER BY id), '') FROM public.customers WHERE id < 4`
	const orders = `SELECT coalesce(string_agg(id || ' ' || customer, ', ' ORDER BY id), '') FROM public.orders`

	// The region that mends is away: the others hide the children, and know what their parent was, also after a restart.
	m.exec("eu", `DELETE FROM public.customers WHERE id IN (1, 2, 3)`)
	m.exec("eu", `DELETE FROM public.countries WHERE code = 'fr'`)
	m.exec("us", `INSERT INTO public.orders VALUES (10, 1, 'first'), (11, 1, 'second'); INSERT INTO public.lines VALUES (100, 10)`)
	m.start("eu", "us")
	for _, region := range []string{"eu", "us"} {
		m.parkedIn(region, 3)
		m.eventually(region+" knows both", func() bool { // the country's delete may come later
			a := bridge(t, nil, "parked", "show", "public.orders", "10", "-c", m.regions[region].file)
			return a.code == 0 && strings.Contains(a.stdout, "public.countries (fr) was deleted by eu/1:") && strings.Contains(a.stdout, "public.customers (1) was deleted by eu/1:")
		})
	}
	m.start("ap")
	if got := strings.Join(m.mendedIn("ap", "restored", 2), ", "); got != "public.countries (fr), public.customers (1)" {
		t.Errorf("restored %s", got)
	}
	shows(customers, "1 fr customer 1")
	shows(orders, "10 1, 11 1")
	shows(`SELECT count(*)::text FROM public.lines`, "1")
	for _, region := range meshNames {
		m.parkedIn(region, 0)
	}
	for _, c := range m.cases("ap") {
		if c.Outcome == "restored" && c.Row() == "public.customers (1)" {
			a := bridge(t, nil, "conflicts", "show", strconv.FormatInt(c.ID, 10), "-c", m.regions["ap"].file)
			if a.code != 0 || !strings.Contains(a.stdout, "the policy of the constraint orders_customer_fkey is keep_parent: this region inserted the row again") {
				t.Errorf("%+v", a)
			}
		}
	}
	m.alike()

	// It's in the mending region that the parent was deleted, and the child written in another one; and the other way round.
	m.apart("ap", `DELETE FROM public.customers WHERE id = 4`, "us", `INSERT INTO public.orders VALUES (40, 4, 'x')`)
	shows(`SELECT count(*)::text FROM public.customers c JOIN public.orders o ON o.customer = c.id WHERE c.id = 4 AND o.id = 40`, "1")
	m.apart("ap", `INSERT INTO public.orders VALUES (50, 5, 'x')`, "us", `DELETE FROM public.customers WHERE id = 5`)
	shows(`SELECT count(*)::text FROM public.customers c JOIN public.orders o ON o.customer = c.id WHERE c.id = 5 AND o.id = 50`, "1")

	// Another row has taken the parent's name: the child waits, and nothing stops. It's shown when the name is free.
	m.apart("eu", `DELETE FROM public.customers WHERE id = 6; INSERT INTO public.customers VALUES (16, 'de', 'customer 6')`, "us", `INSERT INTO public.orders VALUES (60, 6, 'x')`)
	for _, region := range meshNames {
		m.parkedIn(region, 1)
	}
	m.exec("eu", `INSERT INTO public.customers VALUES (20, 'de', 'somebody')`)
	shows(`SELECT count(*)::text FROM public.customers WHERE id = 20`, "1")
	m.regions["ap"].stop()
	m.exec("us", `DELETE FROM public.customers WHERE id = 16`)
	m.start("ap")
	shows(`SELECT count(*)::text FROM public.customers c JOIN public.orders o ON o.customer = c.id WHERE c.id = 6 AND o.id = 60`, "1")

	// The region that mends is stopped and started while others write.
	m.exec("us", `INSERT INTO public.customers SELECT n, 'de', 'many ' || n FROM generate_series(1000, 1019) n`)
	shows(`SELECT count(*)::text FROM public.customers WHERE id >= 1000`, "20")
	restored := len(m.mendedIn("ap", "restored", 5))
	for _, region := range []string{"eu", "us"} {
		m.regions[region].stop()
	}
	m.exec("eu", `DELETE FROM public.customers WHERE id >= 1000`)
	m.exec("us", `INSERT INTO public.orders SELECT n, n, 'kept' FROM generate_series(1000, 1019) n`)
	m.start("eu", "us")
	m.eventually("ap has restored some", func() bool { return len(m.mendedIn("ap", "restored", restored)) > restored })
	m.regions["ap"].stop()
	m.start("ap")
	shows(`SELECT count(*)::text FROM public.customers c JOIN public.orders o ON o.customer = c.id WHERE c.id >= 1000`, "20")
	for _, region := range meshNames {
		m.parkedIn(region, 0)
	}
	m.alike()
	if got := len(m.mendedIn("ap", "restored", restored+20)); got != restored+20 {
		t.Errorf("%d cases, want %d: each row once", got, restored+20)
	}

	// The log doesn't tell the parent any more: the child waits.
	for _, region := range meshNames {
		m.regions[region].stop()
	}
	m.exec("eu", `ALTER TABLE public.customers REPLICA IDENTITY DEFAULT; DELETE FROM public.orders WHERE id = 40; DELETE FROM public.customers WHERE id = 4`)
	m.exec("ap", `INSERT INTO public.orders VALUES (41, 4, 'x')`)
	m.start(meshNames...)
	for _, region := range meshNames {
		if left := m.parkedIn(region, 1); left[0].Row() != "public.orders (41)" || len(left[0].Lost) != 0 {
			t.Errorf("%s has parked %s with %d lost parents", region, left[0].Row(), len(left[0].Lost))
		}
	}
	m.alike()
}

// TestKeepsParentsAcrossEngines: MariaDB is the region that inserts the parent again, which PostgreSQL has deleted, for a row of MySQL's.
func TestKeepsParentsAcrossEngines(t *testing.T) {
	t.Parallel()
	m, servers := newMixedMesh(t)
	m.exec("eu", `CREATE TABLE public.posts (id int PRIMARY KEY, author int NOT NULL REFERENCES public.users, title varchar(20) NOT NULL UNIQUE); ALTER TABLE public.users REPLICA IDENTITY FULL`)
	for region, server := range servers {
		servertest.ExecMySQL(t, server, "shop", "CREATE TABLE posts (id int PRIMARY KEY, author int NOT NULL, title varchar(20) NOT NULL UNIQUE, CONSTRAINT by_author FOREIGN KEY (author) REFERENCES people (id))")
		grant(t, server, m.regions[region].file)
	}
	m.rules(`{public.posts: {foreign_keys: {author: keep_parent}}}`)
	m.setUp()
	const users = `SELECT string_agg(id || ' ' || name, ', ' ORDER BY id) FROM public.users`
	before := m.query("eu", users)
	m.exec("eu", `DELETE FROM public.users WHERE id IN (1, 2)`)
	servertest.ExecMySQL(t, servers["us"], "shop", "INSERT INTO posts VALUES (10, 1, 'kept'), (30, 3, 'stays')")
	servertest.ExecMySQL(t, servers["ap"], "shop", "INSERT INTO posts VALUES (20, 2, 'kept here')")
	m.start("eu", "us", "ap")
	if got := strings.Join(m.mendedIn("ap", "restored", 2), ", "); got != "public.users (1), public.users (2)" {
		t.Errorf("restored %s", got)
	}
	for region := range m.regions {
		m.parkedIn(region, 0)
		m.eventually(region+" shows all", func() bool {
			if server := servers[region]; server != nil {
				return strings.Join(servertest.QueryMySQL(t, server, "shop", "SELECT id FROM posts ORDER BY id"), " ") == "10 20 30"
			}
			return m.query(region, `SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), '') FROM public.posts`) == "10 20 30"
		})
	}
	m.alike()
	if after := m.query("eu", users); after != before {
		t.Errorf("users are\n%s, and were\n%s", after, before)
	}
}
