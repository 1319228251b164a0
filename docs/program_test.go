package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// program is bridge, built once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "bridge-docs-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "bridge")
	out, err := exec.Command("go", "build", "-o", path, "bridge/cmd/bridge").CombinedOutput()
	if err != nil {
		os.Stderr.Write(out)
	}
	return path, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := program(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// help is what a command says of itself; empty if there's none of the name. A command of a command's is named by both.
func help(t *testing.T, command string) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatalf("build bridge: %v", err)
	}
	out, err := exec.Command(path, append(strings.Fields(command), "--help")...).Output()
	if err != nil {
		return ""
	}
	return string(out)
}

var (
	invocation = regexp.MustCompile(`(?:^|[\s=/])bridge ([a-z][a-z-]*)([^|#&]*)`)
	subcommand = regexp.MustCompile(`^ [a-z][a-z-]*`)
	flagName   = regexp.MustCompile(`(?:^|\s)(--?[a-z][a-z-]*)`)
)

// TestCommands: every command that a page tells the reader to type exists, with the flags it's shown with.
func TestCommands(t *testing.T) {
	known := map[string]string{}
	found := 0
	for _, p := range pages(t) {
		for _, line := range p.code() {
			for _, m := range invocation.FindAllStringSubmatch(line, -1) {
				command, rest := m[1], m[2]
				if command == "starts" || command == "stops" || command == "stopped" || command == "serves" {
					continue // messages of the log
				}
				if _, asked := known[command]; !asked {
					known[command] = help(t, command)
				}
				if sub := subcommand.FindString(rest); sub != "" && regexp.MustCompile(`(?m)^  `+command+sub+`\b`).MatchString(known[command]) {
					if command += sub; known[command] == "" {
						known[command] = help(t, command)
					}
				}
				found++
				if known[command] == "" {
					t.Errorf("%s: %q: there's no command %s", p.path, line, command)
					continue
				}
				for _, f := range flagName.FindAllStringSubmatch(rest, -1) {
					if !regexp.MustCompile(`(?m)(^|[\s,])` + f[1] + `($|[\s,=])`).MatchString(known[command]) {
						t.Errorf("%s: %q: bridge %s has no flag %s", p.path, line, command, f[1])
					}
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d commands were found on the pages: is the pattern right?", found)
	}
}

// TestNamedTests: tests that pages name exist.
func TestNamedTests(t *testing.T) {
	source := sources(t, "_test.go")
	for _, p := range pages(t) {
		for _, line := range p.code() {
			for _, name := range regexp.MustCompile(`\bTest[A-Z]\w*`).FindAllString(line, -1) {
				if !strings.Contains(source, "\nfunc "+name+"(t *testing.T)") {
					t.Errorf("%s names %s, which isn't there", p.path, name)
				}
			}
		}
	}
}

// TestLogMessages: the table of the log's messages names each that the code writes, and no other.
func TestLogMessages(t *testing.T) {
	written := map[string]bool{}
	for _, m := range regexp.MustCompile(`[lL]og\.(Info|Warn|Error)\("([^"]+)"`).FindAllStringSubmatch(sources(t, ".go"), -1) {
		written["| "+strings.ToUpper(m[1])+" | `"+m[2]+"` |"] = true
	}
	page := read(t, "docs/operations.md")
	for row := range written {
		if !strings.Contains(page.text, row) {
			t.Errorf("%s lacks a row that begins %s", page.path, row)
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| (INFO|WARN|ERROR) \\| `[^`]+` \\|").FindAllString(page.text, -1) {
		if !written[row] {
			t.Errorf("%s: no code writes %s", page.path, row)
		}
	}
}

// TestRunbookMessages: the messages by which the runbook is found are the code's.
func TestRunbookMessages(t *testing.T) {
	source := regexp.MustCompile(`" ?\+\n\s*"`).ReplaceAllString(sources(t, ".go"), "")
	source = regexp.MustCompile(`%(\[\d\])?[a-z]`).ReplaceAllString(source, "…")
	_, runbook, _ := strings.Cut(read(t, "docs/operations.md").text, "\n## Runbook\n")
	message := regexp.MustCompile(`^[a-z][a-z']* [a-zA-Z…']`)
	found := 0
	for _, span := range (page{text: runbook}).spans() {
		if !message.MatchString(span) || strings.HasPrefix(span, "bridge ") {
			continue
		}
		found++
		for _, part := range regexp.MustCompile(`…|: |, |[()]|SQLSTATE \d+`).Split(span, -1) {
			if !strings.Contains(source, part) {
				t.Errorf("docs/operations.md quotes %q: no code says %q", span, part)
			}
		}
	}
	if found < 15 {
		t.Errorf("only %d messages were found in the runbook: is the pattern right?", found)
	}
}

// TestMessagesPointToHeadings: where a message says under which heading to look, there's one.
func TestMessagesPointToHeadings(t *testing.T) {
	page := read(t, "docs/operations.md")
	pointers := regexp.MustCompile(`\\"([^"\\]+)\\" in docs/operations\.md`).FindAllStringSubmatch(sources(t, ".go"), -1)
	if len(pointers) < 10 {
		t.Errorf("only %d messages point to %s: is the pattern right?", len(pointers), page.path)
	}
	for _, p := range pointers {
		if !regexp.MustCompile(`(?m)^##+ ` + regexp.QuoteMeta(p[1]) + `$`).MatchString(page.text) {
			t.Errorf("a message points to %q in %s: there's no such heading", p[1], page.path)
		}
	}
}

// sources is the text of the repository's Go files whose names end so; without the tests unless they're asked for.
func sources(t *testing.T, suffix string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir("..", func(path string, entry os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && entry.Name() != "..":
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, suffix) || suffix == ".go" && strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
