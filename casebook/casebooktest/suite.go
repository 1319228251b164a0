// Package casebooktest is the contract of [casebook.Book] as tests, which every engine's implementation runs.
//
// The tests' SQL is what all engines take. Their tables lie in the schema (on MySQL: the database) app.
package casebooktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"bridge/apply"
	"bridge/casebook"
	"bridge/change"
)

// Bed is a database with bridge's own tables, no cases, and an empty schema app, as one test needs it.
type Bed struct {
	// Open opens its book, under names between the regions that say schema shop for app.
	Open func(ctx context.Context) (casebook.Book, error)
	Exec func(t testing.TB, sql string)
	// Rows are a query's rows, values separated by "|", NULL as "NULL".
	Rows func(t testing.TB, sql string) []string
	// Key is a literal of a case's key.
	Key func(values ...string) string
	// ParkedKey are the columns of bridge.parked that say a row's key, and literals for them.
	ParkedKey func(value string) (columns, values string)
	// Wide makes table app.wide with key column k and a row 1 in it; WideRow is that row in the form that capture gives
	// it.
	Wide    string
	WideRow map[string]string
}

// Run runs the contract.
func Run(t *testing.T, bed func(*testing.T) *Bed) {
	for name, test := range map[string]func(*testing.T, *Bed){
		"cases are filtered":                     filtered,
		"an earlier bridge's cases are read":     earlier,
		"a case is resolved":                     resolved,
		"a resolution that's refused is nothing": refused,
		"a row's merges are one":                 mended,
		"values keep their text":                 wide,
		"a row's key is what an image says":      keyed,
		"two decide at once":                     twice,
		"parked rows are filtered":               parkedRows,
		"what's in a parked row's way":           inTheWay,
		"a parked row is resolved":               parkedResolved,
		"a parked row is discarded":              discarded,
		"a parked row is dropped":                dropped,
		"a deleted row is inserted again":        Restored,
	} {
		t.Run(name, func(t *testing.T) { test(t, bed(t)) })
	}
}

func open(t *testing.T, b *Bed) casebook.Book {
	t.Helper()
	book, err := b.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { book.Close(context.WithoutCancel(t.Context())) }) //nolint:errcheck // the test is over
	return book
}

// image makes an image of "column=value" texts; a value NULL is NULL.
func image(texts ...string) casebook.Image {
	out := casebook.Image{}
	for _, text := range texts {
		name, value, _ := strings.Cut(text, "=")
		out[name] = &value
		if value == "NULL" {
			out[name] = nil
		}
	}
	return out
}

// row is the image of a row of app.item.
func row(n, note string) casebook.Image { return image("id=1", "n="+n, "note="+note) }

// conflicting is a case of shop.item's row 1: eu/1:7 lost to us/1:9.
func conflicting(lost, won casebook.Image) casebook.Case {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	return casebook.Case{
		Type: "update_concurrent", Schema: "shop", Table: "item", Key: []string{"1"}, Rule: "last_write_wins", Outcome: "kept", Origin: "eu/1", Seq: 7,
		Versions: []casebook.Version{
			{Origin: "eu/1", Seq: 7, Time: at, Kind: "update", Saw: map[string]uint64{"us/1": 8}, Image: lost, Fate: apply.FateLost, Lost: []string{"n"}},
			{Origin: "us/1", Seq: 9, Time: at.Add(time.Second), Kind: "update", Image: won, Won: true, Fate: apply.FateWon},
		},
		Result: &apply.RecordedResult{Exists: true, Image: won},
	}
}

