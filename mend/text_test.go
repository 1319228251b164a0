package mend

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestTexts(t *testing.T) {
	for _, tc := range []struct{ name, base, ours, theirs, want string }{
		{"one side", "a\nb\nc\n", "a\nb\nc\n", "a\nB\nc\n", "a\nB\nc\n"},
		{"different lines", "a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n", "A\nb\nC\n"},
		{"both add at different places", "a\nb\n", "x\na\nb\n", "a\nb\ny\n", "x\na\nb\ny\n"},
		{"the same change", "a\nb\n", "a\nc\n", "a\nc\n", "a\nc\n"},
		{"different words of a line", "the quick brown fox", "the slow brown fox", "the quick brown dog", "the slow brown dog"},
		{"the same word", "the quick fox", "the slow fox", "the lazy fox", "the slow fox"},
		{"one deletes, one changes elsewhere", "a\nb\nc\nd\n", "a\nc\nd\n", "a\nb\nc\nD\n", "a\nc\nD\n"},
		{"from nothing", "", "ours", "theirs", "ours"},
		{"to nothing", "a b c", "", "a b c", ""},
		{"neighbouring lines", "a\nb\n", "A\nb\n", "a\nB\n", "A\nB\n"},
	} {
		if got := Texts(tc.base, tc.ours, tc.theirs, Ours); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
	if got, want := Texts("x\nquick\ny", "x\nslow\ny", "x\nlazy\ny", Mark), "x\n<<<<<<<\nslow\n=======\nlazy\n>>>>>>>\ny"; got != want {
		t.Errorf("marked: got %q, want %q", got, want)
	}
}

// TestTextsKeepsBothSides: a side that changed nothing changes nothing, equal sides are the outcome, and where both
// changed different lines all their lines are there.
func TestTextsKeepsBothSides(t *testing.T) {
	line := rapid.SampledFrom([]string{"a\n", "b\n", "a b c\n", "\n", "ä ö", "x, y; z\n"})
	text := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(line, 0, 8).Draw(t, "lines"), "") })
	rapid.Check(t, func(t *rapid.T) {
		base, ours, theirs := text.Draw(t, "base"), text.Draw(t, "ours"), text.Draw(t, "theirs")
		for _, overlap := range []Overlap{Ours, Mark} {
			if got := Texts(base, base, theirs, overlap); got != theirs {
				t.Fatalf("only they changed: got %q, want %q", got, theirs)
			}
			if got := Texts(base, ours, base, overlap); got != ours {
				t.Fatalf("only we changed: got %q, want %q", got, ours)
			}
			if got := Texts(base, ours, ours, overlap); got != ours {
				t.Fatalf("both changed alike: got %q, want %q", got, ours)
			}
		}
		before, after := rapid.SampledFrom([]string{"1\n", "2\n2\n", ""}).Draw(t, "before"), rapid.SampledFrom([]string{"8\n", "9\n9\n"}).Draw(t, "after")
		middle := "m1\nm2\n" + base + "m3\n"
		if got, want := Texts(middle, before+middle, middle+after, Ours), before+middle+after; got != want && base == "" {
			t.Fatalf("changes at the two ends: got %q, want %q", got, want)
		}
	})
}

func FuzzTexts(f *testing.F) {
	f.Add("a\nb", "a\nc", "d\nb")
	f.Fuzz(func(t *testing.T, base, ours, theirs string) {
		if got := Texts(base, ours, base, Ours); got != ours {
			t.Fatalf("only we changed: got %q, want %q", got, ours)
		}
		Texts(base, ours, theirs, Mark)
	})
}
