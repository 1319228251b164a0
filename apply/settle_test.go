package apply

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"bridge/change"
	"bridge/visibility"

	"pgregory.net/rapid"
)

// person is an operation on a row of people; "-" is NULL.
func person(kind change.Kind, id, mail, nick string) change.Operation {
	o := op(kind, people, id, mail, nick)
	for i, v := range o.New {
		if v.IsAbsent() {
			o.New[i] = change.Null
		}
	}
	return o
}

func born(id, mail, nick string) change.Operation  { return person(change.Insert, id, mail, nick) }
func moved(id, mail, nick string) change.Operation { return person(change.Update, id, mail, nick) }
func gone(id string) change.Operation              { return op(change.Delete, people, id) }

var abc = []change.Origin{"a/1", "b/1", "c/1"}

// written is a transaction that the application of one place commits.
type written struct {
	place int
	time  change.Timestamp
	ops   []change.Operation
}

// deliver gives every place what the others wrote, each origin's in its order, else in whatever order is drawn, until all have all.
func deliver(t *rapid.T, places []*place, wrote [][]*change.Transaction) {
	next := make([][]int, len(places))
	for i := range next {
		next[i] = make([]int, len(places))
	}
	for {
		var ready [][2]int
		for to, p := range places {
			for from := range places {
				if n := next[to][from]; from != to && n < len(wrote[from]) && p.clock.State().Vector.With(p.self, ^uint64(0)).Covers(wrote[from][n].Deps) {
					ready = append(ready, [2]int{to, from})
				}
			}
		}
		if len(ready) == 0 {
			return
		}
		one := rapid.SampledFrom(ready).Draw(t, "delivery")
		to, from := one[0], one[1]
		if err := places[to].receive(wrote[from][next[to][from]]); err != nil {
			t.Fatalf("%s: %v", places[to].self, err)
		}
		next[to][from]++
	}
}

// TestHistories are known ones in which rows and unique values change places in several regions at once (facts.md §7.1 in the design's
// notes has (a), (b) and (c)): in whatever order they arrive, all regions show and park the same.
func TestHistories(t *testing.T) {
	runHistories(t, func() visibility.Catalog { return peopleCatalog("mail", "nick") }, map[string]known{
		"(a) replaced where the value was, written elsewhere earlier": {[]written{
			{0, 1, []change.Operation{born("1", "20", "-")}},
			{1, 2, []change.Operation{born("1", "10", "-")}}, {1, 3, []change.Operation{gone("1"), born("2", "10", "-")}},
		}, "[public.people (2) 2 10 -] parked []"},
		"(b) three regions": {[]written{
			{0, 1, []change.Operation{born("1", "20", "-")}}, {1, 2, []change.Operation{born("1", "10", "-")}}, {2, 3, []change.Operation{born("2", "10", "-")}},
		}, "[public.people (2) 2 10 -] parked [public.people (1) 1 10 -]"},
		"(c) a legal insert meets a row that was written elsewhere meanwhile": {[]written{
			{0, 1, []change.Operation{born("1", "10", "-")}}, {0, 3, []change.Operation{born("2", "20", "-")}}, {1, 2, []change.Operation{born("1", "20", "-")}},
		}, "[public.people (2) 2 20 -] parked [public.people (1) 1 20 -]"},
		"values change places in one transaction": {[]written{
			{0, 1, []change.Operation{born("1", "x", "-"), born("2", "y", "-")}},
			{0, 2, []change.Operation{moved("1", "z", "-"), moved("2", "x", "-"), moved("1", "y", "-")}},
		}, "[public.people (1) 1 y - public.people (2) 2 x -] parked []"},
		"a chain moves up": {[]written{
			{0, 1, []change.Operation{born("1", "x", "-"), born("2", "y", "-"), born("3", "z", "-")}},
			{0, 2, []change.Operation{moved("3", "w", "-"), moved("2", "z", "-"), moved("1", "y", "-")}}, {1, 3, []change.Operation{born("4", "x", "-")}},
		}, "[public.people (1) 1 y - public.people (2) 2 z - public.people (3) 3 w - public.people (4) 4 x -] parked []"},
		"who lost one value goes on holding the other": {[]written{
			{0, 1, []change.Operation{born("1", "-", "n")}}, {1, 2, []change.Operation{born("2", "m", "n")}}, {2, 3, []change.Operation{born("3", "m", "-")}},
		}, "[public.people (3) 3 m -] parked [public.people (1) 1 - n public.people (2) 2 m n]"},
		"the value is freed": {[]written{
			{0, 1, []change.Operation{born("1", "m", "-")}}, {1, 2, []change.Operation{born("2", "m", "-")}}, {1, 3, []change.Operation{moved("2", "o", "-")}},
		}, "[public.people (1) 1 m - public.people (2) 2 o -] parked []"},
		"the rival is deleted": {[]written{
			{0, 1, []change.Operation{born("1", "m", "-")}}, {1, 2, []change.Operation{born("2", "m", "-")}}, {1, 3, []change.Operation{gone("2")}},
		}, "[public.people (1) 1 m -] parked []"},
	})
}