// record puts a case into bridge.conflicts and returns its number.
func (b *Bed) record(t *testing.T, c casebook.Case) int64 {
	t.Helper()
	text := func(v any) string {
		out, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(out), `\`, `\\`) // of MySQL's literals; PostgreSQL's tests have no backslash in JSON
	}
	result := "NULL"
	if c.Result != nil {
		result = "'" + text(c.Result) + "'"
	}
	b.Exec(t, fmt.Sprintf(`INSERT INTO bridge.conflicts (type, table_schema, table_name, %s, rule, outcome, origin, seq, versions, result)
		VALUES ('%s', '%s', '%s', %s, '%s', '%s', '%s', %d, '%s', %s)`, b.Key(), c.Type, c.Schema, c.Table, b.Key(c.Key...), c.Rule, c.Outcome,
		c.Origin, c.Seq, text(c.Versions), result))
	var last int64
	err := open(t, b).Cases(t.Context(), casebook.Filter{Limit: 1}, func(c *casebook.Case) error { last = c.ID; return nil })
	if err != nil || last == 0 {
		t.Fatalf("the case that was recorded isn't there (%v)", err)
	}
	return last
}

func numbers(t *testing.T, book casebook.Book, f casebook.Filter) (ids []int64) {
	t.Helper()
	if err := book.Cases(t.Context(), f, func(c *casebook.Case) error { ids = append(ids, c.ID); return nil }); err != nil {
		t.Fatal(err)
	}
	return ids
}

func filtered(t *testing.T, b *Bed) {
	one := conflicting(row("1", "NULL"), row("2", "x"))
	other := one
	other.Table, other.Key, other.Type, other.Outcome = "other", []string{"a", `b"c`}, "insert_exists", "applied"
	first, second, third := b.record(t, one), b.record(t, other), b.record(t, one)
	b.Exec(t, fmt.Sprintf(`UPDATE bridge.conflicts SET decided_at = '2026-01-01 00:00:00.5' WHERE id = %d`, first))
	b.Exec(t, fmt.Sprintf(`UPDATE bridge.conflicts SET awaits = 'person' WHERE id = %d`, third))
	book := open(t, b)
	if err := book.Resolve(t.Context(), second, casebook.Mark{By: "zoe", How: "kept"}, false, keep); err == nil || !errors.Is(err, casebook.ErrNoTable) {
		t.Errorf("a case of a table that isn't there: %v", err)
	}
	b.Exec(t, fmt.Sprintf(`UPDATE bridge.conflicts SET resolved_at = '2026-01-03 00:00:00', resolved_by = 'zoe', resolution = 'kept' WHERE id = %d`, second))
	at := time.Date(2026, 1, 1, 0, 0, 0, 500e6, time.UTC)
	for _, tc := range []struct {
		name string
		f    casebook.Filter
		want []int64
	}{
		{"all", casebook.Filter{}, []int64{third, second, first}},
		{"oldest first", casebook.Filter{Oldest: true}, []int64{first, second, third}},
		{"some", casebook.Filter{Limit: 2}, []int64{third, second}},
		{"id", casebook.Filter{ID: second}, []int64{second}},
		{"table", casebook.Filter{Table: one.TableName()}, []int64{third, first}},
		{"table without schema", casebook.Filter{Table: change.TableName{Name: "other"}}, []int64{second}},
		{"key", casebook.Filter{Key: []string{"a", `b"c`}}, []int64{second}},
		{"part of a key", casebook.Filter{Key: []string{"a"}}, nil},
		{"type", casebook.Filter{Type: "insert_exists"}, []int64{second}},
		{"outcome", casebook.Filter{Outcome: "kept"}, []int64{third, first}},
		{"since", casebook.Filter{Since: at.Add(time.Microsecond)}, []int64{third, second}},
		{"since, exactly", casebook.Filter{Since: at}, []int64{third, second, first}},
		{"before", casebook.Filter{Before: at}, nil},
		{"before, later", casebook.Filter{Before: at.Add(time.Microsecond)}, []int64{first}},
		{"open", casebook.Filter{Open: true}, []int64{third, first}},
		{"awaiting", casebook.Filter{Awaits: "person"}, []int64{third}},
	} {
		if got := numbers(t, book, tc.f); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
	if err := book.Cases(t.Context(), casebook.Filter{ID: first}, func(c *casebook.Case) error {
		want := one
		want.ID, want.DecidedAt = first, at
		got, _ := json.Marshal(c)
		if wanted, _ := json.Marshal(want); string(got) != string(wanted) {
			t.Errorf("read\n%s\nwritten\n%s", got, wanted)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	if err := open(t, b).Cases(t.Context(), casebook.Filter{}, func(*casebook.Case) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v, want what yield returned", err)
	}
}

// Nobody has written down what the row became, nor what the others' fates were.
func earlier(t *testing.T, b *Bed) {
	b.Exec(t, createItems)
	c := conflicting(row("1", "NULL"), row("2", "x"))
	c.Result, c.Versions[0].Fate, c.Versions[0].Lost, c.Versions[1].Fate = nil, "", nil, ""
	id := b.record(t, c)
	book := open(t, b)
	err := book.Resolve(t.Context(), id, mark, false, func(c *casebook.Case, row *casebook.Row) (casebook.Change, error) {
		if c.Result != nil || c.Versions[0].Fate != apply.FateLost || c.Versions[1].Fate != apply.FateWon {
			t.Errorf("%+v", c)
		}
		return (&casebook.Choice{Pick: "eu"}).Change(c, row)
	})
	if err == nil || !strings.Contains(err.Error(), "nobody can tell whether it has changed") {
		t.Errorf("%v", err)
	}
}

const createItems = `CREATE TABLE app.item (id bigint PRIMARY KEY, n int, note varchar(40))`

var mark = casebook.Mark{By: "zoe", How: "as it should be"}

func keep(*casebook.Case, *casebook.Row) (casebook.Change, error) { return casebook.Change{}, nil }

// resolve resolves as a choice says.
func resolve(t *testing.T, b *Bed, id int64, choice casebook.Choice) error {
	return open(t, b).Resolve(t.Context(), id, mark, false, choice.Change)
}

func resolved(t *testing.T, b *Bed) {
	b.Exec(t, createItems)
	won := row("2", "x")
	seven := "7"
	for _, tc := range []struct {
		name   string
		now    string // the row
		result casebook.Image
		choice casebook.Choice
		want   string
	}{
		{"the loser", "1, 2, 'x'", won, casebook.Choice{Pick: "eu/1:7"}, "1|1|NULL"},
		{"the winner", "1, 2, 'x'", won, casebook.Choice{Pick: "us"}, "1|2|x"},
		{"a value", "1, 2, 'x'", won, casebook.Choice{Set: casebook.Image{"n": &seven}}, "1|7|x"},
		{"NULL, and a version", "1, 2, 'x'", won, casebook.Choice{Pick: "us", Set: casebook.Image{"n": nil}}, "1|NULL|x"},
		{"no row", "1, 2, 'x'", won, casebook.Choice{Delete: true}, ""},
		{"the row as it is", "1, 5, 'z'", won, casebook.Choice{Keep: true}, "1|5|z"},
		{"a row again", "", nil, casebook.Choice{Pick: "eu"}, "1|1|NULL"},
		{"no row, and there's none", "", nil, casebook.Choice{Delete: true}, ""},
		{"by force", "1, 5, 'z'", won, casebook.Choice{Pick: "eu", Force: true}, "1|1|NULL"},
	} {
		b.Exec(t, `DELETE FROM app.item`)
		b.Exec(t, `INSERT INTO app.item VALUES (2, 2, 'another')`)
		if tc.now != "" {
			b.Exec(t, `INSERT INTO app.item VALUES (`+tc.now+`)`)
		}
		c := conflicting(row("1", "NULL"), won)
		c.Result = &apply.RecordedResult{Exists: tc.result != nil, Image: tc.result}
		id := b.record(t, c)
		if err := resolve(t, b, id, tc.choice); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if got := strings.Join(b.Rows(t, `SELECT * FROM app.item WHERE id = 1`), " "); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
		got := b.Rows(t, fmt.Sprintf(`SELECT resolved_by, resolution, resolved_at IS NULL FROM bridge.conflicts WHERE id = %d`, id))
		if len(got) != 1 || !strings.HasPrefix(got[0], mark.By+"|"+mark.How+"|") || strings.HasSuffix(got[0], "|t") || strings.HasSuffix(got[0], "|1") {
			t.Errorf("%s: marked %q", tc.name, got)
		}
		if err := resolve(t, b, id, tc.choice); !errors.Is(err, casebook.ErrResolved) {
			t.Errorf("%s, again: %v", tc.name, err)
		}
	}
	if got := b.Rows(t, `SELECT * FROM app.item WHERE id = 2`); !slices.Equal(got, []string{"2|2|another"}) {
		t.Errorf("another row became %q", got)
	}
	if err := resolve(t, b, 1<<40, casebook.Choice{Keep: true}); !errors.Is(err, casebook.ErrNoCase) {
		t.Errorf("no case: %v", err)
	}
}

// Whatever refuses the change, the case stays open and the row as it was.
func refused(t *testing.T, b *Bed) {
	b.Exec(t, `CREATE TABLE app.item (id bigint PRIMARY KEY, n int NOT NULL, note varchar(40) UNIQUE)`)
	b.Exec(t, `INSERT INTO app.item VALUES (1, 2, 'x'), (2, 3, 'taken')`)
	taken, long, word := "taken", strings.Repeat("secret", 10), "nine"
	c := conflicting(row("1", "NULL"), row("2", "x"))
	id := b.record(t, c)
	for name, tc := range map[string]struct {
		choice casebook.Choice
		want   string
	}{
		"a unique key":     {casebook.Choice{Set: casebook.Image{"note": &taken}}, ""},
		"not null":         {casebook.Choice{Set: casebook.Image{"n": nil}}, ""},
		"too long":         {casebook.Choice{Set: casebook.Image{"note": &long}}, ""},
		"not a number":     {casebook.Choice{Set: casebook.Image{"n": &word}}, ""},
		"no such column":   {casebook.Choice{Set: casebook.Image{"m": &word}}, "it has id, n, note"},
		"the key":          {casebook.Choice{Set: casebook.Image{"id": &word}}, "names the row"},
		"no such version":  {casebook.Choice{Pick: "ap"}, "it has eu/1:7, us/1:9"},
		"a row that isn't": {casebook.Choice{Pick: "eu", Set: casebook.Image{"n": &word}}, ""},
	} {
		err := resolve(t, b, id, tc.choice)
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "nine") {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.Exec(t, `UPDATE app.item SET note = 'y' WHERE id = 1`)
	if err := resolve(t, b, id, casebook.Choice{Pick: "eu"}); err == nil || !strings.Contains(err.Error(), "changed since: note") {
		t.Errorf("a row that has changed: %v", err)
	}
	b.Exec(t, `DELETE FROM app.item WHERE id = 1`)
	if err := resolve(t, b, id, casebook.Choice{Pick: "eu"}); err == nil || !strings.Contains(err.Error(), "deleted since") {
		t.Errorf("a row that is gone: %v", err)
	}
	if got := b.Rows(t, `SELECT * FROM app.item`); !slices.Equal(got, []string{"2|3|taken"}) {
		t.Errorf("rows became %q", got)
	}
	if got := numbers(t, open(t, b), casebook.Filter{Open: true}); !slices.Equal(got, []int64{id}) {
		t.Errorf("open are %v, want %d", got, id)
	}
}

// A row is read as capture gives it, and is made again from that.
func wide(t *testing.T, b *Bed) {
	b.Exec(t, b.Wide)
	c := conflicting(image("k=1"), image("k=1"))
	c.Table = "wide"
	book := open(t, b)
	read := func() casebook.Image {
		t.Helper()
		row, err := book.Row(t.Context(), &c)
		if err != nil || !row.Exists() {
			t.Fatalf("%+v (%v)", row, err)
		}
		return row.Values
	}
	before := read()
	got := map[string]string{}
	for name, value := range before {
		got[name] = "NULL"
		if value != nil {
			got[name] = *value
		}
	}
	for name, want := range b.WideRow {
		if got[name] != want {
			t.Errorf("column %s: %q, want %q", name, got[name], want)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("also read: %v", slices.Sorted(maps.Keys(got)))
	}
	b.Exec(t, `DELETE FROM app.wide`)
	c.Versions[0].Image, c.Result = before, &apply.RecordedResult{}
	for _, step := range []string{"an insert", "an update of everything"} {
		err := book.Resolve(t.Context(), b.record(t, conflictOf(c)), mark, false, func(_ *casebook.Case, row *casebook.Row) (casebook.Change, error) {
			change, err := (&casebook.Choice{Pick: "eu", Force: true}).Change(&c, row)
			if row.Exists() { // though it's the same
				change = casebook.Change{Kind: casebook.Update, Values: maps.Clone(before)}
				maps.DeleteFunc(change.Values, func(name string, _ *string) bool {
					return slices.ContainsFunc(row.Columns, func(c casebook.Column) bool { return c.Name == name && (c.Generated || c.Key) })
				})
			}
			return change, err
		})
		if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		for name, value := range read() {
			if had := before[name]; (value == nil) != (had == nil) || value != nil && *value != *had {
				t.Errorf("%s: column %s came back as %v", step, name, value)
			}
		}
	}
}

// conflictOf is a case to record in place of c, whose values needn't be written as SQL.
func conflictOf(c casebook.Case) casebook.Case {
	out := conflicting(image("k=1"), image("k=1"))
	out.Table = c.Table
	return out
}

// The key's normal form isn't always a text of the row's; an image is.
func keyed(t *testing.T, b *Bed) {
	b.Exec(t, `CREATE TABLE app.item (name varchar(20), id bigint, n int, PRIMARY KEY (id, name))`)
	b.Exec(t, `INSERT INTO app.item VALUES ('Zoe', 1, 5), ('Ann', 1, 6)`)
	c := conflicting(image("name=Zoe", "id=1", "n=1"), image("name=Zoe", "id=1", "n=5"))
	c.Key = []string{"some form", "1"}
	if err := resolve(t, b, b.record(t, c), casebook.Choice{Pick: "eu"}); err != nil {
		t.Error(err)
	}
	if got := b.Rows(t, `SELECT n FROM app.item ORDER BY n`); !slices.Equal(got, []string{"1", "6"}) {
		t.Errorf("rows have %q", got)
	}
}

// The second waits for the first, and finds the case resolved.
func twice(t *testing.T, b *Bed) {
	b.Exec(t, createItems)
	b.Exec(t, `INSERT INTO app.item VALUES (1, 2, 'x')`)
	id := b.record(t, conflicting(row("1", "NULL"), row("2", "x")))
	entered, second := make(chan struct{}), make(chan error, 1)
	other := open(t, b)
	go func() {
		<-entered
		second <- other.Resolve(t.Context(), id, mark, false, keep)
	}()
	err := open(t, b).Resolve(t.Context(), id, mark, false, func(c *casebook.Case, row *casebook.Row) (casebook.Change, error) {
		close(entered)
		return (&casebook.Choice{Pick: "eu"}).Change(c, row)
	})
	if err != nil {
		t.Error(err)
	}
	if err := <-second; !errors.Is(err, casebook.ErrResolved) {
		t.Errorf("the second: %v", err)
	}
}
