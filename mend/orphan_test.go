package mend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"bridge/casebook"
	"bridge/change"
	"bridge/visibility"
)

// lot is the parked rows of a book, and the parents that there are: all of a table t whose key is id, which names a row of itself by column
// up (policy drop), side (park) or back (keep_parent).
type lot struct {
	casebook.Book
	parked   []*casebook.Parked
	there    []string
	fails    map[string]error // of rows' keys
	dropped  []string
	restored []string // parents, and those for whom they are
}

var policies = visibility.Policies{tree: {Foreign: map[string]visibility.ForeignPolicy{"up": visibility.DropChild, "back": visibility.KeepParent}}}

func inForce() visibility.Policies { return policies }

var tree = change.TableName{Schema: "public", Name: "t"}

// row is a parked row: its reason is the foreign key's name, or another reason. lost are keys of deleted rows that it knows.
func row(t *testing.T, id, names, why string, lost ...string) *casebook.Parked {
	t.Helper()
	shape := change.NewTable(tree, []change.Column{{Name: "id", Type: "text", Key: true}, {Name: "names", Type: "text"}}, true)
	one := func(id, names string) visibility.Row {
		image := change.Image{change.Text(id), change.Text(names)}
		key, err := change.KeyOf(shape, image, nil)
		if err != nil {
			t.Fatal(err)
		}
		return visibility.Row{Key: key, Table: shape, Image: image}
	}
	p := visibility.Parked{Row: one(id, names), Reason: visibility.ByParent, Constraint: why}
	if !slices.Contains([]string{"up", "side", "back"}, why) {
		p.Reason, p.Constraint = visibility.Reason(why), ""
	}
	for _, id := range lost {
		p.Lost = append(p.Lost, visibility.Lost{Row: one(id, "-"), Dot: change.Dot{Origin: "eu/1", Seq: 3}})
	}
	p.Claim = visibility.Claim{Version: change.Version{Time: 7, Origin: "us/1"}, Key: p.Key}
	document, err := p.Document()
	if err != nil {
		t.Fatal(err)
	}
	out, err := casebook.NewParked(document, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (l *lot) Parked(_ context.Context, f casebook.ParkedFilter, yield func(*casebook.Parked) error) error {
	for _, p := range slices.Backward(l.parked) {
		if f.Is(p) {
			if err := yield(p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *lot) Obstacle(_ context.Context, p *casebook.Parked) (*casebook.Obstacle, error) {
	o := &casebook.Obstacle{Columns: []string{p.Constraint}, Values: []string{*p.Image["names"]}, Schema: tree.Schema, Table: tree.Name, At: []string{"id"}, Parent: true}
	if slices.Contains(l.there, o.Values[0]) {
		o.Row = casebook.Image{"id": &o.Values[0]}
	}
	return o, nil
}

func (l *lot) Drop(_ context.Context, p *casebook.Parked, c *casebook.Case) error {
	if err := l.fails[p.Key[0]]; err != nil {
		return err
	}
	if c.Outcome != casebook.Dropped || c.Row() != p.Row() || c.Versions[0].Image["names"] != p.Image["names"] || len(c.Story()) == 0 {
		return fmt.Errorf("case %+v isn't of %s", c, p.Row())
	}
	l.dropped = append(l.dropped, p.Key[0])
	l.parked = slices.DeleteFunc(l.parked, func(other *casebook.Parked) bool { return other == p })
	return nil
}

func (l *lot) Restore(_ context.Context, p *casebook.Parked) (cases []*casebook.Case, err error) {
	if err := l.fails[p.Key[0]]; err != nil {
		if p.Key[0] == "raced" { // an application was faster
			l.there = append(l.there, *p.Image["names"])
		}
		return nil, err
	}
	for _, lost := range p.Lost {
		if slices.Contains(l.there, lost.Key[0]) || lost.Key[0] == "OTHER" {
			continue
		}
		c := casebook.NewRestored(p, lost)
		l.there, l.restored, cases = append(l.there, lost.Key[0]), append(l.restored, c.Key[0]+" for "+p.Key[0]), append(cases, c)
	}
	return cases, nil
}

func (*lot) Close(context.Context) error { return nil }

// TestDrop: what's dropped are rows whose parent is gone for good.
func TestDrop(t *testing.T) {
	away := errors.New("away")
	for _, tc := range []struct {
		name   string
		parked string // id names reason, in the order in which they were parked
		there  string
		fails  map[string]error
		want   string
		err    error
	}{
		{name: "nothing is parked"},
		{name: "a child", parked: "1 9 up", want: "1"},
		{name: "its parent is back", parked: "1 9 up", there: "9"},
		{name: "its own children, whichever is parked first", parked: "1 2 up, 2 3 up, 3 9 up, 4 3 up", want: "1 2 3 4"},
		{name: "another policy", parked: "1 9 side"},
		{name: "a child of a row of another policy waits", parked: "1 2 up, 2 9 side"},
		{name: "a parked parent may be shown again", parked: "1 2 up, 2 0 unique, 3 4 up, 4 0 refused"},
		{name: "the parent of its parent is back", parked: "1 2 up, 2 9 up", there: "9"},
		{name: "rows that wait for each other", parked: "1 2 up, 2 1 up"},
		{name: "a row that names itself", parked: "1 1 up", want: "1"},
		{name: "texts that may be equal", parked: "1 Ann up, ann 0 unique, 2 bob up", want: "2"},
		{name: "texts of which it's hard to tell", parked: "1 é up, 2 bob up, É 0 unique"},
		{name: "what isn't parked any more holds up nothing", parked: "1 9 up, 2 9 up, 3 9 up, 4 9 up", want: "3",
			fails: map[string]error{"1": casebook.ErrNotParked, "2": casebook.ErrSuperseded, "4": casebook.ErrUntaken}},
		{name: "the database is away", parked: "1 9 up, 2 9 up", fails: map[string]error{"1": away}, err: away},
	} {
		l := &lot{there: strings.Fields(tc.there), fails: tc.fails}
		for text := range strings.SplitSeq(tc.parked, ", ") {
			if f := strings.Fields(text); len(f) == 3 {
				l.parked = append(l.parked, row(t, f[0], f[1], f[2]))
			}
		}
		d := NewOrphanMender(nil, inForce, slog.New(slog.DiscardHandler))
		for range 2 { // once more changes nothing
			if err := d.Step(t.Context(), l); !errors.Is(err, tc.err) {
				t.Errorf("%s: %v, want %v", tc.name, err, tc.err)
			}
			if got := strings.Join(l.dropped, " "); got != tc.want {
				t.Errorf("%s: dropped %q, want %q", tc.name, got, tc.want)
			}
		}
	}
}

// TestKeep: parents are inserted again once, if it's known how they were, and what can't be is told once.
func TestKeep(t *testing.T) {
	away := errors.New("away")
	for _, tc := range []struct {
		name   string
		parked string // id names reason, and the keys of deleted rows, in the order in which they were parked
		there  string
		fails  map[string]error
		want   string
		warns  int
		err    error
	}{
		{name: "a child", parked: "1 9 back 9", want: "9 for 1"},
		{name: "two children, and a grandchild that waits for one", parked: "5 1 back, 1 9 back 9, 2 9 back 9", want: "9 for 1"},
		{name: "parents' parents come first", parked: "1 9 back 7 8 9", there: "8", want: "7 for 1, 9 for 1"},
		{name: "the parent is back", parked: "1 9 back 9", there: "9"},
		{name: "the parent is parked itself", parked: "1 2 back 2, 2 0 unique"},
		{name: "another policy's rows are shown with the parent, not dropped", parked: "1 9 up, 2 9 back 9", want: "9 for 2"},
		{name: "the policy park, of a row that knows its parent by another key", parked: "1 9 side 9"},
		{name: "the log didn't tell the row", parked: "1 9 back, 2 8 back 9", warns: 2},
		{name: "the database doesn't take it", parked: "1 9 back 9, 2 8 back 8", fails: map[string]error{"1": casebook.ErrUntaken}, want: "8 for 2", warns: 1},
		{name: "it's there with other values", parked: "1 other back OTHER", warns: 1},
		{name: "an application was faster", parked: "raced 9 back 9", fails: map[string]error{"raced": casebook.ErrUntaken}},
		{name: "what isn't parked any more", parked: "1 9 back 9, 2 8 back 8", fails: map[string]error{"1": casebook.ErrNotParked}, want: "8 for 2"},
		{name: "the database is away", parked: "1 9 back 9, 2 8 back 8", fails: map[string]error{"1": away}, err: away},
	} {
		l := &lot{there: strings.Fields(tc.there), fails: tc.fails}
		for text := range strings.SplitSeq(tc.parked, ", ") {
			f := strings.Fields(text)
			l.parked = append(l.parked, row(t, f[0], f[1], f[2], f[3:]...))
		}
		var log strings.Builder
		m := NewOrphanMender(nil, inForce, slog.New(slog.NewTextHandler(&log, nil)))
		for range 3 { // once more changes nothing
			if err := m.Step(t.Context(), l); !errors.Is(err, tc.err) {
				t.Errorf("%s: %v, want %v", tc.name, err, tc.err)
			}
		}
		if got := strings.Join(l.restored, ", "); got != tc.want || l.dropped != nil {
			t.Errorf("%s: restored %q, want %q, dropped %q", tc.name, got, tc.want, l.dropped)
		}
		if n := strings.Count(log.String(), "level=WARN"); n != tc.warns {
			t.Errorf("%s: %d warnings, want %d:\n%s", tc.name, n, tc.warns, &log)
		}
	}
}

// TestToldAgain: who was parked for another reason meanwhile is told of again.
func TestToldAgain(t *testing.T) {
	var log strings.Builder
	m := NewOrphanMender(nil, inForce, slog.New(slog.NewTextHandler(&log, nil)))
	l := &lot{parked: []*casebook.Parked{row(t, "1", "9", "back")}}
	for _, there := range []string{"", "", "9", ""} {
		l.there = []string{there}
		if err := m.Step(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 2 {
		t.Errorf("%d warnings, want 2:\n%s", n, &log)
	}
}

// TestOrphanMenderIsWoken: it works when it's told to, and again when that fails.
func TestOrphanMenderIsWoken(t *testing.T) {
	opened := make(chan bool)
	l := &lot{parked: []*casebook.Parked{row(t, "1", "9", "up")}}
	d := NewOrphanMender(func(context.Context) (casebook.Book, error) {
		opened <- true
		return l, nil
	}, inForce, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- d.Run(ctx) }()
	for range 2 {
		d.Wake()
		d.Wake() // doesn't block
		<-opened
	}
	cancel()
	for {
		select {
		case <-opened:
			continue
		case err := <-ended:
			if !errors.Is(err, context.Canceled) || strings.Join(l.dropped, " ") != "1" {
				t.Errorf("%v, dropped %q", err, l.dropped)
			}
			return
		}
	}
}