// known is a history, and what every region has after it.
type known struct {
	wrote []written
	want  string
}

func runHistories(t *testing.T, catalog func() visibility.Catalog, histories map[string]known) {
	for name, test := range histories {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				var places []*place
				wrote := make([][]*change.Transaction, len(abc))
				for _, o := range abc {
					places = append(places, newPlace(t, o, abc, catalog()))
				}
				for _, w := range test.wrote {
					wrote[w.place] = append(wrote[w.place], places[w.place].local(w.time, w.ops...))
				}
				deliver(rt, places, wrote)
				for _, p := range places {
					if got := p.String(); got != test.want {
						rt.Fatalf("%s has %s, want %s", p.self, got, test.want)
					}
				}
			})
		})
	}
}

// TestUnknownKeyStopsTheOrigin: what violates a key that isn't in the catalog can't be decided, and isn't passed over.
func TestUnknownKeyStopsTheOrigin(t *testing.T) {
	p := newPlace(t, "b/1", abc, peopleCatalog())
	must(t, p.receive(txOf("a", 1, 10, born("1", "m", "-"))))
	err := p.receive(txOf("c", 1, 20, born("2", "m", "-")))
	if !errors.Is(err, ErrCollides) || p.String() != "[public.people (1) 1 m -] parked []" {
		t.Errorf("%v, and %s", err, p)
	}
}

// noBad is a check that isn't the same in all regions.
func noBad(_ change.Key, image change.Image) error {
	if text, _ := image[2].Text(); text == "bad" {
		return &broken{ErrUnfit, "people_check"}
	}
	return nil
}

// TestRefusedRow: what the database doesn't take is parked, goes on holding its values, and is shown as soon as it's corrected, or tried again.
func TestRefusedRow(t *testing.T) {
	p := newPlace(t, "b/1", abc, peopleCatalog("mail"))
	p.check = noBad
	delete(p.unique, "people_nick")
	must(t, p.receive(txOf("a", 1, 10, born("1", "m", "bad"), born("2", "o", "good"))))
	want := "[public.people (2) 2 o good] parked [public.people (1) 1 m bad]"
	if got := p.String(); got != want {
		t.Fatalf("%s, want %s", got, want)
	}
	if row := p.parked[born("1", "", "").Key]; row.Reason != visibility.Refused || row.Constraint != "people_check" {
		t.Errorf("parked by %s %s", row.Reason, row.Constraint)
	}
	must(t, p.receive(txOf("c", 1, 5, born("3", "m", "good"))))
	if p.rows[born("3", "", "").Key] != nil {
		t.Errorf("an earlier row is shown with the value of one that's refused: %s", p)
	}
	p.watch.Retry()
	must(t, p.keepUp())
	if len(p.parked) != 2 || p.watch.Due() {
		t.Errorf("tried again: %s", p)
	}
	must(t, p.receive(txOf("a", 2, 30, moved("1", "m", "good"))))
	if got, want := p.String(), "[public.people (1) 1 m good public.people (2) 2 o good] parked [public.people (3) 3 m good]"; got != want {
		t.Errorf("corrected: %s, want %s", got, want)
	}
}

