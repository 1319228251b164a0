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
// up (policy drop) or side (park).
type lot struct {
	casebook.Book
	parked  []*casebook.Parked
	there   []string
	fails   map[string]error // of rows' keys
	dropped []string
}

var tree = change.TableName{Schema: "public", Name: "t"}

// row is a parked row: its reason is the foreign key's name, or another reason.
func row(t *testing.T, id, names, why string) *casebook.Parked {
	t.Helper()
	shape := change.NewTable(tree, []change.Column{{Name: "id", Type: "text", Key: true}, {Name: "names", Type: "text"}}, true)
	p := visibility.Parked{Reason: visibility.ByParent, Constraint: why}
	if why != "up" && why != "side" {
		p.Reason, p.Constraint = visibility.Reason(why), ""
	}
	p.Table, p.Image = shape, change.Image{change.Text(id), change.Text(names)}
	var err error
	if p.Key, err = change.KeyOf(shape, p.Image, nil); err != nil {
		t.Fatal(err)
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

func (*lot) Close(context.Context) error { return nil }

// TestDropper: what's dropped are rows whose parent is gone for good.
func TestDropper(t *testing.T) {
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
		policies := visibility.Policies{tree: {Foreign: map[string]visibility.ForeignPolicy{"up": visibility.DropChild}}}
		d := NewDropper(nil, policies, slog.New(slog.DiscardHandler))
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

// TestDropperIsWoken: it works when it's told to, and again when that fails.
func TestDropperIsWoken(t *testing.T) {
	opened := make(chan bool)
	l := &lot{parked: []*casebook.Parked{row(t, "1", "9", "up")}}
	d := NewDropper(func(context.Context) (casebook.Book, error) {
		opened <- true
		return l, nil
	}, visibility.Policies{tree: {Foreign: map[string]visibility.ForeignPolicy{"up": visibility.DropChild}}}, slog.New(slog.DiscardHandler))
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
