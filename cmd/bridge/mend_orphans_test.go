package main

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"bridge/casebook"
	"bridge/internal/testserver/servertest"
)

// mendedIn waits until a region has recorded so many cases of an outcome, and returns their rows, sorted.
func (m *mesh) mendedIn(region, outcome string, rows int) (keys []string) {
	m.t.Helper()
	m.eventually(region+" has "+outcome+" what it must", func() bool {
		keys = nil
		for _, c := range m.cases(region) {
			if c.Outcome == outcome {
				keys = append(keys, c.Row())
			}
		}
		return len(keys) >= rows
	})
	slices.Sort(keys)
	return keys
}

// droppedIn waits until the region that drops has recorded so many rows, and returns them by key, sorted.
func (m *mesh) droppedIn(region string, rows int) []string {
	m.t.Helper()
	return m.mendedIn(region, casebook.Dropped, rows)
}

// TestDrops: a child without its parent goes in all regions, with its own children, whichever region it was written in; one region records it.
func TestDrops(t *testing.T) {
	t.Parallel()
	m := newMesh(t, `CREATE TABLE public.customers (id int PRIMARY KEY, name text UNIQUE);
CREATE TABLE public.orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES public.customers, note text);
CREATE TABLE public.lines (id int PRIMARY KEY, order_id int NOT NULL REFERENCES public.orders);
CREATE TABLE public.notes (id int PRIMARY KEY, order_id int NOT NULL REFERENCES public.orders);
INSERT INTO public.customers SELECT n, 'customer ' || n FROM generate_series(1, 9) n`)
	m.rules(`{public.orders: {foreign_keys: {customer: drop}}, public.lines: {foreign_keys: {order_id: drop}}}`)
	m.setUp()
	if a := bridge(t, nil, "check", "-c", m.regions["eu"].file); a.code != 0 ||
		!strings.Contains(a.stdout, "rows that lack a parent by the foreign key (customer) are dropped by the bridge of region ap") {
		t.Errorf("%+v", a)
	}
	if a := bridge(t, nil, "rules", "explain", "public.orders", "-c", m.regions["eu"].file); a.code != 0 || !strings.Contains(a.stdout, "the bridge of region ap deletes it, in all regions") {
		t.Errorf("%+v", a)
	}
	const orders = `SELECT coalesce(string_agg(id || ' ' || customer, ', ' ORDER BY id), '') FROM public.orders`
	shows := func(sql, want string) {
		t.Helper()
		for _, region := range meshNames {
			m.eventually(region+" shows "+want, func() bool { return m.query(region, sql) == want })
		}
	}

	// The region that drops is away: the others hide what lacks a parent.
	m.exec("eu", `DELETE FROM public.customers WHERE id IN (1, 2)`)
	m.exec("us", `INSERT INTO public.orders VALUES (10, 1, 'lost'), (20, 2, 'lost, too'), (30, 3, 'stays'); INSERT INTO public.lines VALUES (100, 10); INSERT INTO public.notes VALUES (200, 20)`)
	m.start("eu", "us")
	for _, region := range []string{"eu", "us"} {
		m.parkedIn(region, 4)
	}
	m.start("ap")
	if got := strings.Join(m.droppedIn("ap", 3), ", "); got != "public.lines (100), public.orders (10), public.orders (20)" {
		t.Errorf("dropped %s", got)
	}
	shows(orders, "30 3")
	for _, region := range meshNames {
		if left := m.parkedIn(region, 1); left[0].Row() != "public.notes (200)" { // which has no policy
			t.Errorf("%s has parked %s", region, left[0].Row())
		}
	}
	for _, c := range m.cases("ap") {
		if c.Outcome != casebook.Dropped || c.Row() != "public.orders (10)" {
			continue
		}
		if *c.Versions[0].Image["note"] != "lost" || c.Type != "parent_missing" || c.Rule != "constraint orders_customer_fkey" || c.Origin != "us/1" {
			t.Errorf("%+v", c)
		}
	}
	m.exec("us", `INSERT INTO public.customers VALUES (1, 'again'), (2, 'again, too')`)
	shows(`SELECT count(*)::text FROM public.customers`, "9")
	shows(orders, "30 3")

	// The parent comes back at the same time, in a third region: whatever it comes to, it's the same everywhere.
	for _, region := range meshNames {
		m.regions[region].stop()
	}
	m.exec("us", `INSERT INTO public.orders VALUES (40, 4, 'who knows')`)
	m.exec("eu", `DELETE FROM public.customers WHERE id = 4`)
	m.exec("ap", `DELETE FROM public.customers WHERE id = 4; INSERT INTO public.customers VALUES (4, 'back')`)
	m.start(meshNames...)
	m.alike()
	for _, region := range meshNames {
		m.parkedIn(region, 1)
	}
	m.alike()
	t.Logf("orders: %s", m.query("eu", orders))

	// A parent that's hidden itself, for another row has its name, isn't deleted: its children wait for it.
	m.apart("eu", `INSERT INTO public.customers VALUES (11, 'same'); INSERT INTO public.orders VALUES (50, 11, 'waits')`, "us", `INSERT INTO public.customers VALUES (12, 'same')`)
	for _, region := range meshNames {
		m.parkedIn(region, 3)
	}
	m.exec("us", `DELETE FROM public.customers WHERE id = 12`)
	shows(`SELECT count(*)::text FROM public.orders WHERE id = 50`, "1")

	// The region that drops is stopped and started while others write.
	m.exec("us", `INSERT INTO public.customers SELECT n, 'many ' || n FROM generate_series(1000, 1019) n`)
	shows(`SELECT count(*)::text FROM public.customers WHERE id >= 1000`, "20")
	dropped := len(m.droppedIn("ap", 3))
	for _, region := range []string{"eu", "us"} {
		m.regions[region].stop()
	}
	m.exec("eu", `DELETE FROM public.customers WHERE id >= 1000`)
	m.exec("us", `INSERT INTO public.orders SELECT n, n, 'lost' FROM generate_series(1000, 1019) n`)
	m.start("eu", "us")
	m.eventually("ap has dropped some", func() bool { return len(m.droppedIn("ap", dropped)) > dropped })
	m.regions["ap"].stop()
	m.start("ap")
	keys := m.droppedIn("ap", dropped+20)
	if len(keys) != dropped+20 || len(slices.Compact(slices.Clone(keys))) != len(keys) {
		t.Errorf("dropped %q, want %d more than %d, each once", keys, 20, dropped)
	}
	shows(`SELECT count(*)::text FROM public.orders WHERE id >= 1000`, "0")
	for _, region := range meshNames {
		m.parkedIn(region, 1)
	}
	m.alike()
}

