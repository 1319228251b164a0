package apply

import (
	"strings"
	"testing"

	"bridge/change"
	"bridge/history"
	"bridge/visibility"

	"pgregory.net/rapid"
)

// halls name halls by up, seats name halls by code, which isn't what names a hall's row.
var (
	halls = change.NewTable(change.TableName{Schema: "public", Name: "hall"}, []change.Column{
		{Name: "id", Type: "integer", Key: true}, {Name: "up", Type: "integer"}, {Name: "code", Type: "text"}}, true)
	seats = change.NewTable(change.TableName{Schema: "public", Name: "seat"}, []change.Column{
		{Name: "id", Type: "integer", Key: true}, {Name: "code", Type: "text"}, {Name: "far", Type: "integer"}}, true)
)

func hallCatalog() visibility.Catalog {
	hall := &visibility.Table{Shape: halls}
	byID, byCode := hall.Refer([]string{"id"}), hall.Refer([]string{"code"})
	hall.Foreign = []visibility.Foreign{{Name: "in_up", Columns: []string{"up"}, Parent: halls.TableName, Refers: byID, Policy: visibility.KeepParent}}
	seat := &visibility.Table{Shape: seats, Foreign: []visibility.Foreign{
		{Name: "in_code", Columns: []string{"code"}, Parent: halls.TableName, Refers: byCode, Policy: visibility.KeepParent},
		{Name: "in_far", Columns: []string{"far"}, Parent: halls.TableName, Refers: byID, Policy: visibility.ParkChild},
	}}
	return visibility.Catalog{halls.TableName: hall, seats.TableName: seat}
}

func nulls(o change.Operation) change.Operation {
	for i, v := range o.New {
		if v.IsAbsent() {
			o.New[i] = change.Null
		}
	}
	return o
}

func opens(id, up, code string) change.Operation {
	return nulls(op(change.Insert, halls, id, up, code))
}
func taken(id, code, far string) change.Operation {
	return nulls(op(change.Insert, seats, id, code, far))
}

// closes deletes a hall of which the log tells what it was.
func closes(id, up, code string) change.Operation {
	o := op(change.Delete, halls, id)
	o.Old = opens(id, up, code).New
	return o
}

func newHallPlace(t *testing.T, self change.Origin) *place {
	p := newPlace(t, self, abc, hallCatalog())
	p.unique = nil
	p.h.KeepBefore(func(name change.TableName) bool { return name == halls.TableName })
	return p
}

// lacks is what the parked rows lack: "row: lost parents".
func (p *place) lacks(tables ...*change.Table) string {
	var list []string
	for _, t := range tables {
		for _, key := range sortedKeys(p.parked) {
			if key.Table != t.TableName {
				continue
			}
			text := key.String() + ":"
			for _, l := range p.parked[key].Lost {
				id, _ := l.Image[0].Text()
				code, _ := l.Image[2].Text()
				text += " " + id + code + " by " + l.Dot.String()
			}
			list = append(list, text)
		}
	}
	return strings.Join(list, ", ")
}

// TestLostParents: in whatever order a parent's delete and its child arrive, all regions know what the child lacks, and its parents' parents.
func TestLostParents(t *testing.T) {
	for name, test := range map[string]struct {
		wrote []written // from the second on at the same time
		want  string
	}{
		"a hall": {[]written{
			{0, 1, []change.Operation{opens("1", "-", "x")}}, {0, 2, []change.Operation{closes("1", "-", "x")}}, {1, 3, []change.Operation{opens("2", "1", "y")}},
		}, "public.hall (2): 1x by a/1:2"},
		"by another key, with its own parents, outermost first": {[]written{
			{0, 1, []change.Operation{opens("1", "-", "x"), opens("2", "1", "y"), opens("3", "2", "z")}},
			{0, 2, []change.Operation{closes("3", "2", "z"), closes("2", "1", "y"), closes("1", "-", "x")}}, {1, 3, []change.Operation{taken("7", "z", "-")}},
		}, "public.seat (7): 1x by a/1:2 2y by a/1:2 3z by a/1:2"},
		"not a row that nobody has seen": {[]written{
			{0, 1, []change.Operation{opens("1", "-", "x")}}, {0, 2, []change.Operation{closes("1", "-", "x")}},
			{0, 3, []change.Operation{opens("1", "-", "x"), closes("1", "-", "x")}}, {1, 4, []change.Operation{taken("7", "x", "-")}},
		}, "public.seat (7): 1x by a/1:2"},
		"a row that nobody has seen takes another region's along": {[]written{
			{0, 1, []change.Operation{opens("5", "-", "w")}}, {0, 4, []change.Operation{opens("1", "-", "x"), closes("1", "-", "x")}},
			{1, 3, []change.Operation{opens("1", "-", "y"), opens("2", "1", "z")}},
		}, "public.hall (2): 1y by a/1:2"},
		"by both keys: what's hidden by one knows what it lacks by the other": {[]written{
			{0, 1, []change.Operation{opens("1", "-", "x"), opens("2", "-", "y")}}, {0, 2, []change.Operation{closes("1", "-", "x"), closes("2", "-", "y")}},
			{1, 3, []change.Operation{taken("7", "y", "1")}},
		}, "public.seat (7): 2y by a/1:2"},
		"the log doesn't tell the row": {[]written{
			{0, 1, []change.Operation{opens("1", "-", "x")}}, {0, 2, []change.Operation{op(change.Delete, halls, "1")}}, {1, 3, []change.Operation{opens("2", "1", "y")}},
		}, "public.hall (2):"},
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				places := []*place{newHallPlace(t, "a/1"), newHallPlace(t, "b/1"), newHallPlace(t, "c/1")}
				wrote := make([][]*change.Transaction, len(abc))
				for i, w := range test.wrote {
					wrote[w.place] = append(wrote[w.place], places[w.place].local(w.time, w.ops...))
					if i == 0 {
						deliver(rt, places, wrote)
						wrote = make([][]*change.Transaction, len(abc))
					}
				}
				deliver(rt, places, wrote)
				for _, p := range places {
					if got := p.lacks(halls, seats); got != test.want {
						rt.Fatalf("%s knows %s, want %s; it has %s", p.self, got, test.want, p)
					}
				}
			})
		})
	}
}