// TestRetryShowsWhatFitsByNow: the schema was changed since.
func TestRetryShowsWhatFitsByNow(t *testing.T) {
	p := newPlace(t, "b/1", abc, peopleCatalog("mail"))
	p.check = noBad
	must(t, p.receive(txOf("a", 1, 10, born("1", "m", "bad"))))
	p.check = nil
	p.watch.Retry()
	must(t, p.keepUp())
	if got, want := p.String(), "[public.people (1) 1 m bad] parked []"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestUpkeepIsNeverStuck: a row that was parked can't be shown by a key that isn't in the catalog. It's parked for that, and the rest goes on.
func TestUpkeepIsNeverStuck(t *testing.T) {
	p := newPlace(t, "b/1", abc, peopleCatalog("mail"))
	delete(p.unique, "people_nick")
	must(t, p.receive(txOf("a", 1, 10, born("1", "m", "n"))))
	must(t, p.receive(txOf("c", 1, 20, born("2", "m", "o"))))
	p.unique["people_nick"] = 2 // CREATE UNIQUE INDEX
	p.local(30, born("3", "p", "n"))
	p.local(40, gone("2"))
	must(t, p.keepUp())
	if row := p.parked[born("1", "", "").Key]; row.Reason != visibility.Refused || row.Constraint != "people_nick" {
		t.Errorf("%s: %s %s", p, row.Reason, row.Constraint)
	}
	must(t, p.receive(txOf("a", 2, 50, born("4", "q", "q"))))
	p.local(60, gone("3"))
	p.watch.Retry()
	must(t, p.keepUp())
	if len(p.parked) != 0 {
		t.Errorf("it fits by now: %s", p)
	}
}

// TestHiddenRowsAreCounted: the metrics tell of every conflict that's recorded.
func TestHiddenRowsAreCounted(t *testing.T) {
	p := newPlace(t, "b/1", abc, peopleCatalog("mail"))
	must(t, p.receive(txOf("a", 1, 10, born("1", "m", "n"))))
	must(t, p.receive(txOf("c", 1, 20, born("2", "m", "o"))))
	counted := uint64(0)
	for _, n := range p.worker.report.Conflicts() {
		counted += n
	}
	if len(p.written) != 1 || counted != 1 {
		t.Errorf("%d conflicts are recorded, %d counted; want 1", len(p.written), counted)
	}
}

// TestFailedSettlementLeavesNothing: what was noticed stays due, and the watch isn't left as if a settlement were under way.
func TestFailedSettlementLeavesNothing(t *testing.T) {
	p := newPlace(t, "b/1", abc, peopleCatalog("mail"))
	must(t, p.receive(txOf("a", 1, 10, born("1", "m", "n"))))
	must(t, p.receive(txOf("c", 1, 20, born("2", "m", "o"))))
	before := p.String()
	p.local(30, gone("2"))
	p.check = func(change.Key, change.Image) error { return ErrRetry }
	if err := p.keepUp(); !errors.Is(err, ErrRetry) {
		t.Fatalf("got %v", err)
	}
	if !p.watch.Due() || p.watch.settling {
		t.Errorf("due %t, settling %t, from %s to %s", p.watch.Due(), p.watch.settling, before, p)
	}
	p.check = nil
	must(t, p.keepUp())
	if got, want := p.String(), "[public.people (1) 1 m n] parked []"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestLocalIsNoticedWhileSettling: an application frees a value while the row that waits for it is being parked.
func TestLocalIsNoticedWhileSettling(t *testing.T) {
	p := newPlace(t, "b/1", abc, peopleCatalog("mail"))
	must(t, p.receive(txOf("c", 1, 20, born("2", "m", "o"))))
	s, _ := p.watch.Settlement(t.Context(), NewBatch(txOf("a", 1, 10, born("1", "m", "n")), 1), p.worker.rules)
	p.Begin(NewBatch(txOf("a", 1, 10), 1).Marker, AsSets)
	must(t, p.worker.decide(t.Context(), s, NewBatch(txOf("a", 1, 10), 1).Marker))
	tx := txOf("b", 1, 30, moved("2", "elsewhere", "o"))
	must(t, p.h.AddTransaction(tx, 9))
	p.watch.Local(tx, p.h) // read while the settlement is under way, of whose parked row nobody knows yet
	if p.watch.Due() {
		t.Fatal("due before anything is parked")
	}
	p.watch.Settled(s)
	if !p.watch.Due() {
		t.Error("nothing is due, though the row in the way was written meanwhile")
	}
}

// Retried orphans whose catalog has changed must do no harm.
func TestOrphansOfAnotherCatalog(t *testing.T) {
	p := newPlace(t, "b/1", abc, peopleCatalog("mail"))
	for _, o := range []Orphaned{
		{Parent: people.TableName, Refers: 3, Values: []change.Value{change.Text("1")}},
		{Parent: change.TableName{Schema: "public", Name: "dropped"}, Values: []change.Value{change.Text("1")}},
	} {
		p.watch.Give(Due{Orphaned: []Orphaned{o}})
	}
	p.watch.catalog[people.TableName].Refer([]string{"mail", "nick"})
	p.watch.Give(Due{Orphaned: []Orphaned{{Parent: people.TableName, Values: []change.Value{change.Text("1")}}}})
	must(t, p.keepUp())
}

// TestTruncateBesideParkedRows: a transaction that truncates is applied without a look at what's parked, which follows.
func TestTruncateBesideParkedRows(t *testing.T) {
	p := newPlace(t, "b/1", abc, peopleCatalog("mail"))
	p.check = noBad
	must(t, p.receive(txOf("a", 1, 30, born("1", "m", "bad"))))
	tx := txOf("c", 1, 20, op(change.Truncate, other, ""), born("2", "m", "good"))
	must(t, p.receive(tx))
	if got, want := p.String(), "[] parked [public.people (1) 1 m bad public.people (2) 2 m good]"; got != want {
		t.Errorf("%s, want %s: the refused row's claim is the later one, in all regions", got, want)
	}
}

// TestParentThatChangesIsLockedAnew: a row that was found as a parent, which others may name meanwhile, is looked up by its key before
// it's written.
func TestParentThatChangesIsLockedAnew(t *testing.T) {
	p := newPlace(t, "a/1", abc, peopleCatalog("mail", "nick"))
	p.local(1, born("1", "m", "-"))
	s, _ := p.watch.Settlement(t.Context(), NewBatch(txOf("b", 1, 5, born("2", "m", "-")), 7), p.worker.rules)
	var sought []string
	for complete := false; !complete; {
		err := s.Decide(p.h, p.at)
		must(t, err)
		complete, err = s.Look()
		must(t, err)
		for _, l := range s.Lookups() {
			sought = append(sought, fmt.Sprint(l.Columns, l.Values))
			rows, _ := p.Find(t.Context(), &l)
			l.Parents = l.Columns[0] == "mail" // as if a child had named it before
			s.Found(&l, rows)
		}
	}
	if steps := s.Steps(); len(steps) != 2 || steps[0][0].Kind != Delete || steps[0][0].Key != born("1", "m", "-").Key {
		t.Errorf("steps %v, want row 1 deleted first", steps)
	}
	if want := fmt.Sprint([]string{"id"}, [][]change.Value{{change.Text("1")}}); !slices.Contains(sought, want) {
		t.Errorf("looked up %q, and not %q", sought, want)
	}
}

// TestParentThatIsntSeenYet: a local transaction that brings a parent back is read from the log before others see it, and nothing tells when they
// do. Upkeep must not take the parent for missing, and leave its child hidden for good.
func TestParentThatIsntSeenYet(t *testing.T) {
	for name, c := range map[string]struct{ referred, names string }{"by its key": {"id", "1"}, "by a unique column": {"mail", "m1"}} {
		t.Run(name, func(t *testing.T) {
			catalog := peopleCatalog("mail")
			catalog[people.TableName].Refer([]string{c.referred})
			catalog[people.TableName].Foreign = []visibility.Foreign{{Name: "people_boss", Columns: []string{"nick"}, Parent: people.TableName}}
			p := newPlace(t, "b/1", abc, catalog)
			boss := born("1", "m1", "")
			boss.New[2] = change.Null
			p.local(5, boss)
			p.local(6, gone("1"))
			must(t, p.receive(txOf("a", 1, 10, born("2", "m2", c.names))))
			hidden := p.String()
			p.at++
			tx := &change.Transaction{Tag: p.clock.Local(20), Last: true, Operations: []change.Operation{boss}}
			must(t, p.h.AddTransaction(tx, p.at))
			p.watch.Local(tx, p.h)
			p.unseen = true
			if err := p.keepUp(); !errors.Is(err, ErrRetry) || !p.watch.Due() || p.String() != hidden || len(p.parked) != 1 {
				t.Fatalf("before the parent is seen: %v, due %t, %s, and it was %s", err, p.watch.Due(), p, hidden)
			}
			p.rows.operate(&boss)
			p.unseen = false
			must(t, p.keepUp())
			if len(p.parked) > 0 || len(p.rows) != 2 {
				t.Errorf("when it's seen: %s", p)
			}
		})
	}
}

// TestRowThatIsntSeenYet: a local transaction that inserts a row is read from the log, and others see it only when the row was looked for in vain. What's
// decided of that row must not be decided as if it weren't there: it would stay shown.
func TestRowThatIsntSeenYet(t *testing.T) {
	for name, c := range map[string]struct {
		incoming change.Operation
		want     string
	}{
		"it's hidden":  {born("1", "m", "n"), "[public.people (2) 2 m x] parked [public.people (1) 1 m n]"},
		"it's deleted": {gone("1"), "[public.people (2) 2 m x] parked []"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, "b/1", abc, peopleCatalog("mail", "nick"))
			mine := born("1", "m1", "n1")
			p.local(5, mine)
			p.local(40, born("2", "m", "x"))
			delete(p.rows, mine.Key)
			p.found = func() { p.rows.operate(&mine); p.found = nil }
			b := NewBatch(txOf("a", 1, 10, c.incoming), 0)
			must(t, p.worker.settle(t.Context(), b, newTicket(firstTicket())))
			if got := p.String(); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
