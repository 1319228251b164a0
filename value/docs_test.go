package value

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentedPairs: every pair of types that a line of docs/types.md names carries values both ways, and where
// the line says that nothing can't be held, all are carried.
func TestDocumentedPairs(t *testing.T) {
	text, err := os.ReadFile("../docs/types.md")
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile("`([^`]+)`")
	engine, found := MySQL, 0
	for line := range strings.SplitSeq(string(text), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.Contains(cells[1], "`") {
			if len(cells) == 5 && strings.TrimSpace(cells[2]) == "MariaDB" {
				engine = MariaDB
			}
			continue
		}
		for _, ours := range code.FindAllStringSubmatch(cells[1], -1) {
			for _, theirs := range code.FindAllStringSubmatch(cells[2], -1) {
				found++
				checkDocumented(t, documented(t, Postgres, ours[1]), documented(t, engine, theirs[1]), strings.TrimSpace(cells[3]) != "")
			}
		}
	}
	if found < 80 {
		t.Errorf("only %d pairs were found", found)
	}
}

func documented(t *testing.T, engine Engine, declaration string) Type {
	typ, err := Declared(engine, declaration)
	if err != nil {
		t.Error(err)
	}
	return typ
}

func checkDocumented(t *testing.T, ours, theirs Type, limited bool) {
	for _, way := range [][2]Type{{ours, theirs}, {theirs, ours}} {
		p, err := NewPlan(way[0], way[1], RefuseValue)
		if err != nil {
			t.Error(err)
		}
		for _, limit := range p.Limits() {
			if !limited && !strings.HasPrefix(limit, "outside") {
				t.Errorf("%s: the page doesn't say that it can't hold %s", p, limit)
			}
		}
	}
}

// TestDocumentedCharsets: the page names the character sets that are known.
func TestDocumentedCharsets(t *testing.T) {
	text, err := os.ReadFile("../docs/types.md")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"ascii"}
	for name := range multibyte {
		names = append(names, name)
	}
	for name := range singleByte {
		names = append(names, name)
	}
	for _, name := range names {
		if name != "utf8" && !strings.Contains(string(text), "`"+name+"`") { // an old name of utf8mb3
			t.Errorf("docs/types.md doesn't name %s", name)
		}
	}
}
