package conflict_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
)

// A mesh of regions that share one row, without locks and logs: each step is one region's write, or what it
// receives. What's tested is the rule with history as it is, stability included.

var cart = change.NewTable(change.TableName{Schema: "public", Name: "carts"}, []change.Column{
	{Name: "id", Type: "integer", Key: true}, {Name: "x", Type: "text"}, {Name: "n", Type: "numeric"},
	{Name: "top", Type: "integer"}, {Name: "low", Type: "integer"}, {Name: "tags", Type: "text[]"},
	{Name: "doc", Type: "jsonb"}, {Name: "log", Type: "text"}, {Name: "list", Type: "text"},
	{Name: "street", Type: "text"}, {Name: "city", Type: "text"},
}, true)

var cartKey = change.Key{Table: cart.TableName, Row: "\x011"}

func zero() *string { s := "0"; return &s }

func columns() map[string]conflict.Column {
	return map[string]conflict.Column{
		"n": {Merge: conflict.Counter, Reset: zero()}, "top": {Merge: conflict.Max}, "low": {Merge: conflict.Min},
		"tags": {Merge: conflict.Set}, "doc": {Merge: conflict.Map}, "log": {Merge: conflict.Append},
		"list": {Merge: conflict.Append, Separator: ","},
	}
}

func ruleSet() map[string]*conflict.Rule {
	home := &conflict.Home{Column: "x", Regions: map[string]string{"a": "a", "b": "b"}, Else: "c"}
	out := map[string]*conflict.Rule{}
	for name, deletes := range map[string]conflict.Deletes{"": 0, ", delete_wins": conflict.DeleteWins, ", update_wins": conflict.UpdateWins} {
		out["rows"+name] = &conflict.Rule{Deletes: deletes}
		out["columns"+name] = &conflict.Rule{Deletes: deletes, Columns: columns(), Groups: [][]string{{"street", "city"}}}
		out["earliest"+name] = &conflict.Rule{Deletes: deletes, Order: conflict.EarliestWins}
		out["priority"+name] = &conflict.Rule{Deletes: deletes, Order: conflict.ByPriority, Regions: []string{"b", "a"}}
		out["home"+name] = &conflict.Rule{Deletes: deletes, Order: conflict.ByHome, Home: home}
	}
	return out
}

type site struct {
	origin change.Origin
	h      *history.History
	row    change.Image
	seen   change.Vector
	last   change.Timestamp
	at     uint64
	log    []*change.Transaction
	next   []int // of each site's log
	// withholds: what an update leaves as it was isn't in its image, as capture.Outward does.
	withholds bool
	under     string // the fingerprint of the rules under which it writes
}

type mesh struct {
	rng   *rand.Rand
	rules *conflict.Rules
	sites []*site
	fault string
	// next is the fingerprint of what the rules become, each site at its own time.
	next string
}

func newMesh(rng *rand.Rand, rule *conflict.Rule, fault string) *mesh {
	m := &mesh{rng: rng, rules: conflict.All(rule), fault: fault}
	var origins []change.Origin
	for i := range 2 + rng.IntN(4) {
		origins = append(origins, change.NewOrigin(string(rune('a'+i)), 1))
	}
	var initial change.Image
	if rng.IntN(2) == 0 {
		initial = change.Image{change.Text("1"), change.Text("a"), change.Text("5.0"), change.Text("3"), change.Null,
			change.Text("{p}"), change.Text(`{"a": 1}`), change.Text("l"), change.Text("l"), change.Text("s"), change.Text("c")}
	}
	for i, o := range origins {
		s := &site{origin: o, h: history.New(o, origins, 0), row: initial, next: make([]int, len(origins)), withholds: i%2 == 1 && rule.NeedsImages()}
		s.h.KeepBefore(func(change.TableName) bool { return true })
		m.sites = append(m.sites, s)
	}
	return m
}

