package history

import (
	"fmt"
	"slices"

	"bridge/change"
)

// mesh is regions that write, capture, apply and prune one step at a time, with everything about them
// known to the test. How a step is chosen is up to choose, which returns a number below n.
type mesh struct {
	regions []*region
	choose  func(n int) int
	twin    twin
}

// twin is a way of doing it wrong, which the checks must find.
type twin string

const (
	sound           twin = ""
	learnOnRead     twin = "what a region has seen counts when its record is read, not applied"
	learnOnApply    twin = "what this region has seen counts when it's applied, not captured"
	pruneAtMajority twin = "one other region's word makes an operation stable"
)

type region struct {
	self     change.Origin
	h        *History
	applied  change.Vector    // in the database
	captured change.Vector    // shown by the log so far
	last     change.Timestamp // of the clock
	log      []event          // not captured yet
	seq      uint64           // of the last captured local transaction
	at       uint64           // places in the log
	out      []*transaction   // the topic
	next     map[change.Origin]int
	added    map[change.Key][]Entry // everything that was ever added to h
}

// event is a place in a region's log: a local transaction, or the echo of an applied one.
type event struct {
	ops  []change.Operation
	saw  change.Vector // of a local one: what was in the database at its commit
	echo *transaction
}

type transaction struct {
	tag change.Tag
	ops []change.Operation
}

var (
	tableT = change.NewTable(change.TableName{Schema: "s", Name: "t"}, []change.Column{{Name: "id", Type: "int", Key: true}}, false)
	tableU = change.NewTable(change.TableName{Schema: "s", Name: "u"}, []change.Column{{Name: "id", Type: "int", Key: true}}, false)
)

func newMesh(n int, choose func(int) int, w twin) *mesh {
	m := &mesh{choose: choose, twin: w}
	var members []change.Origin
	for i := range n {
		members = append(members, change.NewOrigin(string(rune('a'+i)), 1))
	}
	for _, o := range members {
		m.regions = append(m.regions, &region{
			self: o, h: New(o, members, 0), next: map[change.Origin]int{}, added: map[change.Key][]Entry{},
		})
	}
	return m
}

func (m *mesh) step() {
	r := m.regions[m.choose(len(m.regions))]
	switch m.choose(6) {
	case 0:
		m.write(r)
	case 1:
		r.capture()
		r.heed()
	case 2, 3:
		m.apply(r, m.regions[m.choose(len(m.regions))])
	default:
		r.h.Prune()
	}
}

func (m *mesh) write(r *region) {
	var ops []change.Operation
	for range m.choose(3) { // none at all is a heartbeat
		t := []*change.Table{tableT, tableU}[m.choose(2)]
		kind := change.Kind(m.choose(12) + 1)
		key := change.Key{Table: t.TableName, Row: fmt.Sprint(m.choose(2))}
		if kind > change.Truncate {
			kind = change.Update
		}
		op := change.Operation{Kind: kind, Table: t, Key: key}
		switch kind {
		case change.Truncate:
			op.Key.Row = ""
		case change.Insert, change.Update:
			op.New = change.Image{change.Text(key.Row)}
		}
		ops = append(ops, op)
	}
	r.log = append(r.log, event{ops: ops, saw: r.applied})
}

// capture reads one event of the log.
func (r *region) capture() {
	if len(r.log) == 0 {
		return
	}
	e := r.log[0]
	r.log = r.log[1:]
	r.at++
	if e.echo != nil {
		r.captured = r.captured.With(e.echo.tag.Dot.Origin, e.echo.tag.Dot.Seq)
		r.last = max(r.last, e.echo.tag.Time)
		return
	}
	r.seq++
	r.last++
	tx := &transaction{change.Tag{Dot: change.Dot{Origin: r.self, Seq: r.seq}, Time: r.last, Deps: r.captured}, e.ops}
	r.add(tx, r.at)
	r.out = append(r.out, tx)
}

func (r *region) heed() { r.h.Learn(r.self, r.captured) }

func (r *region) add(tx *transaction, at uint64) {
	if err := r.h.Add(&tx.tag, tx.ops, 0, at); err != nil {
		panic(err)
	}
	for i, op := range tx.ops {
		e := Entry{Tag: &tx.tag, Kind: op.Kind, Table: op.Table, Image: op.New, Order: uint32(i), At: at}
		r.added[op.Key] = append(r.added[op.Key], e)
	}
}

