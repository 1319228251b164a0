package integration

import (
	"strings"
	"testing"
)

// TestPublicationLosesTable: what's written to a table while it isn't published can't be shipped any more. The
// bridge ends and says so, and goes on when init was told.
func TestPublicationLosesTable(t *testing.T) {
	t.Parallel()
	m := start(t, options{schema: `CREATE TABLE notes (id int PRIMARY KEY, note text);`})
	m.settle()
	eu, us := m.regions[0], m.regions[1]
	eu.exec(`ALTER PUBLICATION bridge DROP TABLE notes`)
	const want = `table public.notes isn't in publication bridge any more`
	if code := eu.bridge.wait(t); code != 1 || !strings.Contains(eu.log.String(), want) {
		t.Errorf("exit status %d, want 1 and %q:\n%s", code, want, lastLines(eu.log.String(), 3))
	}
	eu.exec(`ALTER PUBLICATION bridge ADD TABLE notes`)
	if out, code := command(t, "init", "-c", eu.file); code != 0 {
		t.Fatalf("bridge init: exit status %d\n%s", code, out)
	}
	eu.start()
	eu.exec(`INSERT INTO notes VALUES (1, 'flows')`)
	us.sees("1", `SELECT count(*) FROM notes`)
}