// run lets regions write and receive, then delivers all.
func (m *mesh) run(steps int) {
	for range steps {
		s := m.sites[m.rng.IntN(len(m.sites))]
		if m.rng.IntN(3) == 0 {
			m.write(s)
			continue
		}
		m.receive(s, m.rng.IntN(len(m.sites)), 1+m.rng.IntN(3))
	}
	for moved := true; moved; {
		moved = false
		for _, s := range m.sites {
			for from := range m.sites {
				moved = m.receive(s, from, 1+m.rng.IntN(3)) || moved
			}
		}
	}
}

func (m *mesh) write(s *site) {
	s.last = max(s.last+1, change.Timestamp(m.rng.IntN(30)))
	if m.next != "" && m.rng.IntN(8) == 0 {
		s.under = m.next
	}
	tx := &change.Transaction{Last: true, Tag: change.Tag{
		Dot: change.Dot{Origin: s.origin, Seq: uint64(len(s.log) + 1)}, Time: s.last, Deps: s.others(), Rules: s.under,
	}}
	for range 1 + m.rng.IntN(2) {
		op := change.Operation{Table: cart, Key: cartKey, Old: s.row}
		switch {
		case s.row == nil:
			op.Kind, op.New = change.Insert, m.image(nil)
		case m.rng.IntN(5) == 0:
			op.Kind = change.Delete
		default:
			op.Kind, op.New = change.Update, m.image(s.row)
		}
		s.row = op.New
		if op.Kind == change.Update && s.withholds {
			op.New = onlyChanged(op.Old, op.New)
		}
		tx.Operations = append(tx.Operations, op)
	}
	s.seen = s.seen.With(s.origin, tx.Dot.Seq)
	s.at++
	s.add(tx, s.at)
	s.h.Learn(s.origin, s.seen)
	s.log = append(s.log, tx)
}

// onlyChanged is an update's image without what it left as it was, but for the key.
func onlyChanged(old, image change.Image) change.Image {
	out := slices.Clone(image)
	for c := range out {
		if c > 0 && image[c] == old[c] {
			out[c] = change.Absent
		}
	}
	return out
}

func (s *site) add(tx *change.Transaction, at uint64) {
	if err := s.h.AddTransaction(tx, at); err != nil {
		panic(err)
	}
}

func (s *site) others() change.Vector {
	var v change.Vector
	for _, e := range s.seen {
		if e.Origin != s.origin {
			v = v.With(e.Origin, e.Seq)
		}
	}
	return v
}

// receive applies up to n of the next transactions of a peer as one batch.
func (m *mesh) receive(s *site, from, n int) bool {
	peer := m.sites[from]
	if peer == s {
		return false
	}
	var batch []*change.Transaction
	seen := s.seen
	for len(batch) < n && s.next[from] < len(peer.log) {
		tx := peer.log[s.next[from]]
		if !seen.With(s.origin, ^uint64(0)).Covers(tx.Deps) {
			break
		}
		batch = append(batch, tx)
		seen = seen.With(tx.Dot.Origin, tx.Dot.Seq)
		s.next[from]++
	}
	if len(batch) == 0 {
		return false
	}
	m.apply(s, batch)
	s.seen = seen
	last := batch[len(batch)-1]
	s.last = max(s.last, last.Time)
	for _, tx := range batch {
		s.add(tx, 0)
		s.add(tx, 0) // a duplicate
	}
	s.h.Learn(last.Dot.Origin, last.Seen())
	s.h.Learn(s.origin, s.seen)
	s.h.Prune()
	return true
}

