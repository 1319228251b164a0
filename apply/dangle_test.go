package apply

import (
	"context"
	"strings"
	"testing"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/visibility"
)

// familyCatalog has other's column a name docs by its id, or, with byName, by its column t.
func familyCatalog(byName bool) visibility.Catalog {
	parent := &visibility.Table{Shape: tbl}
	columns := []string{"id"}
	if byName {
		columns = []string{"t"}
	}
	foreign := visibility.Foreign{Name: "other_a", Columns: []string{"a"}, Parent: tbl.TableName, Refers: parent.Refer(columns)}
	return visibility.Catalog{tbl.TableName: parent, other.TableName: {Shape: other, Foreign: []visibility.Foreign{foreign}}}
}

func familyWatch(t *testing.T, byName bool) *Watch {
	t.Helper()
	w, err := NewWatch(t.Context(), "b/1", familyCatalog(byName), nil, sameForm{})
	must(t, err)
	return w
}

// child is an operation on a row of other that names a parent.
func child(kind change.Kind, id, parent string) change.Operation {
	if kind == change.Delete {
		return op(kind, other, id)
	}
	return op(kind, other, id, parent, "x")
}

func childless() change.Operation {
	o := child(change.Insert, "9", "1")
	o.New[1] = change.Null
	return o
}

// TestReferencesDangle: a batch can't be applied as it is when history knows a concurrent operation that may have taken a parent away, or that
// a truncate may have left.
func TestReferencesDangle(t *testing.T) {
	seen := change.NewVector(change.Seen{Origin: "c/1", Seq: 1})
	for name, tc := range map[string]struct {
		known  change.Operation // by region c, in history
		batch  change.Operation // from region a
		saw    bool             // the batch had seen what's known
		large  bool             // what's known is of a large transaction
		byName bool
		want   bool
	}{
		"the parent is deleted":                     {known: del("1"), batch: child(change.Insert, "5", "1"), want: true},
		"the parent is named by an update":          {known: del("1"), batch: child(change.Update, "5", "1"), want: true},
		"the delete was seen":                       {known: del("1"), batch: child(change.Insert, "5", "1"), saw: true},
		"another parent is deleted":                 {known: del("2"), batch: child(change.Insert, "5", "1")},
		"the parent is updated":                     {known: upd("1", "x", "x"), batch: child(change.Insert, "5", "1")},
		"the child names none":                      {known: del("1"), batch: childless()},
		"the child is deleted":                      {known: del("1"), batch: child(change.Delete, "5", "")},
		"the parents are truncated":                 {known: trunc(), batch: child(change.Insert, "5", "1"), want: true},
		"the truncate was seen":                     {known: trunc(), batch: child(change.Insert, "5", "1"), saw: true},
		"the children are truncated":                {known: op(change.Truncate, other, ""), batch: child(change.Insert, "5", "1")},
		"a large transaction writes the parent":     {known: upd("1", "x", "x"), large: true, batch: child(change.Insert, "5", "1"), want: true},
		"named otherwise, some parent is updated":   {known: upd("2", "x", "x"), byName: true, batch: child(change.Insert, "5", "n"), want: true},
		"named otherwise, some parent is inserted":  {known: ins("2", "x", "x"), byName: true, batch: child(change.Insert, "5", "n")},
		"named otherwise, the parents are emptied":  {known: trunc(), byName: true, batch: child(change.Insert, "5", "n"), want: true},
		"a truncate of parents, beside one":         {known: ins("2", "x", "x"), batch: trunc(), want: true},
		"a truncate of parents, beside a delete":    {known: del("2"), batch: trunc()},
		"a truncate of parents, beside a child":     {known: child(change.Insert, "5", "1"), batch: trunc(), want: true},
		"a truncate of parents that saw the child":  {known: child(change.Insert, "5", "1"), batch: trunc(), saw: true},
		"a truncate of children, beside one":        {known: child(change.Insert, "5", "1"), batch: op(change.Truncate, other, ""), want: true},
		"a truncate of children, beside a parent":   {known: ins("2", "x", "x"), batch: op(change.Truncate, other, "")},
		"a truncate beside a large transaction":     {known: child(change.Insert, "5", "1"), large: true, batch: trunc(), want: true},
		"a truncate of a table without constraints": {known: born("1", "m", "n"), batch: op(change.Truncate, people, "")},
	} {
		t.Run(name, func(t *testing.T) {
			w, h := familyWatch(t, tc.byName), history.New("b/1", abc, 0)
			known := txOf("c", 1, 10, tc.known)
			add := h.AddTransaction
			if tc.large {
				add = func(tx *change.Transaction, at uint64) error { return h.AddBulk(&tx.Tag, tx.Operations, 0, at) }
			}
			must(t, add(known, 0))
			tx := txOf("a", 1, 20, tc.batch)
			if tc.saw {
				tx.Deps = seen
			}
			refs, err := w.References(t.Context(), NewBatch(tx, 0))
			must(t, err)
			if got := refs.Dangle(h); got != tc.want {
				t.Errorf("dangles: %t", got)
			}
		})
	}
}

