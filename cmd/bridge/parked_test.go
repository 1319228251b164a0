package main

import (
	"strings"
	"testing"

	"bridge/casebook"
	"bridge/cmd/bridge/internal/shell"
	"bridge/internal/testserver/servertest"
)

// parkedIn waits until a region has parked so many rows, and returns them.
func (m *mesh) parkedIn(region string, rows int) (list []casebook.Parked) {
	m.t.Helper()
	m.eventually(region+" has parked what it must", func() bool {
		list = result[[]casebook.Parked](m.t, bridge(m.t, nil, "parked", "list", "-c", m.regions[region].file, "--json"))
		return len(list) == rows
	})
	return list
}

// TestParked is the way of an operator with two rows that want one seat: each of the ways out, and what every region then shows.
func TestParked(t *testing.T) {
	t.Parallel()
	m := newMesh(t, `CREATE TABLE public.seats (id int PRIMARY KEY, seat text UNIQUE, guest text NOT NULL, price int CHECK (price > 0));
INSERT INTO public.seats VALUES (1, 'Z1', 'nobody', 5)`)
	m.setUp()
	on := func(region string, args ...string) answer {
		return bridge(t, nil, append(append([]string{"parked"}, args...), "-c", m.regions[region].file)...)
	}
	if a := on("eu", "list"); a.code != 0 || a.stdout != "0 parked rows\n" {
		t.Fatalf("list of nothing: %+v", a)
	}
	if a := on("eu", "retry"); a.code != shell.ExitEnvironment || !strings.Contains(a.stderr, "looks at its parked rows by itself") {
		t.Errorf("retry without a bridge: %+v", a)
	}
	// Before any bridge runs nobody sees the other: the later one has the seat.
	m.exec("eu", `INSERT INTO public.seats SELECT 10 + n, 'A' || n, 'eu', 5 FROM generate_series(1, 4) n`)
	m.exec("us", `INSERT INTO public.seats SELECT 20 + n, 'A' || n, 'us', 5 FROM generate_series(1, 4) n`)
	m.exec("ap", `ALTER TABLE public.seats DROP CONSTRAINT seats_price_check`)
	m.exec("ap", `INSERT INTO public.seats VALUES (30, 'C1', 'ap', -5)`)
	m.start("eu", "us", "ap")
	m.parkedIn("ap", 4)
	for _, region := range []string{"eu", "us"} {
		m.parkedIn(region, 5)
	}
	shows := func(want string) {
		t.Helper()
		for _, region := range meshNames {
			m.eventually(region+" shows "+want, func() bool {
				return m.query(region, `SELECT string_agg(id || ' ' || coalesce(seat, '-'), ', ' ORDER BY id) FROM public.seats WHERE id BETWEEN 2 AND 29`) == want
			})
		}
	}
	shows("21 A1, 22 A2, 23 A3, 24 A4")
	a := on("eu", "list", "--table", "seats", "--reason", "unique")
	for _, want := range []string{"public.seats (11)", "seats_seat_key", "eu/1", "4 parked rows\n"} {
		if a.code != 0 || !strings.Contains(a.stdout, want) {
			t.Errorf("list lacks %q: %+v", want, a)
		}
	}
	a = on("us", "show", "public.seats", "11")
	for _, want := range []string{"in its way", "public.seats (21) has the same (seat).", "It's hidden: another row holds its value of the unique key seats_seat_key"} {
		if a.code != 0 || !strings.Contains(a.stdout, want) {
			t.Errorf("show lacks %q: %+v", want, a)
		}
	}
	if a := on("us", "show", "public.seats", "30"); a.code != 0 || !strings.Contains(a.stdout, "this region's database doesn't take it") || !strings.Contains(a.stdout, "seats_price_check") {
		t.Errorf("show of a row that a check refuses: %+v", a)
	}
	if a := bridge(t, nil, "status", "-c", m.regions["eu"].file); a.code != 0 || !strings.Contains(a.stdout, "public.seats    unique   4") {
		t.Errorf("status: %+v", a)
	}

	// Another seat; no seat, given up in another region than it was written in; and the rival gives the seat up.
	if a := on("eu", "resolve", "public.seats", "11", "--value", "seat=B1"); a.code != 0 || !strings.Contains(a.stdout, "is resolved") {
		t.Errorf("resolve: %+v", a)
	}
	if a := on("ap", "discard", "public.seats", "12"); a.code != 0 || !strings.Contains(a.stdout, "is discarded") {
		t.Errorf("discard: %+v", a)
	}
	m.exec("us", `DELETE FROM public.seats WHERE id = 23`)
	shows("11 B1, 13 A3, 21 A1, 22 A2, 24 A4")
	for _, region := range meshNames {
		rows := map[string]int{"ap": 1}[region]
		if rows == 0 {
			rows = 2
		}
		m.parkedIn(region, rows)
	}

	// The schema is mended, and the bridge told to look.
	for _, region := range []string{"eu", "us"} {
		m.exec(region, `ALTER TABLE public.seats DROP CONSTRAINT seats_price_check`)
		m.eventually(region+" shows the row that the check refused", func() bool {
			if a := on(region, "retry"); a.code != 0 || !strings.Contains(a.stdout, "looks at its parked rows again") {
				t.Fatalf("retry: %+v", a)
			}
			return m.query(region, `SELECT count(*)::text FROM public.seats WHERE id = 30`) == "1"
		})
	}
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"show public.seats 99", shell.ExitRuntime, "no such row is parked"},
		{"discard public.seats 12", shell.ExitRuntime, "no such row is parked"},
		{"resolve public.seats 14", shell.ExitUsage, "say what shall be different"},
		{"resolve public.seats 14 --value seat=A1", shell.ExitRuntime, "seats_seat_key"},
		{"resolve public.seats 14 --value seat", shell.ExitUsage, "not of the form column=value"},
		{"list --reason luck", shell.ExitUsage, "--reason"},
	} {
		if a := on("eu", strings.Fields(tt.args)...); a.code != tt.code || !strings.Contains(a.stderr, tt.want) {
			t.Errorf("%s: %+v", tt.args, a)
		}
	}
}

