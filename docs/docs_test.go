// Package docs holds the manual. There is nothing here but a test that keeps it true: README.md, the
// examples' and the pages of this folder are compared with the code, with the program, and with a real server.
package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// page is one document, its path relative to the repository.
type page struct {
	path string
	text string
}

// pages are README.md, the examples' and this folder's.
func pages(t *testing.T) []page {
	t.Helper()
	paths, err := filepath.Glob("*.md")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no pages here (%v)", err)
	}
	all := []page{read(t, "README.md"), read(t, "examples/compose/README.md"), read(t, "examples/bank/README.md"), read(t, "examples/cart/README.md"),
		read(t, "examples/document/README.md"), read(t, "examples/booking/README.md")}
	for _, p := range paths {
		all = append(all, read(t, "docs/"+p))
	}
	return all
}

func read(t *testing.T, path string) page {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", path))
	if err != nil {
		t.Fatal(err)
	}
	return page{path, string(text)}
}

// block is a fenced block of code.
type block struct{ language, text string }

var (
	fence   = regexp.MustCompile("(?ms)^ *```([a-z]*)\n(.*?)^ *```$")
	inline  = regexp.MustCompile("`([^`\n]+)`")
	comment = regexp.MustCompile(`(?m)(^|\s)(#|--)\s.*$`)
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

func (p page) blocks() (list []block) {
	for _, m := range fence.FindAllStringSubmatch(p.text, -1) {
		list = append(list, block{m[1], m[2]})
	}
	return list
}

// prose is the page without its blocks.
func (p page) prose() string { return fence.ReplaceAllString(p.text, "") }

// spans are the pieces of code within the prose.
func (p page) spans() (list []string) {
	for _, m := range inline.FindAllStringSubmatch(p.prose(), -1) {
		list = append(list, m[1])
	}
	return list
}

// code is all of the page's code, a line or span at a time, without comments.
func (p page) code() []string {
	list := p.spans()
	for _, b := range p.blocks() {
		list = append(list, strings.Split(comment.ReplaceAllString(b.text, ""), "\n")...)
	}
	return list
}

// TestSpans: no piece of code is broken over two lines, where the other tests wouldn't see it.
func TestSpans(t *testing.T) {
	for _, p := range pages(t) {
		for line := range strings.SplitSeq(p.prose(), "\n") {
			if strings.Count(line, "`")%2 != 0 {
				t.Errorf("%s: code isn't closed in its line: %s", p.path, line)
			}
		}
	}
}

// TestLinks: every relative link leads to a file, and to a heading in it where it names one.
func TestLinks(t *testing.T) {
	for _, p := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(p.prose(), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := p.path
			if target != "" {
				file = filepath.Join(filepath.Dir(p.path), target)
			}
			if _, err := os.Stat(filepath.Join("..", file)); err != nil {
				t.Errorf("%s links to %s: %v", p.path, m[1], err)
				continue
			}
			if anchor != "" && !anchors(read(t, file))[anchor] {
				t.Errorf("%s links to %s: no such heading", p.path, m[1])
			}
		}
	}
}

// anchors are the names that headings have on the forge.
func anchors(p page) map[string]bool {
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(p.prose(), -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		names[strings.ReplaceAll(name, " ", "-")] = true
	}
	return names
}