// apply takes the next transaction of from, if all that it had seen is here. Capture may see its echo,
// and even prune, before it's added to the history.
func (m *mesh) apply(r, from *region) {
	n := r.next[from.self]
	if from == r || n == len(from.out) {
		return
	}
	tx := from.out[n]
	if m.twin == learnOnRead {
		r.h.Learn(from.self, from.out[len(from.out)-1].tag.Seen())
	}
	if !r.applied.With(r.self, tx.tag.Deps.Get(r.self)).Covers(tx.tag.Deps) {
		return
	}
	r.next[from.self]++
	r.applied = r.applied.With(from.self, tx.tag.Dot.Seq)
	r.log = append(r.log, event{echo: tx})
	if m.choose(3) == 0 {
		for len(r.log) > 0 {
			r.capture()
		}
		r.heed()
		r.h.Prune()
	}
	r.add(tx, 0)
	r.h.Learn(from.self, tx.tag.Seen())
	switch m.twin {
	case learnOnApply:
		r.h.Learn(r.self, r.applied)
	case pruneAtMajority:
		for _, other := range m.regions {
			r.h.Learn(other.self, tx.tag.Seen())
		}
	}
}

// settle lets every region hear of everything, twice with a heartbeat, so that all is stable.
func (m *mesh) settle() {
	for range 3 {
		for _, r := range m.regions {
			r.log = append(r.log, event{saw: r.applied})
		}
		for range len(m.regions) + 1 {
			for _, r := range m.regions {
				for len(r.log) > 0 {
					r.capture()
				}
				r.heed()
				for _, from := range m.regions {
					for range len(from.out) {
						m.apply(r, from)
					}
				}
			}
		}
	}
	for _, r := range m.regions {
		r.h.Prune()
	}
}

// check holds every region's history against everything that was added to it: what was dropped can't
// meet a concurrent operation any more, and in each row's order only a beginning was dropped.
func (m *mesh) check() error {
	for _, r := range m.regions {
		held := 0
		for key, entries := range r.added {
			kept := r.h.Row(key, ^uint64(0))
			has := func(e *Entry) bool {
				return slices.ContainsFunc(kept, func(k Entry) bool { return k.Compare(e) == 0 })
			}
			for i := range kept {
				if i > 0 && kept[i-1].Compare(&kept[i]) >= 0 {
					return fmt.Errorf("%s: %v isn't in order", r.self, key)
				}
			}
			all := slices.Clone(entries)
			if key.Row != "" {
				all = append(all, r.added[change.Key{Table: key.Table}]...)
			}
			for i := range entries {
				e := &entries[i]
				if has(e) {
					held++
					continue
				}
				if err := m.over(r, key, e); err != nil {
					return err
				}
				for j := range all {
					if all[j].Compare(e) < 0 && has(&all[j]) {
						return fmt.Errorf("%s: %v: %s was dropped before %s, which comes earlier", r.self, key, e.Tag.Dot, all[j].Tag.Dot)
					}
				}
			}
		}
		if s := r.h.Stats(); s.Operations != held || (s.Bytes > 0) != (held > 0) {
			return fmt.Errorf("%s: %d operations are held, the figures say %+v", r.self, held, s)
		}
	}
	return nil
}

// over says why the operation e, which r dropped, isn't over: something that hasn't seen it can still be
// written, or is on its way to r.
func (m *mesh) over(r *region, key change.Key, e *Entry) error {
	for _, other := range m.regions {
		if other.self != e.Tag.Dot.Origin && !other.applied.Includes(e.Tag.Dot) {
			return fmt.Errorf("%s: %v: %s was dropped, %s hasn't seen it", r.self, key, e.Tag.Dot, other.self)
		}
		if other.self == e.Tag.Dot.Origin {
			continue
		}
		for _, ev := range other.log {
			if ev.echo == nil && len(ev.ops) > 0 && !ev.saw.Includes(e.Tag.Dot) {
				return fmt.Errorf("%s: %v: %s was dropped, a transaction in %s's log hadn't seen it", r.self, key, e.Tag.Dot, other.self)
			}
		}
		if other == r {
			continue
		}
		for _, tx := range other.out[r.next[other.self]:] {
			if len(tx.ops) > 0 && !tx.tag.Saw(e.Tag.Dot) {
				return fmt.Errorf("%s: %v: %s was dropped, %s on its way hadn't seen it", r.self, key, e.Tag.Dot, tx.tag.Dot)
			}
		}
	}
	return nil
}