// TestParkedByPolicies: what's shown altered, and children without a parent, are resolved and discarded, too.
func TestParkedByPolicies(t *testing.T) {
	t.Parallel()
	m := newMesh(t, `CREATE TABLE public.halls (code text PRIMARY KEY); INSERT INTO public.halls VALUES ('red'), ('blue'), ('green');
CREATE TABLE public.seats (id int PRIMARY KEY, seat text UNIQUE, price int);
CREATE TABLE public.events (id int PRIMARY KEY, hall text NOT NULL REFERENCES public.halls, name text);
CREATE FUNCTION public.never() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a trigger was fired'; END $$`)
	m.rules(`{public.seats: {unique: {seat: {"null": seat}}}}`)
	m.setUp()
	m.exec("eu", `INSERT INTO public.seats SELECT 10 + n, 'A' || n, 5 FROM generate_series(1, 4) n`)
	m.exec("us", `INSERT INTO public.seats SELECT 20 + n, 'A' || n, 6 FROM generate_series(1, 4) n`)
	m.exec("eu", `DELETE FROM public.halls WHERE code = 'blue'`)
	m.exec("us", `INSERT INTO public.events SELECT n, 'blue', 'event ' || n FROM generate_series(1, 3) n`)
	m.exec("us", `CREATE TRIGGER never BEFORE INSERT OR DELETE ON public.events FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION public.never()`)
	m.start("eu", "us", "ap")
	on := func(region string, args ...string) answer {
		return bridge(t, nil, append(append([]string{"parked"}, args...), "-c", m.regions[region].file)...)
	}
	shows := func(want string) {
		t.Helper()
		for _, region := range meshNames {
			m.eventually(region+" shows "+want, func() bool {
				return m.query(region, `SELECT coalesce((SELECT string_agg(concat_ws(' ', id, coalesce(seat, '-'), price), ', ' ORDER BY id) FROM public.seats), '') || '; ' ||
					coalesce((SELECT string_agg(concat_ws(' ', id, hall), ', ' ORDER BY id) FROM public.events), '')`) == want
			})
		}
	}
	shows("11 - 5, 12 - 5, 13 - 5, 14 - 5, 21 A1 6, 22 A2 6, 23 A3 6, 24 A4 6; ")
	for _, region := range meshNames {
		m.parkedIn(region, 7)
	}
	for args, want := range map[string]string{
		"public.seats 11": "It's shown with other values", "public.events 1": "There's no row in public.halls with (code) = (blue).",
	} {
		if a := on("ap", append([]string{"show"}, strings.Fields(args)...)...); a.code != 0 || !strings.Contains(a.stdout, want) {
			t.Errorf("show %s lacks %q: %+v", args, want, a)
		}
	}
	for _, step := range []string{"ap discard public.seats 11", "eu resolve public.seats 12 --value seat=B2", "us discard public.events 1", "ap resolve public.events 2 --value hall=red"} {
		args := strings.Fields(step)
		if a := on(args[0], args[1:]...); a.code != 0 {
			t.Errorf("%s: %+v", step, a)
		}
	}
	m.exec("us", `DELETE FROM public.seats WHERE id IN (21, 23)`)
	m.exec("us", `INSERT INTO public.halls VALUES ('blue')`)
	shows("11 - 5, 12 B2 5, 13 A3 5, 14 - 5, 22 A2 6, 24 A4 6; 2 red, 3 blue")
	for _, region := range meshNames {
		if left := m.parkedIn(region, 1); left[0].Key[0] != "14" {
			t.Errorf("%s has parked %s, want row 14", region, left[0].Row())
		}
	}
}

