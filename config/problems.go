package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that's wrong with a configuration. It holds no value of a secret.
type Problem struct {
	Path   string `json:"path"`             // "database.port"; empty for the file as a whole
	Line   int    `json:"line,omitempty"`   // in the file; 0 when it's missing or came from elsewhere
	Source string `json:"source,omitempty"` // where the value came from when not from the file: "BRIDGE_LOG_LEVEL"
	Text   string `json:"text"`             // what is wrong
	Fix    string `json:"fix,omitempty"`    // what to do
}

// Problems are all that's wrong with a configuration, in the order of the file. It's the error that
// [Load] returns for one that it could read.
type Problems struct {
	File string
	List []Problem
}

// Error is one line per problem, the way compilers write them.
func (p *Problems) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d problem(s) in the configuration:", len(p.List))
	for _, x := range p.List {
		b.WriteString("\n  " + p.place(x))
		if x.Path != "" {
			b.WriteString(": " + x.Path)
		}
		b.WriteString(": " + x.Text)
		if x.Fix != "" {
			b.WriteString("; " + x.Fix)
		}
	}
	return b.String()
}

func (p *Problems) place(x Problem) string {
	switch {
	case x.Source != "":
		return x.Source
	case x.Line > 0:
		return fmt.Sprintf("%s:%d", p.File, x.Line)
	}
	return p.File
}

// sorted puts the problems in the order of the file; those without a line come last.
func (p *Problems) sorted() *Problems {
	slices.SortStableFunc(p.List, func(a, b Problem) int {
		if (a.Line == 0) != (b.Line == 0) {
			return cmp.Compare(b.Line, a.Line)
		}
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Path, b.Path))
	})
	return p
}

// nearest is the word of known that word was likely meant to be, or empty.
func nearest(word string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least && d < len(k) {
			best, least = k, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete or replace to get from a to b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
