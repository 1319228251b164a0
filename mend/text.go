package mend

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Overlap says what becomes of a place that both sides have changed.
type Overlap uint8

// What becomes of it.
const (
	Ours Overlap = iota // it's as our side has it
	Mark                // both stand there, between lines of marks
)

// Texts merges two texts that were made of base: whole lines, and within lines that both have changed words.
func Texts(base, ours, theirs string, overlap Overlap) string {
	lines := func(s string) []string { return strings.SplitAfter(s, "\n") }
	return strings.Join(merge(lines(base), lines(ours), lines(theirs), func(b, o, t []string) []string {
		return overlapping(b, o, t, overlap)
	}), "")
}

// overlapping merges lines that both sides have changed, word by word.
func overlapping(base, ours, theirs []string, overlap Overlap) []string {
	clash := false
	merged := merge(words(base), words(ours), words(theirs), func(_, o, _ []string) []string {
		clash = true
		return o
	})
	if !clash || overlap == Ours {
		return merged
	}
	const begin, middle, end = "<<<<<<<\n", "=======\n", ">>>>>>>\n"
	out := append([]string{begin}, whole(ours)...)
	out = append(append(out, middle), whole(theirs)...)
	return append(out, end)
}

// whole ends the last line, so that a mark can follow.
func whole(lines []string) []string {
	if n := len(lines); n > 0 && !strings.HasSuffix(lines[n-1], "\n") {
		lines = append(slices.Clone(lines[:n-1]), lines[n-1]+"\n")
	}
	return lines
}

// words parts lines into words, runs of space, and single other characters.
func words(lines []string) []string {
	text := strings.Join(lines, "")
	class := func(r rune) int {
		switch {
		case unicode.IsSpace(r):
			return 1
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '_':
			return 2
		}
		return 0
	}
	var out []string
	start, last := 0, 0
	for i, r := range text {
		c := class(r)
		if i > start && (c != last || c == 0) {
			out = append(out, text[start:i])
			start = i
		}
		last = c
	}
	if start < len(text) {
		out = append(out, text[start:])
	}
	return out
}

// merge is diff3 over tokens; clash decides where both sides have changed.
func merge(base, ours, theirs []string, clash func(base, ours, theirs []string) []string) []string {
	inOurs, inTheirs := match(base, ours), match(base, theirs)
	var out []string
	b, o, t := 0, 0, 0
	for {
		for b < len(base) && inOurs[b] == o && inTheirs[b] == t {
			out = append(out, base[b])
			b, o, t = b+1, o+1, t+1
		}
		next := b
		for next < len(base) && (inOurs[next] < 0 || inTheirs[next] < 0) {
			next++
		}
		oEnd, tEnd := len(ours), len(theirs)
		if next < len(base) {
			oEnd, tEnd = inOurs[next], inTheirs[next]
		}
		out = append(out, hunk(base[b:next], ours[o:oEnd], theirs[t:tEnd], clash)...)
		if next == len(base) {
			return out
		}
		b, o, t = next, oEnd, tEnd
	}
}

func hunk(base, ours, theirs []string, clash func(base, ours, theirs []string) []string) []string {
	switch {
	case slices.Equal(base, ours):
		return theirs
	case slices.Equal(base, theirs), slices.Equal(ours, theirs):
		return ours
	}
	return clash(base, ours, theirs)
}

// mostCells bounds the table that match fills. Larger texts match at their two ends only, so that what lies between is
// one place.
const mostCells = 4 << 20

// match gives the place in b of each token of a that a longest common subsequence has, -1 of others.
func match(a, b []string) []int {
	at := make([]int, len(a))
	for i := range at {
		at[i] = -1
	}
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		at[head] = head
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		at[len(a)-1-tail] = len(b) - 1 - tail
		tail++
	}
	a, b = a[head:len(a)-tail], b[head:len(b)-tail]
	width := len(b) + 1
	if (len(a)+1)*width > mostCells {
		return at
	}
	longest := make([]int32, (len(a)+1)*width) // of a[i:] and b[j:]
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				longest[i*width+j] = longest[(i+1)*width+j+1] + 1
			} else {
				longest[i*width+j] = max(longest[(i+1)*width+j], longest[i*width+j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			at[head+i] = head + j
			i, j = i+1, j+1
		case longest[(i+1)*width+j] >= longest[i*width+j+1]:
			i++
		default:
			j++
		}
	}
	return at
}

// isText reports whether s can be merged.
func isText(s string) bool { return utf8.ValidString(s) }