// TestLastDelete: of several deletes the latest tells what the parent was.
func TestLastDelete(t *testing.T) {
	p := newHallPlace(t, "a/1")
	p.local(1, opens("1", "-", "x"))
	seen := change.NewVector(change.Seen{Origin: "a/1", Seq: 1})
	for _, origin := range []string{"c", "b"} {
		tx := txOf(origin, 1, map[string]change.Timestamp{"b": 5, "c": 6}[origin], closes("1", "-", "x"))
		tx.Deps = seen
		must(t, p.receive(tx))
		must(t, p.h.AddTransaction(tx, 0))
	}
	child := txOf("b", 2, 7, opens("2", "1", "y"))
	child.Deps = seen
	must(t, p.receive(child))
	if got := p.lacks(halls); got != "public.hall (2): 1x by c/1:1" {
		t.Errorf("%s", got)
	}
}

// TestLostParentsAreKept: what a child lacks stays known when history has forgotten the delete, until it's shown.
func TestLostParentsAreKept(t *testing.T) {
	p := newHallPlace(t, "a/1")
	p.local(1, opens("1", "-", "x"))
	p.local(2, closes("1", "-", "x"))
	must(t, p.receive(txOf("b", 1, 3, taken("7", "x", "-"))))
	const want = "public.seat (7): 1x by a/1:2"
	if got := p.lacks(seats); got != want {
		t.Fatalf("%s", got)
	}
	empty := history.New(p.self, abc, 0)
	p.h, p.worker.history = empty, history.NewLocked(empty)
	p.watch.Retry()
	must(t, p.keepUp())
	note := taken("7", "x", "-")
	note.Kind = change.Update
	must(t, p.receive(txOf("b", 2, 4, note)))
	if got := p.lacks(seats); got != want {
		t.Errorf("without its delete in history: %s", got)
	}
	p.local(5, opens("1", "-", "x"))
	must(t, p.keepUp())
	if len(p.parked) != 0 || p.rows[note.Key] == nil {
		t.Errorf("the parent is back: %s", p)
	}
}

// TestParentsOfLostParents: those that are deleted after the child was parked are known, too, wherever that was.
func TestParentsOfLostParents(t *testing.T) {
	for name, remove := range map[string]func(*place){
		"here":  func(p *place) { p.local(4, closes("1", "-", "x")) },
		"there": func(p *place) { must(t, p.receive(txOf("c", 1, 4, closes("1", "-", "x")))) },
	} {
		p := newHallPlace(t, "a/1")
		p.local(1, opens("1", "-", "x"), opens("2", "1", "y"))
		p.local(2, closes("2", "1", "y"))
		must(t, p.receive(txOf("b", 1, 3, taken("7", "y", "-"))))
		if got := p.lacks(seats); got != "public.seat (7): 2y by a/1:2" {
			t.Fatalf("%s: %s", name, got)
		}
		remove(p)
		must(t, p.keepUp())
		if got := p.lacks(seats); !strings.HasPrefix(got, "public.seat (7): 1x by ") || !strings.HasSuffix(got, " 2y by a/1:2") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestLostParentsOfLargeTransactions: what a large transaction deleted is read again, whichever key names it.
func TestLostParentsOfLargeTransactions(t *testing.T) {
	for name, child := range map[string]change.Operation{"by its key": opens("2", "1", "y"), "by another": taken("7", "x", "-")} {
		p := newHallPlace(t, "a/1")
		large := txOf("a", 1, 2, closes("1", "-", "x"))
		must(t, p.h.AddBulk(&large.Tag, large.Operations, 0, 1))
		s, _ := p.watch.Settlement(t.Context(), NewBatch(txOf("b", 1, 3, child), 0), p.worker.rules)
		if refs := s.Lacks(p.h, ^uint64(0)); len(refs) != 0 {
			t.Fatalf("%s: lacks %v before it's looked at", name, refs)
		}
		for read := false; ; {
			must(t, s.Decide(p.h, ^uint64(0)))
			complete, err := s.Look()
			must(t, err)
			lookups := s.Lookups()
			refs := s.Lacks(p.h, ^uint64(0))
			if complete && read {
				break
			}
			if complete || len(refs) == 0 && len(lookups) == 0 || read && len(refs) > 0 {
				t.Fatalf("%s: complete %t, lacks %v, looks up %d", name, complete, refs, len(lookups))
			}
			for _, ref := range refs {
				p.h.Fill(ref, large.Operations, []uint32{0})
				read = true
			}
		}
		if lost := s.scene.Get(child.Key).Lost; len(lost) != 1 || lost[0].Dot != large.Dot {
			t.Errorf("%s: lost %+v", name, lost)
		}
	}
}