// TestLeaves: a batch that takes a parent away leaves the children that the table has, and one whose row was decided may name a parent that it
// hasn't.
func TestLeaves(t *testing.T) {
	for name, tc := range map[string]struct {
		batch   change.Operation
		decided Write // what became of it; zero where nobody else wrote the row
		has     []change.Operation
		want    bool
	}{
		"a parent with a child is deleted":            {batch: del("1"), has: []change.Operation{child(change.Insert, "5", "1")}, want: true},
		"a parent without one is deleted":             {batch: del("1"), has: []change.Operation{child(change.Insert, "5", "2")}},
		"a parent is updated":                         {batch: upd("1", "x", "x"), has: []change.Operation{child(change.Insert, "5", "1")}},
		"a parent's write lost to a delete":           {batch: upd("1", "x", "x"), decided: Write{Kind: Delete}, has: []change.Operation{child(change.Insert, "5", "1")}, want: true},
		"a child is written":                          {batch: child(change.Insert, "5", "1")},
		"a child was decided, its parent is there":    {batch: child(change.Insert, "5", "1"), decided: Write{Kind: Upsert}, has: []change.Operation{ins("1", "x", "x")}},
		"a child was decided, its parent isn't there": {batch: child(change.Insert, "5", "1"), decided: Write{Kind: Upsert}, has: []change.Operation{ins("2", "x", "x")}, want: true},
		"a child was decided and goes":                {batch: child(change.Insert, "5", "1"), decided: Write{Kind: Delete}},
		"a child was decided and names no parent":     {batch: childless(), decided: Write{Kind: Upsert}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, "b/1", abc, familyCatalog(false))
			for i := range tc.has {
				p.rows.operate(&tc.has[i])
			}
			b := NewBatch(txOf("a", 1, 20, tc.batch), 0)
			if r := b.rows[0]; tc.decided.Kind != 0 {
				r.decided, r.written.Kind = true, tc.decided.Kind
			}
			got, err := p.watch.Leaves(t.Context(), b, func(l *visibility.Lookup) ([]visibility.Row, error) { return p.Find(context.Background(), l) })
			must(t, err)
			if got != tc.want {
				t.Errorf("leaves a child: %t", got)
			}
		})
	}
}