// TestDropsAcrossEngines: MariaDB is the region that drops, and the row was written on MySQL.
func TestDropsAcrossEngines(t *testing.T) {
	t.Parallel()
	m, servers := newMixedMesh(t)
	m.exec("eu", `CREATE TABLE public.posts (id int PRIMARY KEY, author int NOT NULL REFERENCES public.users, title varchar(20) NOT NULL UNIQUE)`)
	for region, server := range servers {
		servertest.ExecMySQL(t, server, "shop", "CREATE TABLE posts (id int PRIMARY KEY, author int NOT NULL, title varchar(20) NOT NULL UNIQUE, CONSTRAINT by_author FOREIGN KEY (author) REFERENCES people (id))")
		grant(t, server, m.regions[region].file)
	}
	m.rules(`{public.posts: {foreign_keys: {author: drop}}}`)
	m.setUp()
	m.exec("eu", `DELETE FROM public.users WHERE id IN (1, 2)`)
	servertest.ExecMySQL(t, servers["us"], "shop", "INSERT INTO posts VALUES (10, 1, 'lost'), (30, 3, 'stays')")
	servertest.ExecMySQL(t, servers["ap"], "shop", "INSERT INTO posts VALUES (20, 2, 'lost here')")
	m.start("eu", "us", "ap")
	if got := strings.Join(m.droppedIn("ap", 2), ", "); got != "public.posts (10), public.posts (20)" {
		t.Errorf("dropped %s", got)
	}
	for region := range m.regions {
		m.parkedIn(region, 0)
		m.eventually(region+" shows what's left", func() bool {
			if server := servers[region]; server != nil {
				return strings.Join(servertest.QueryMySQL(t, server, "shop", "SELECT id FROM posts ORDER BY id"), " ") == "30"
			}
			return m.query(region, `SELECT coalesce(string_agg(id::text, ' ' ORDER BY id), '') FROM public.posts`) == "30"
		})
	}
	m.alike()
	// The author is back, and what was dropped comes back by hand.
	servertest.ExecMySQL(t, servers["us"], "shop", "INSERT INTO people VALUES (1, 'again', 1, NULL)")
	m.eventually("ap has the author", func() bool {
		return len(servertest.QueryMySQL(t, servers["ap"], "shop", "SELECT id FROM people WHERE id = 1")) == 1
	})
	for _, c := range m.cases("ap") {
		if c.Outcome == casebook.Dropped && c.Row() == "public.posts (10)" {
			if a := bridge(t, nil, "conflicts", "show", strconv.FormatInt(c.ID, 10), "-c", m.regions["ap"].file); a.code != 0 || !strings.Contains(a.stdout, "the policy of the constraint by_author is drop") {
				t.Errorf("%+v", a)
			}
			if a := bridge(t, nil, "conflicts", "resolve", strconv.FormatInt(c.ID, 10), "--pick", "us/1", "-c", m.regions["ap"].file); a.code != 0 {
				t.Errorf("%+v", a)
			}
		}
	}
	m.eventually("eu shows the row that was picked", func() bool {
		return m.query("eu", `SELECT count(*) FROM public.posts WHERE id = 10 AND title = 'lost'`) == "1"
	})
}
