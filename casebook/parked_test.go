package casebook

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bridge/visibility"

	"pgregory.net/rapid"
)

// written is a [Writer] that remembers, and refuses what it's told to.
type written struct {
	steps  []string
	taken  []Image
	refuse func(Image) error
}

func (w *written) Insert(image Image) error {
	if w.refuse != nil {
		if err := w.refuse(image); err != nil {
			w.steps = append(w.steps, "refused")
			return err
		}
	}
	w.steps, w.taken = append(w.steps, "insert"), append(w.taken, image)
	return nil
}

func (w *written) Delete() error {
	w.steps = append(w.steps, "delete")
	return nil
}

func parkedSeat() *Parked {
	return &Parked{Schema: "public", Table: "seat", Key: []string{"7"}, keys: []string{"id"}, columns: []string{"id", "mail", "n", "note"}, Reason: visibility.ByUnique,
		Image: Image{"id": text("7"), "mail": text("a@b"), "n": text("1"), "note": text("x"), "gone": text("z")}}
}

var seatColumns = []Column{
	{Name: "id", Key: true, Own: Own{Kind: OwnInteger, Room: 31}}, {Name: "mail", Own: Own{Kind: OwnText, Room: 20}},
	{Name: "n", Nullable: true, Own: Own{Kind: OwnInteger, Room: 15}}, {Name: "note", Nullable: true}, {Name: "sum", Generated: true, Nullable: true},
}

func TestDiscard(t *testing.T) {
	now := Image{"id": text("7"), "mail": text("other"), "n": nil, "note": nil, "sum": text("3")}
	shown := func(p *Parked) *Parked { p.Shown = now; return p }
	noNote := func(image Image) error {
		if image["note"] != nil {
			return fmt.Errorf("%w: note", ErrUntaken)
		}
		return nil
	}
	for _, tc := range []struct {
		name   string
		of     *Parked
		now    Image
		refuse func(Image) error
		steps  string
		err    error
	}{
		{"a hidden row", parkedSeat(), nil, nil, "insert delete", nil},
		{"what hides it is a check", parkedSeat(), nil, noNote, "refused insert delete", nil},
		{"whatever is in it is refused", parkedSeat(), nil, func(Image) error { return ErrUntaken }, "refused refused", ErrUntaken},
		{"the connection breaks", parkedSeat(), nil, func(Image) error { return errors.ErrUnsupported }, "refused", errors.ErrUnsupported},
		{"an application was faster", parkedSeat(), now, nil, "", ErrSuperseded},
		{"an altered row", shown(parkedSeat()), now, nil, "delete insert", nil},
		{"an altered row that was deleted", shown(parkedSeat()), nil, nil, "", nil},
	} {
		w := &written{refuse: tc.refuse}
		err := tc.of.Discard(&Row{Columns: seatColumns, Values: tc.now}, []UniqueKey{{Columns: []string{"n", "mail"}}}, w)
		if got := strings.Join(w.steps, " "); got != tc.steps || !errors.Is(err, tc.err) {
			t.Errorf("%s: %s (%v), want %s (%v)", tc.name, got, err, tc.steps, tc.err)
		}
		for _, image := range w.taken {
			_, sum := image["sum"]
			_, gone := image["gone"]
			if *image["id"] != "7" || sum || gone {
				t.Errorf("%s: wrote %v", tc.name, slices.Sorted(maps.Keys(image)))
			}
		}
		if len(w.taken) > 0 && tc.of.Shown != nil && *w.taken[0]["mail"] != "other" {
			t.Errorf("%s: the row isn't as it was shown", tc.name)
		}
	}
}

// A unique key is altered in one of its columns: best to NULL, or to a value of its own.
func TestUniqueKeysAreAltered(t *testing.T) {
	for _, tc := range []struct {
		key  UniqueKey
		want string // the columns that differ, and which are NULL
	}{
		{UniqueKey{Columns: []string{"n"}}, "n=NULL"},
		{UniqueKey{Columns: []string{"mail", "n"}}, "n=NULL"},
		{UniqueKey{Columns: []string{"mail", "n"}, NullsEqual: true}, "mail=own"},
		{UniqueKey{Columns: []string{"id", "mail"}}, "mail=own"},
		{UniqueKey{Columns: []string{"note"}, NullsEqual: true}, ""},
		{UniqueKey{Columns: []string{"id"}}, ""},
		{UniqueKey{Columns: []string{"sum"}}, ""},
		{UniqueKey{Columns: []string{"unknown"}}, ""},
		{UniqueKey{}, ""},
	} {
		w := &written{}
		p := parkedSeat()
		if err := p.Discard(&Row{Columns: seatColumns}, []UniqueKey{tc.key}, w); err != nil {
			t.Fatal(err)
		}
		var got []string
		for name, value := range w.taken[0] {
			switch {
			case value == nil:
				got = append(got, name+"=NULL")
			case *value != *p.Image[name]:
				got = append(got, name+"=own")
			}
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%v: %q, want %q", tc.key, got, tc.want)
		}
	}
}

