package mixed

import (
	"math/rand/v2"
	"testing"

	"bridge/change"
	"bridge/conflict"
	"bridge/visibility"
)

// altering are policies that hide no row.
var altering = visibility.Policies{
	tableNamed("users"): {Unique: map[string]visibility.UniquePolicy{
		"email": {Loser: visibility.Null, Column: "email"}, "nick": {Loser: visibility.Rename, Column: "nick"},
	}},
	tableNamed("orders"): {Foreign: map[string]visibility.ForeignPolicy{"customer": visibility.NullChild}},
}

func tableNamed(name string) change.TableName { return change.TableName{Schema: "public", Name: name} }

// TestChangingPolicies: policies of constraints change with the rules, where each region's log turns to them, while applications write. Rows that
// are hidden by then are shown as the new ones say, in every region and with their children, and the other way round.
func TestChangingPolicies(t *testing.T) {
	m := newMesh(t, constrainedSchema, meshes[len(meshes)-1]...) // one of all engines
	m.policies = map[string]visibility.Policies{"altering": altering}
	rules := named("parking")
	m.rules = func() *conflict.Rules { return rules }
	m.startAll()
	m.regions[0].exec(t, "INSERT INTO customer VALUES (10, 'x')")
	m.apart(map[string][]string{
		"eu": {"INSERT INTO users (id, email, nick) VALUES (11, 'x', NULL), (13, 'y', 'n')", "DELETE FROM customer WHERE id = 10"},
		"us": {"INSERT INTO users (id, email, nick) VALUES (12, 'x', NULL), (14, 'z', 'n')", "INSERT INTO orders VALUES (10, 10, 'late'); INSERT INTO line VALUES (10, 10)"},
	})
	hidden := func() {
		t.Helper()
		m.shows("SELECT id, email, nick FROM users WHERE id >= 10 ORDER BY id", "12\tx\tNULL", "14\tz\tn")
		m.shows("SELECT id FROM orders WHERE id >= 10")
		m.shows("SELECT id FROM line WHERE id >= 10")
	}
	altered := func() {
		t.Helper()
		m.shows("SELECT id, email, nick FROM users WHERE id >= 10 ORDER BY id", "11\tNULL\tNULL", "12\tx\tNULL", "13\ty\tn~13", "14\tz\tn")
		m.shows("SELECT id, customer FROM orders WHERE id >= 10", "10\tNULL")
		m.shows("SELECT id FROM line WHERE id >= 10", "10")
	}
	hidden()
	for _, to := range []struct {
		rules string
		so    func()
	}{{"altering", altered}, {"again", hidden}} {
		then := named(to.rules)
		becoming, err := rules.Becoming(then)
		if err != nil {
			t.Fatal(err)
		}
		end := m.crowding()
		m.turn(becoming)
		end()
		m.settle()
		to.so()
		m.settled()
		m.complete(then)
		m.settle()
		to.so()
		rules = then
	}
	m.settled()
	m.quiet()
	m.compare()
}

// named are rules that decide as last_write_wins.
func named(fingerprint string) *conflict.Rules {
	r := conflict.All(conflict.LastWriteWins)
	r.Fingerprint = fingerprint
	return r
}

// crowding has applications write few values in all regions until it's told to end.
func (m *mesh) crowding() (end func()) {
	return m.load(func(r *region, rng *rand.Rand, _ int) bool {
		return r.try(m.t, constrainedStatement(rng)) == nil || !m.t.Failed()
	})
}
