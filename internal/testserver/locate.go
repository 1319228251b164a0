package testserver

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// caches are the places where scripts/setup may have put servers, the likeliest first.
func caches() []string {
	if dir := os.Getenv("BRIDGE_CACHE"); dir != "" {
		return []string{dir}
	}
	shared := "/var/cache/bridge"
	if root, ok := repository(); ok {
		return []string{filepath.Join(root, ".cache"), shared}
	}
	return []string{shared}
}

// repository is the root of bridge's source tree, when the process runs inside of it.
func repository() (string, bool) {
	dir, err := os.Getwd()
	for err == nil {
		if isModule(filepath.Join(dir, "go.mod")) {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return "", false
}

func isModule(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	first := bufio.NewScanner(file)
	return first.Scan() && strings.TrimSpace(first.Text()) == "module bridge"
}

// inCaches finds a path below one of the caches, or tells which component to set up.
func inCaches(path, what, component string) (string, error) {
	for _, cache := range caches() {
		if found := filepath.Join(cache, path); exists(found) {
			return filepath.Abs(found)
		}
	}
	return "", fmt.Errorf("%s isn't in %s: run scripts/setup %s", what, strings.Join(caches(), " or "), component)
}

// postgresBin is the directory of a PostgreSQL version's programs.
func postgresBin(version int) (string, error) {
	system := fmt.Sprintf("/usr/lib/postgresql/%d/bin", version)
	if exists(filepath.Join(system, "postgres")) && exists(filepath.Join(system, "initdb")) {
		return system, nil
	}
	switch version {
	case 15:
		return "", fmt.Errorf("PostgreSQL 15 isn't in %s: run scripts/setup postgresql", system)
	case 18:
		return inCaches("postgresql-18/usr/lib/postgresql/18/bin", "PostgreSQL 18", "postgresql-18")
	default:
		return "", fmt.Errorf("PostgreSQL %d isn't one of the versions that scripts/setup brings: 15 and 18", version)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
