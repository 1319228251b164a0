package change

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseOrigin(t *testing.T) {
	for _, tc := range []struct {
		in string
		ok bool
	}{
		{"eu/1", true},
		{"eu-west-1/4294967295", true},
		{"", false},
		{"eu", false},
		{"/1", false},
		{"eu/", false},
		{"eu/0", false},
		{"eu/01", false},
		{"eu/+1", false},
		{"eu/-1", false},
		{"eu/4294967296", false},
		{"eu/1/2", false},
	} {
		o, err := ParseOrigin(tc.in)
		if (err == nil) != tc.ok {
			t.Errorf("ParseOrigin(%q): error %v, want ok %v", tc.in, err, tc.ok)
		}
		if err == nil && (string(o) != tc.in || o.Region() == "") {
			t.Errorf("ParseOrigin(%q) = %q of region %q", tc.in, o, o.Region())
		}
	}
}

func FuzzParseOrigin(f *testing.F) {
	f.Add("eu/1")
	f.Add("/")
	f.Fuzz(func(t *testing.T, s string) {
		o, err := ParseOrigin(s)
		if err == nil && (o.Region()+s[len(o.Region()):] != s || NewOrigin(o.Region(), 7) == "") {
			t.Errorf("ParseOrigin(%q) = %q", s, o)
		}
	})
}

func TestTimestampKeepsMicroseconds(t *testing.T) {
	at := time.Date(2026, 11, 21, 12, 0, 0, 123456789, time.FixedZone("x", 3600))
	if got := TimestampOf(at).Time(); !got.Equal(at.Truncate(time.Microsecond)) || got.Location() != time.UTC {
		t.Errorf("got %v", got)
	}
}

func drawOrigin(t *rapid.T) Origin {
	return rapid.SampledFrom([]Origin{"a/1", "a/2", "b/1", "c/1", "c/10", "ca/1"}).Draw(t, "origin")
}

func drawVector(t *rapid.T) (Vector, map[Origin]uint64) {
	m := map[Origin]uint64{}
	var entries []Seen
	for range rapid.IntRange(0, 8).Draw(t, "entries") {
		e := Seen{drawOrigin(t), rapid.Uint64Range(0, 9).Draw(t, "seq")}
		entries = append(entries, e)
		if e.Seq > m[e.Origin] {
			m[e.Origin] = e.Seq
		}
	}
	return NewVector(entries...), m
}

// checkVector holds v against the map it should be, and against its own invariants.
func checkVector(t *rapid.T, v Vector, want map[Origin]uint64) {
	t.Helper()
	n := 0
	for o, seq := range want {
		if v.Get(o) != seq {
			t.Fatalf("%v: Get(%s) = %d, want %d", v, o, v.Get(o), seq)
		}
		if seq > 0 {
			n++
		}
	}
	if len(v) != n {
		t.Fatalf("%v has %d entries, want %d", v, len(v), n)
	}
	for i := range v {
		if v[i].Seq == 0 || i > 0 && v[i-1].Origin >= v[i].Origin {
			t.Fatalf("%v isn't sorted, or holds a zero", v)
		}
	}
}

func TestVectorIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, m := drawVector(t)
		checkVector(t, v, m)
		before := v.String()
		o, seq := drawOrigin(t), rapid.Uint64Range(1, 9).Draw(t, "with")
		w := v.With(o, seq)
		if v.String() != before {
			t.Fatalf("With changed its receiver from %s to %s", before, v)
		}
		m[o] = seq
		checkVector(t, w, m)
	})
}

func TestCoversIsAPartialOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, vm := drawVector(t)
		w, wm := drawVector(t)
		x, _ := drawVector(t)
		want := true
		for o, seq := range wm {
			want = want && vm[o] >= seq
		}
		if v.Covers(w) != want {
			t.Fatalf("%v covers %v: got %v", v, w, !want)
		}
		if !v.Covers(v) || !v.Covers(nil) {
			t.Fatalf("%v doesn't cover itself or nothing", v)
		}
		if v.Covers(w) && w.Covers(v) && v.String() != w.String() {
			t.Fatalf("%v and %v cover each other", v, w)
		}
		if v.Covers(w) && w.Covers(x) && !v.Covers(x) {
			t.Fatalf("%v covers %v covers %v: not transitive", v, w, x)
		}
		for _, e := range w {
			if v.Includes(Dot(e)) != (v.Get(e.Origin) >= e.Seq) {
				t.Fatalf("%v includes %v: wrong", v, Dot(e))
			}
		}
	})
}

func TestVersionIsATotalOrder(t *testing.T) {
	draw := func(t *rapid.T) Version {
		return Version{rapid.SampledFrom([]Timestamp{math.MinInt64, -1, 0, 1, 2, math.MaxInt64}).Draw(t, "time"), drawOrigin(t)}
	}
	rapid.Check(t, func(t *rapid.T) {
		u, v, w := draw(t), draw(t), draw(t)
		if u.Compare(v) != -v.Compare(u) || (u.Compare(v) == 0) != (u == v) {
			t.Fatalf("%v against %v: not antisymmetric, or a tie of different versions", u, v)
		}
		if u.Compare(v) <= 0 && v.Compare(w) <= 0 && u.Compare(w) > 0 {
			t.Fatalf("%v %v %v: not transitive", u, v, w)
		}
	})
}

func TestTagSawItsOwnOriginAndDeps(t *testing.T) {
	tag := Tag{Dot: Dot{"b/1", 5}, Time: 9, Deps: NewVector(Seen{"a/1", 3})}
	for d, want := range map[Dot]bool{
		{"b/1", 4}: true, {"b/1", 5}: true, {"b/1", 6}: false,
		{"a/1", 3}: true, {"a/1", 4}: false, {"c/1", 1}: false, {"b/2", 1}: false,
	} {
		if tag.Saw(d) != want || tag.Seen().Includes(d) != want {
			t.Errorf("Saw(%v) = %v, Seen %v; want %v", d, tag.Saw(d), tag.Seen(), want)
		}
	}
}