// TestParentsAreHeld: the parents that a batch's rows name can't go before it has committed, each of them once.
func TestParentsAreHeld(t *testing.T) {
	full := change.NewTable(other.TableName, other.Columns, true)
	stays := child(change.Update, "5", "1")
	stays.Table, stays.Old = full, child(change.Insert, "5", "1").New
	moves := child(change.Update, "5", "2")
	moves.Table, moves.Old = full, stays.Old
	deleted := child(change.Delete, "5", "")
	for name, tc := range map[string]struct {
		ops  []change.Operation
		want string
	}{
		"children":                            {[]change.Operation{child(change.Insert, "5", "1"), child(change.Insert, "6", "2"), child(change.Insert, "7", "1")}, "1 2"},
		"one that names none":                 {[]change.Operation{childless()}, ""},
		"one that's deleted":                  {[]change.Operation{deleted}, ""},
		"an update that may have changed it":  {[]change.Operation{child(change.Update, "5", "1")}, "1"},
		"an update that hasn't":               {[]change.Operation{stays}, ""},
		"an update that has":                  {[]change.Operation{moves}, "2"},
		"the batch writes the parent itself":  {[]change.Operation{ins("1", "x", "x"), child(change.Insert, "5", "1")}, ""},
		"the batch deletes the parent itself": {[]change.Operation{child(change.Insert, "5", "1"), del("1")}, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			w, held := familyWatch(t, false), []string{}
			_, err := w.Leaves(t.Context(), NewBatch(txOf("a", 1, 20, tc.ops...), 0), func(l *visibility.Lookup) ([]visibility.Row, error) {
				for _, values := range l.Values {
					if text, _ := values[0].Text(); l.Held && l.Parents && l.Table.Shape == tbl {
						held = append(held, text)
					}
				}
				return nil, nil
			})
			must(t, err)
			if got := strings.Join(held, " "); got != tc.want {
				t.Errorf("holds %q, want %q", got, tc.want)
			}
		})
	}
}

// TestRelated: what takes parents away and what names some mustn't be in flight together, whichever comes first.
func TestRelated(t *testing.T) {
	for name, tc := range map[string]struct {
		a, b change.Operation
		want bool
	}{
		"a parent's delete and a child":          {del("1"), child(change.Insert, "5", "2"), true},           // by tables: they may be named by other columns
		"a parent's update and its child":        {upd("1", "x", "x"), child(change.Insert, "5", "1"), true}, // which holds it
		"a parent's update and another's child":  {upd("1", "x", "x"), child(change.Insert, "5", "2"), false},
		"a parent's insert and another's child":  {ins("1", "x", "x"), child(change.Insert, "5", "2"), false},
		"a parent's delete and a child's delete": {del("1"), child(change.Delete, "5", ""), false},
		"two parents' deletes":                   {del("1"), del("2"), false},
		"two children":                           {child(change.Insert, "5", "1"), child(change.Insert, "6", "1"), false},
		"a table without constraints":            {del("1"), born("1", "m", "n"), false},
	} {
		t.Run(name, func(t *testing.T) {
			w := familyWatch(t, false)
			for _, pair := range [][2]change.Operation{{tc.a, tc.b}, {tc.b, tc.a}} {
				if got := w.Related(NewBatch(txOf("a", 1, 10, pair[0]), 0), txOf("c", 1, 20, pair[1])); got != tc.want {
					t.Errorf("%s in flight, %s comes: related %t", pair[0].Kind, pair[1].Kind, got)
				}
			}
		})
	}
}

