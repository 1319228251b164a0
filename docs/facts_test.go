package docs

import (
	"errors"
	"io/fs"
	"maps"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bridge/admin"
	"bridge/apply"
	"bridge/capture"
	"bridge/change"
	"bridge/config"
	"bridge/conflict"
	"bridge/internal/postgres"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/node"
	"bridge/visibility"

	"github.com/jackc/pgx/v5"
)

// TestConfigurations: every YAML block that is a whole configuration loads.
func TestConfigurations(t *testing.T) {
	outside := config.Outside{
		LookupEnv: func(string) (string, bool) { return "", false },
		ReadFile: func(name string) ([]byte, error) {
			if !strings.HasPrefix(name, "/run/secrets/") {
				return nil, &fs.PathError{Op: "open", Path: name, Err: errors.ErrUnsupported}
			}
			return []byte("secret\n"), nil
		},
	}
	found := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks() {
			if b.language != "yaml" || !strings.HasPrefix(b.text, "cluster:") {
				continue
			}
			found++
			if _, err := config.Parse(p.path, []byte(b.text), outside); err != nil {
				t.Errorf("%s: %v", p.path, err)
			}
		}
	}
	if found < 2 {
		t.Errorf("only %d configurations were found on the pages", found)
	}
}

// TestConfigurationKeys: keys that pages name are in docs/configuration.md, which is made from the code.
func TestConfigurationKeys(t *testing.T) {
	manual := read(t, "docs/configuration.md").text
	keys := map[string]bool{"regions.<name>.kafka": true}
	section := ""
	for line := range strings.SplitSeq(manual, "\n") {
		if m := regexp.MustCompile("^## `(.+)`$").FindStringSubmatch(line); m != nil {
			section = m[1] + "."
		}
		if m := regexp.MustCompile("^\\| `(.+?)` \\|").FindStringSubmatch(line); m != nil {
			keys[section+m[1]] = true
		}
	}
	key := regexp.MustCompile(`^(database|kafka|regions|tables|conflicts|history|http|log)\.[a-z_.<>]+`)
	for _, p := range pages(t) {
		for _, span := range p.spans() {
			name := strings.TrimSuffix(key.FindString(span), ".") // of keys by a user's names
			if name != "" && !strings.HasSuffix(name, ".go") && !keys[name] {
				t.Errorf("%s names the key %s, which docs/configuration.md lacks", p.path, name)
			}
		}
	}
}

// subject is a bridge of which everything is known, so that no metric is left out.
type subject struct{}

func (subject) Status() node.Status {
	return node.Status{
		Cluster: "shop", Region: "eu", Origin: "eu/1", Phase: node.Running, Since: time.Now(), Capture: capture.Status{},
		Conflicts: map[apply.ConflictLabel]uint64{
			{Type: conflict.InsertExists, Table: change.TableName{Schema: "public", Name: "t"}, Rule: conflict.LastWriteWins.String(), Result: "kept"}: 1,
		},
		Lost:     map[apply.LostLabel]uint64{{Table: change.TableName{Schema: "public", Name: "t"}, Rule: conflict.LastWriteWins.String()}: 1},
		Deferred: map[apply.LostLabel]uint64{{Table: change.TableName{Schema: "public", Name: "t"}, Rule: conflict.LastWriteWins.String()}: 1},
		Parked:   map[apply.ParkedLabel]int{{Table: change.TableName{Schema: "public", Name: "t"}, Reason: visibility.ByUnique}: 1},
		Peers:    []node.Peer{{PeerStatus: apply.PeerStatus{Origin: "us/1"}}},
	}
}