// An own value fits its column.
func TestOwnFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		room := rapid.IntRange(1, 40).Draw(t, "characters")
		if s := (Own{Kind: OwnText, Room: room}).value(); len(s) > room || s == "" {
			t.Fatalf("%q in %d characters", s, room)
		}
		bits := rapid.IntRange(2, 63).Draw(t, "bits")
		s := Own{Kind: OwnInteger, Room: bits}.value()
		if n, err := strconv.ParseInt(s, 10, 64); err != nil || n < 1 || n>>uint(bits) != 0 {
			t.Fatalf("%s in %d bits", s, bits)
		}
	})
	if a, b := (Own{Kind: OwnUUID}).value(), (Own{Kind: OwnUUID}).value(); a == b || len(a) != 36 || a[14] != '4' || !strings.ContainsRune("89ab", rune(a[19])) {
		t.Errorf("%s and %s", a, b)
	}
	if a, b := (Own{Kind: OwnText}).value(), (Own{Kind: OwnText}).value(); a == b {
		t.Errorf("%s twice", a)
	}
}

func TestParkedStory(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	seat := func(reason visibility.Reason) *Parked {
		p := parkedSeat()
		p.Reason, p.Constraint, p.ClaimOrigin, p.ClaimTime = reason, "seat_key", "us/1", at
		return p
	}
	altered := seat(visibility.ByUnique)
	altered.Shown = Image{}
	other := seat(visibility.ByUnique)
	other.Key, other.ClaimOrigin = []string{"8"}, "ap/1"
	for _, tc := range []struct {
		name string
		of   *Parked
		by   *Obstacle
		want []string
	}{
		{"a value", seat(visibility.ByUnique), &Obstacle{Schema: "public", Table: "seat", Columns: []string{"mail"}, Key: []string{"1"}, Row: Image{}, Parked: []*Parked{other}},
			[]string{"It's hidden: another row holds its value of the unique key seat_key by a later claim. Its own is of us/1 at 2026-01-02 03:04:05.000006 UTC.",
				"public.seat (1) has the same (mail).", "public.seat (8) is parked, too, and claims the same (mail): its claim is of ap/1 at", `"bridge parked discard"`}},
		{"a value that's free", seat(visibility.ByUnique), &Obstacle{Schema: "public", Table: "seat", Columns: []string{"mail"}}, []string{"By now no other row has the same (mail)"}},
		{"a computed key", seat(visibility.ByUnique), &Obstacle{Schema: "public", Table: "seat", Columns: []string{"mail", "gone"}, Computed: true}, []string{"The key is computed from (mail, gone), so bridge doesn't look"}},
		{"altered, and it's itself that has it", altered, &Obstacle{Schema: "public", Table: "seat", Columns: []string{"mail"}, Key: []string{"7"}, Row: Image{}},
			[]string{"It's shown with other values"}},
		{"a parent", seat(visibility.ByParent), &Obstacle{Schema: "public", Table: "hall", At: []string{"code"}, Values: []string{"red"}, Parent: true, Parked: []*Parked{other}},
			[]string{"it names a row that isn't there", "There's no row in public.hall with (code) = (red).", "would be that row"}},
		{"a parent that's back", seat(visibility.ByParent), &Obstacle{Schema: "public", Table: "hall", Key: []string{"red"}, Row: Image{}, Parent: true}, []string{"By now public.hall (red) is there"}},
		{"a check", seat(visibility.Refused), nil, []string{"this region's database doesn't take it (constraint or column seat_key)", `"bridge parked retry"`}},
		{"a newer bridge's reason", seat("moon"), nil, []string{"moon seat_key"}},
	} {
		story := strings.Join(tc.of.Story(tc.by), "\n")
		for _, want := range tc.want {
			if !strings.Contains(story, want) {
				t.Errorf("%s: no %q in\n%s", tc.name, want, story)
			}
		}
		if strings.Contains(story, "7) has the same") {
			t.Errorf("%s: it's in its own way:\n%s", tc.name, story)
		}
	}
}