func (m *mesh) apply(s *site, batch []*change.Transaction) {
	ops := s.h.Row(cartKey, s.at)
	first := &batch[0].Tag
	contested := ops.ConcurrentWith(first)
	var last history.Entry
	row := s.row
	for _, tx := range batch {
		for i := range tx.Operations {
			last = history.EntryOf(&tx.Tag, &tx.Operations[i], uint32(i), 0)
			ops = ops.Insert(last)
			if row = last.Image.Over(row); last.Image == nil {
				row = nil
			}
		}
	}
	if !contested || m.fault == "optimism" {
		s.row = row
		return
	}
	if m.fault == "arrival" { // each decided by what came last, not by what is known
		ops = history.Row{last}
	}
	rule := m.rules.For(cart.TableName, ops)
	switch m.fault {
	case "here": // by where this region is itself on its way
		rule = m.rules.For(cart.TableName, history.Row{{Tag: &change.Tag{Rules: s.under}}})
	case "alike": // all operations read by one rule
		rule = conflict.Alone(rule)
	}
	s.row = rule.Decide(ops, &last).Image
}

// image is a new row, or a change of one.
func (m *mesh) image(old change.Image) change.Image {
	r := m.rng
	if old == nil {
		old = make(change.Image, len(cart.Columns))
		for c := range old {
			old[c] = change.Null
		}
		old[0] = change.Text("1")
	}
	out := slices.Clone(old)
	for c := 1; c < len(out); c++ {
		text, ok := out[c].Text()
		if r.IntN(3) > 0 {
			continue
		}
		if r.IntN(12) == 0 {
			out[c] = change.Null
			continue
		}
		var next string
		switch cart.Columns[c].Name {
		case "x":
			next = string(rune('a' + r.IntN(4)))
		case "n":
			next = fmt.Sprintf("%d.%d", r.IntN(50)-25, r.IntN(10))
			if r.IntN(8) == 0 {
				next = "0"
			}
		case "top", "low":
			next = fmt.Sprint(r.IntN(100))
		case "tags":
			next = "{" + strings.Join(strings.Split("pqrst"[:1+r.IntN(5)], "")[r.IntN(1):], ",") + "}"
		case "doc":
			next = []string{`{}`, `{"a": 1}`, `{"b": {"c": 2}, "a": 3}`, `{"b": {"d": 4}}`, `{"b": 5}`, `{"b": {"c": {"e": 1}}, "z": [1, 2]}`, `[1]`}[r.IntN(7)]
		case "log", "list":
			next = text + fmt.Sprintf(",%d", r.IntN(1000))
			if !ok || r.IntN(10) == 0 {
				next = fmt.Sprint(r.IntN(10))
			}
		default:
			next = fmt.Sprint(r.IntN(1000))
		}
		out[c] = change.Text(next)
	}
	return out
}

func (m *mesh) diverged() string {
	for _, s := range m.sites[1:] {
		if !slices.Equal(s.row, m.sites[0].row) {
			return fmt.Sprintf("%s has %v, %s has %v", m.sites[0].origin, m.sites[0].row, s.origin, s.row)
		}
	}
	return ""
}

// TestRulesConverge is I1 of each rule: whatever the order of arrival, the batches, the duplicates and the number of
// regions, they end with the same row.
func TestRulesConverge(t *testing.T) {
	const schedules = 250
	for name, rule := range ruleSet() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(schedules) {
				m := newMesh(rand.New(rand.NewPCG(seed, 7)), rule, "")
				m.run(5 + m.rng.IntN(60))
				if d := m.diverged(); d != "" {
					t.Fatalf("seed %d: %s", seed, d)
				}
			}
		})
	}
}

// The property has teeth.
func TestRulesConvergeNotWhenBroken(t *testing.T) {
	for name, rule := range ruleSet() {
		for _, fault := range []string{"optimism", "arrival"} {
			found := false
			for seed := uint64(0); seed < 500 && !found; seed++ {
				m := newMesh(rand.New(rand.NewPCG(seed, 7)), rule, fault)
				m.run(5 + m.rng.IntN(60))
				found = m.diverged() != ""
			}
			if !found {
				t.Errorf("%s: %s makes no difference", name, fault)
			}
		}
	}
}