// TestMetrics: docs/operations.md has a row for every metric with its kind and labels, and no page names another.
func TestMetrics(t *testing.T) {
	answer := httptest.NewRecorder()
	admin.Handler(subject{}, admin.Options{}).ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	kinds := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (bridge_\w+) (\w+)$`).FindAllStringSubmatch(answer.Body.String(), -1) {
		kinds[m[1]] = m[2]
	}
	if len(kinds) < 20 {
		t.Fatalf("only %d metrics: %s", len(kinds), answer.Body)
	}
	manual := read(t, "docs/operations.md")
	for name, kind := range kinds {
		row := regexp.MustCompile("(?m)^\\| `" + name + `(?:\{([a-z,]+)\})?` + "` \\| " + kind + ` \|`).FindStringSubmatch(manual.text)
		if row == nil {
			t.Errorf("%s lacks a row of the %s %s", manual.path, kind, name)
			continue
		}
		sample := regexp.MustCompile(`(?m)^` + name + `(?:\{(.*)\})? `).FindStringSubmatch(answer.Body.String())
		labels := regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(sample[1], -1)
		var has []string
		for _, l := range labels {
			has = append(has, l[1])
		}
		said := strings.FieldsFunc(row[1], func(r rune) bool { return r == ',' })
		slices.Sort(has)
		slices.Sort(said)
		if !slices.Equal(has, said) {
			t.Errorf("%s says that %s has the labels %v: it has %v", manual.path, name, said, has)
		}
	}
	for _, p := range pages(t) {
		for _, line := range p.code() {
			for _, m := range regexp.MustCompile(`(?:^|[^/\w@])(bridge_[a-z_]+)`).FindAllStringSubmatch(line, -1) {
				if kinds[m[1]] == "" {
					t.Errorf("%s names %s, which is no metric", p.path, m[1])
				}
			}
		}
	}
}

// TestQueries: PostgreSQL understands every query on the pages, beside the tables that bridge makes, and
// bridge's tables that pages name are among them.
func TestQueries(t *testing.T) {
	t.Parallel()
	server := servertest.Postgres(t, testserver.PostgresOptions{NoSync: true})
	conn, err := pgx.Connect(t.Context(), server.DSN("postgres", testserver.Superuser))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := postgres.CreateTables(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks() {
			if b.language != "sql" {
				continue
			}
			for query := range strings.SplitSeq(b.text, ";\n") {
				query = strings.TrimSpace(query)
				if !strings.HasPrefix(query, "SELECT") && !strings.HasPrefix(query, "DELETE") {
					continue
				}
				found++
				if _, err := conn.Exec(t.Context(), "EXPLAIN "+query); err != nil {
					t.Errorf("%s: %v:\n%s", p.path, err, query)
				}
			}
		}
		for _, line := range p.code() {
			for _, name := range regexp.MustCompile(`\bbridge\.[a-z]+\b`).FindAllString(line, -1) {
				if name == "bridge.shop" || name == "bridge.sql" { // a topic, a file
					continue
				}
				var there bool
				if err := conn.QueryRow(t.Context(), `SELECT to_regclass($1) IS NOT NULL`, name).Scan(&there); err != nil || !there {
					t.Errorf("%s names %s, which isn't among bridge's tables (%v)", p.path, name, err)
				}
			}
		}
	}
	if found < 6 {
		t.Errorf("only %d queries were found on the pages", found)
	}
}

// TestDependencies: README's table has every module that the code imports, and no other.
func TestDependencies(t *testing.T) {
	list := func(arguments ...string) []string {
		command := exec.Command("go", append([]string{"list"}, arguments...)...)
		command.Dir = ".."
		out, err := command.Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		return strings.Fields(string(out))
	}
	var paths []string
	for _, path := range list("-f", `{{join .Imports "\n"}}{{"\n"}}{{join .TestImports "\n"}}{{"\n"}}{{join .XTestImports "\n"}}`, "./...") {
		if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	imported := map[string]bool{}
	for _, module := range list(append([]string{"-f", "{{.Module.Path}}"}, paths...)...) {
		imported[module] = true
	}
	listed := map[string]bool{}
	_, table, _ := strings.Cut(read(t, "README.md").text, "\n## Dependencies\n")
	for _, row := range regexp.MustCompile("(?m)^\\| (`.+?`) \\| .+ \\|$").FindAllStringSubmatch(table, -1) {
		for _, module := range inline.FindAllStringSubmatch(row[1], -1) {
			listed[module[1]] = true
		}
	}
	if !maps.Equal(imported, listed) {
		t.Errorf("README lists\n%q, the code imports\n%q", slices.Sorted(maps.Keys(listed)), slices.Sorted(maps.Keys(imported)))
	}
}
