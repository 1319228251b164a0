// Document: pages of a wiki that all regions edit at once. Edits of different lines and words merge; where two regions have changed
// the same words both stand between marks, for a person to choose. Nothing that anybody wrote gets lost.
package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"bridge/examples/trial"
)

func main() { trial.Main(example("examples/document")) }

// example is the example with its files in a directory. People write more slowly than machines.
func example(dir string) trial.Example {
	return trial.Example{Dir: filepath.Clean(dir), Tables: []string{"pages", "edits"}, Rate: 5, Application: wiki{}}
}

// wiki is the application. It knows nothing of bridge.
type wiki struct{}

const pages = 3

// Transaction edits a page as a person does who has it before them: a line more, or some words more in a line.
func (wiki) Transaction(ctx context.Context, region string, conn *pgx.Conn, rng *rand.Rand) error {
	page := 1 + rng.IntN(pages)
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		var body, words string
		err := tx.QueryRow(ctx, "SELECT body FROM pages WHERE id = $1 FOR UPDATE", page).Scan(&body)
		if err == nil {
			err = tx.QueryRow(ctx, "INSERT INTO edits SELECT $2 || '-' || left(gen_random_uuid()::text, 13), $1, $2 RETURNING text", page, region).Scan(&words)
		}
		if err == nil {
			_, err = tx.Exec(ctx, "UPDATE pages SET body = $2 WHERE id = $1", page, edit(body, words, rng))
		}
		return err
	})
}

// edit writes words somewhere into a text: in a line of their own, or at the end of one.
func edit(body, words string, rng *rand.Rand) string {
	lines := strings.Split(strings.TrimSuffix(body, "\n"), "\n")
	at := rng.IntN(len(lines))
	if rng.IntN(2) == 0 && lines[at] != "" && !mark(lines[at]) {
		lines[at] += " Also " + words + "."
	} else {
		lines = slices.Insert(lines, at+1, "A line about "+words+".")
	}
	return strings.Join(lines, "\n") + "\n"
}

// mark reports whether a line is one of those around words that two regions have changed.
func mark(line string) bool {
	return strings.HasPrefix(line, "<<<<<<<") || line == "=======" || strings.HasPrefix(line, ">>>>>>>")
}

// Check looks for everything that was written.
func (wiki) Check(ctx context.Context, conn *pgx.Conn) (string, error) {
	var edits, lost int
	err := conn.QueryRow(ctx, `
SELECT count(*), count(*) FILTER (WHERE position(e.text IN p.body) = 0) FROM edits e JOIN pages p ON p.id = e.page`).Scan(&edits, &lost)
	if err != nil {
		return "", err
	}
	if lost > 0 {
		return "", fmt.Errorf("%d of %d edits aren't in their pages", lost, edits)
	}
	places, err := marked(ctx, conn)
	return fmt.Sprintf("%d edits, and all of them are in their pages. At %d places two regions had changed the same words: both stand there.", edits, places), err
}

// marked counts the places where both versions stand.
func marked(ctx context.Context, conn *pgx.Conn) (places int, err error) {
	rows, err := conn.Query(ctx, "SELECT body FROM pages")
	if err != nil {
		return 0, err
	}
	bodies, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, body := range bodies {
		for line := range strings.Lines(body) {
			if strings.HasPrefix(line, "<<<<<<<") {
				places++
			}
		}
	}
	return places, err
}