// TestTruncateHistories are known ones of truncates beside writes: in whatever order they arrive, all regions show and park the same.
func TestTruncateHistories(t *testing.T) {
	all := []change.Operation{trunc(), op(change.Truncate, other, "")}
	nobody := op(change.Truncate, people, "")
	runHistories(t, func() visibility.Catalog {
		catalog := familyCatalog(false)
		catalog[people.TableName] = peopleCatalog("mail", "nick")[people.TableName]
		return catalog
	}, map[string]known{
		"a child outlives its parent": {[]written{
			{0, 1, []change.Operation{ins("1", "p", "p")}}, {0, 2, all}, {1, 3, []change.Operation{child(change.Insert, "5", "1")}},
		}, "[] parked [public.other (5) 5 1 x]"},
		"and its parent is back": {[]written{
			{0, 1, []change.Operation{ins("1", "p", "p")}}, {0, 2, all}, {1, 3, []change.Operation{child(change.Insert, "5", "1")}}, {2, 4, []change.Operation{ins("1", "q", "q")}},
		}, "[public.docs (1) 1 q q public.other (5) 5 1 x] parked []"},
		"a child from before goes as well": {[]written{
			{0, 1, []change.Operation{ins("1", "p", "p")}}, {1, 2, []change.Operation{child(change.Insert, "5", "1")}}, {0, 3, all},
		}, "[] parked []"},
		"a parent alone is truncated": {[]written{
			{0, 1, []change.Operation{ins("1", "p", "p")}}, {0, 2, all[:1]}, {1, 3, []change.Operation{child(change.Insert, "5", "1")}},
		}, "[] parked [public.other (5) 5 1 x]"},
		"rivals from before and after": {[]written{
			{0, 1, []change.Operation{born("1", "m", "-")}}, {2, 2, []change.Operation{nobody}}, {1, 3, []change.Operation{born("2", "m", "-")}},
		}, "[public.people (2) 2 m -] parked []"},
		"rivals from before": {[]written{
			{0, 1, []change.Operation{born("1", "m", "-")}}, {1, 2, []change.Operation{born("2", "m", "-")}}, {2, 3, []change.Operation{nobody}},
		}, "[] parked []"},
		"rivals from after": {[]written{
			{2, 1, []change.Operation{nobody}}, {0, 2, []change.Operation{born("1", "m", "-")}}, {1, 3, []change.Operation{born("2", "m", "-")}},
		}, "[public.people (2) 2 m -] parked [public.people (1) 1 m -]"},
		"filled again beside rivals from before": {[]written{
			{0, 1, []change.Operation{born("1", "m", "-")}}, {1, 2, []change.Operation{born("2", "m", "-")}}, {2, 3, []change.Operation{nobody, born("3", "m", "-")}},
		}, "[public.people (3) 3 m -] parked []"},
		"filled again beside rivals from after": {[]written{
			{2, 1, []change.Operation{nobody, born("3", "m", "-")}}, {0, 2, []change.Operation{born("1", "m", "-")}}, {1, 3, []change.Operation{born("2", "m", "-")}},
		}, "[public.people (2) 2 m -] parked [public.people (1) 1 m - public.people (3) 3 m -]"},
	})
}

// TestTruncateUnderColumns: a row that outlives a truncate under a rule by columns is as it was, with what the log doesn't tell of it, wherever the
// truncate comes.
func TestTruncateUnderColumns(t *testing.T) {
	full := change.NewTable(tbl.TableName, tbl.Columns, true)
	image := func(values ...string) (out change.Image) {
		for _, v := range values {
			out = append(out, change.Text(v))
		}
		return out
	}
	key := ins("1", "", "").Key
	update := change.Operation{Kind: change.Update, Table: full, Key: key, Old: image("1", "old", "5"), New: image("1", "old", "7")}
	truncate := change.Operation{Kind: change.Truncate, Table: full, Key: change.Key{Table: full.TableName}}
	rule := &conflict.Rule{Columns: map[string]conflict.Column{"t": {Merge: conflict.Counter}}}
	for name, tc := range map[string]struct {
		truncated change.Timestamp
		want      string
	}{
		"the truncate is earlier": {10, "[public.docs (1) 1 old 7] parked []"},
		"the truncate is later":   {30, "[] parked []"},
	} {
		t.Run(name, func(t *testing.T) {
			var places []*place
			for _, self := range abc[:2] {
				p := newPlace(t, self, abc[:2], nil)
				p.worker.rules = conflict.All(rule)
				p.h.KeepBefore(func(change.TableName) bool { return true })
				p.rows[key] = image("1", "old", "5")
				p.rows[ins("2", "", "").Key] = image("2", "old", "6")
				places = append(places, p)
			}
			a, b := places[0].local(20, update), places[1].local(tc.truncated, truncate)
			must(t, places[0].receive(b))
			must(t, places[1].receive(a))
			for _, p := range places {
				if got := p.String(); got != tc.want {
					t.Errorf("%s has %s, want %s", p.self, got, tc.want)
				}
			}
			if got := places[0].written; len(got) != 1 || got[0].Type != conflict.Truncated {
				t.Errorf("recorded %+v", got)
			}
		})
	}
}
