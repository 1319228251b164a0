package chronicle_test

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
)

var items = change.NewTable(change.TableName{Schema: "public", Name: "items"}, []change.Column{
	{Name: "id", Type: "integer", Key: true}, {Name: "name", Type: "text"}, {Name: "n", Type: "numeric"}, {Name: "tags", Type: "text[]"},
}, true)

func itemKey(id int) change.Key {
	return change.Key{Table: items.TableName, Row: "\x01" + fmt.Sprint(id)}
}

// rules are one of each kind.
func rules() map[string]*conflict.Rule {
	return map[string]*conflict.Rule{
		"rows":                  conflict.LastWriteWins,
		"earliest":              {Order: conflict.EarliestWins},
		"priority, delete_wins": {Order: conflict.ByPriority, Regions: []string{"b"}, Deletes: conflict.DeleteWins},
		"columns":               {Columns: map[string]conflict.Column{"n": {Merge: conflict.Counter}, "tags": {Merge: conflict.Set}}},
		"columns, update_wins":  {Columns: map[string]conflict.Column{"n": {Merge: conflict.Max}}, Deletes: conflict.UpdateWins},
	}
}

// mesh is regions that share some rows. Each shows what the rule makes of all that it has seen.
type mesh struct {
	rng   *rand.Rand
	rule  *conflict.Rule
	bare  bool // the log has no images from before a change
	bases []change.Image
	sites []*site
}

type site struct {
	origin change.Origin
	seen   change.Vector
	last   change.Timestamp
	log    []*change.Transaction
	learnt []change.Vector // after each
	known  map[change.Key]history.Row
}

func newMesh(rng *rand.Rand, rule *conflict.Rule) *mesh {
	m := &mesh{rng: rng, rule: rule, bare: !rule.NeedsImages() && rng.IntN(2) == 0}
	for range 1 + rng.IntN(3) {
		var base change.Image
		if rng.IntN(2) == 0 {
			base = change.Image{change.Text(fmt.Sprint(len(m.bases))), change.Text("base"), change.Text("100"), change.Text("{p,q}")}
		}
		m.bases = append(m.bases, base)
	}
	for i := range 2 + rng.IntN(3) {
		m.sites = append(m.sites, &site{origin: change.NewOrigin(string(rune('a'+i)), 1), known: map[change.Key]history.Row{}})
	}
	return m
}

func (m *mesh) base(id int) conflict.Base { return conflict.Base{Table: items, Image: m.bases[id]} }

// shown is a row as a region shows it.
func (m *mesh) shown(s *site, id int) change.Image {
	ops := s.known[itemKey(id)]
	if len(ops) == 0 {
		return m.bases[id]
	}
	return m.rule.Replay(ops, m.base(id)).Image
}

func (m *mesh) run(steps int) {
	for range steps {
		s := m.sites[m.rng.IntN(len(m.sites))]
		switch r := m.rng.IntN(30); {
		case r == 0:
			m.settle()
		case r < 10:
			m.write(s)
		default:
			m.receive(s, m.sites[m.rng.IntN(len(m.sites))])
		}
	}
}

func (m *mesh) write(s *site) {
	s.last = max(s.last+1, change.Timestamp(m.rng.IntN(40)))
	tag := change.Tag{Dot: change.Dot{Origin: s.origin, Seq: uint64(len(s.log) + 1)}, Time: s.last}
	for _, e := range s.seen {
		if e.Origin != s.origin {
			tag.Deps = tag.Deps.With(e.Origin, e.Seq)
		}
	}
	tx := &change.Transaction{Tag: tag, Last: true}
	for range 1 + m.rng.IntN(2) {
		id := m.rng.IntN(len(m.bases))
		old := m.shown(s, id)
		op := change.Operation{Table: items, Key: itemKey(id), Old: old}
		switch r := m.rng.IntN(12); {
		case r == 0 && m.rule.Columns == nil && len(tx.Operations) == 0:
			op = change.Operation{Kind: change.Truncate, Table: items, Key: change.Key{Table: items.TableName}}
		case old == nil:
			op.Kind, op.New = change.Insert, m.image(id, nil)
		case r < 3:
			op.Kind = change.Delete
		default:
			op.Kind, op.New = change.Update, m.image(id, old)
		}
		if m.bare {
			op.Old = nil
		}
		tx.Operations = append(tx.Operations, op)
		m.know(s, tx, len(tx.Operations)-1)
	}
	s.seen = s.seen.With(s.origin, tag.Dot.Seq)
	s.log, s.learnt = append(s.log, tx), append(s.learnt, s.seen)
}

func (m *mesh) image(id int, old change.Image) change.Image {
	image := change.Image{change.Text(fmt.Sprint(id)), change.Text("new"), change.Text("1"), change.Text("{}")}
	if old != nil {
		image = slices.Clone(old)
	}
	switch m.rng.IntN(3) {
	case 0:
		image[1] = change.Text(fmt.Sprint("name ", m.rng.IntN(1000)))
	case 1:
		image[2] = change.Text(fmt.Sprint(m.rng.IntN(1000)))
	case 2:
		image[3] = change.Text([]string{"{}", "{p}", "{p,r}", "{q,s}"}[m.rng.IntN(4)])
	}
	return image
}

func (m *mesh) know(s *site, tx *change.Transaction, i int) {
	op := &tx.Operations[i]
	e := history.EntryOf(&tx.Tag, op, uint32(i), 0)
	for id := range m.bases {
		if key := itemKey(id); op.Kind == change.Truncate || op.Key == key {
			s.known[key] = slices.Clone(s.known[key]).Insert(e)
		}
	}
}

func (m *mesh) receive(s, from *site) {
	next := s.seen.Get(from.origin)
	if s == from || next >= uint64(len(from.log)) {
		return
	}
	tx := from.log[next]
	if !s.seen.With(s.origin, ^uint64(0)).Covers(tx.Deps) {
		return
	}
	for i := range tx.Operations {
		m.know(s, tx, i)
	}
	s.seen, s.last = s.seen.With(from.origin, tx.Dot.Seq), max(s.last, tx.Time)
}

// settle delivers everything.
func (m *mesh) settle() {
	for range len(m.sites) * len(m.sites) {
		for _, s := range m.sites {
			for _, from := range m.sites {
				for range from.log {
					m.receive(s, from)
				}
			}
		}
	}
}