// TestParkedAcrossEngines resolves and discards on MySQL and on MariaDB, in tables and columns that have other names there.
func TestParkedAcrossEngines(t *testing.T) {
	t.Parallel()
	m, servers := newMixedMesh(t)
	for region, server := range servers {
		grant(t, server, m.regions[region].file)
		servertest.ExecMySQL(t, server, "shop", "ALTER TABLE people ADD UNIQUE KEY one_name (nm)")
	}
	m.exec("eu", `ALTER TABLE public.users ADD CONSTRAINT one_name UNIQUE (name)`)
	m.setUp()
	on := func(region string, args ...string) answer {
		return bridge(t, nil, append(append([]string{"parked"}, args...), "-c", m.regions[region].file)...)
	}
	insert := func(region, values string) {
		if server := servers[region]; server != nil {
			servertest.ExecMySQL(t, server, "shop", "INSERT INTO people VALUES "+values)
		} else {
			m.exec(region, `INSERT INTO public.users VALUES `+values)
		}
	}
	insert("ap", "(101, 'zoe', 1, NULL), (102, 'ann', 1, NULL), (103, 'bob', 1, NULL)")
	insert("us", "(201, 'zoe', 2, NULL), (202, 'ann', 2, NULL), (203, 'bob', 2, NULL)")
	insert("eu", "(301, 'zoe', 3, NULL), (302, 'ann', 3, NULL), (303, 'bob', 3, NULL)")
	m.start("eu", "us", "ap")
	shows := func(want string) {
		t.Helper()
		m.eventually("eu shows "+want, func() bool {
			return m.query("eu", `SELECT string_agg(concat_ws(' ', id, name, n), '; ' ORDER BY id) FROM public.users WHERE id > 100`) == want
		})
		for region, server := range servers {
			m.eventually(region+" shows "+want, func() bool {
				rows := servertest.QueryMySQL(t, server, "shop", "SELECT concat_ws(' ', id, nm, n) FROM people WHERE id > 100 ORDER BY id")
				return strings.Join(rows, "; ") == want
			})
		}
	}
	shows("301 zoe 3.00; 302 ann 3.00; 303 bob 3.00")
	for _, region := range meshNames {
		m.parkedIn(region, 6)
	}
	a := on("us", "show", "public.users", "101")
	for _, want := range []string{"public.users (301) has the same (name).", "public.users (201) is parked, too, and claims the same (name)", "one_name"} {
		if a.code != 0 || !strings.Contains(a.stdout, want) {
			t.Errorf("show lacks %q: %+v", want, a)
		}
	}
	for _, step := range []struct {
		region string
		args   []string
	}{
		{"us", []string{"resolve", "public.users", "101", "--value", "name=zoë", "--null", "n"}},
		{"ap", []string{"resolve", "public.users", "102", "--value", "name=ann 2"}},
		{"us", []string{"discard", "public.users", "201"}},
		{"ap", []string{"discard", "shop.people", "202"}},
		{"eu", []string{"discard", "public.users", "103"}},
	} {
		if a := on(step.region, step.args...); a.code != 0 {
			t.Errorf("%s %v: %+v", step.region, step.args, a)
		}
	}
	shows("101 zoë; 102 ann 2 1.00; 301 zoe 3.00; 302 ann 3.00; 303 bob 3.00")
	for _, region := range meshNames {
		if left := m.parkedIn(region, 1); left[0].Key[0] != "203" {
			t.Errorf("%s has parked %s, want row 203", region, left[0].Row())
		}
	}
}
