// Package applytest is the contract of [apply.Session] as tests, which every engine's implementation runs.
//
// The tests' SQL is what all engines take. Their tables lie in the schema (on MySQL: the database) app.
package applytest

import (
	"context"
	"sync"
	"testing"

	"bridge/apply"
	"bridge/change"
	"bridge/loopguard"
	"bridge/naming"
)

// Bed is a database with bridge's own tables, and an empty schema app, as one test needs it.
type Bed struct {
	// Target's sessions wait for a lock for a second at most.
	Target apply.Target
	// Exec runs a statement as an application does, on a connection of its own, and waits for a lock for a second at
	// most: Waited tells such an error.
	Exec   func(ctx context.Context, sql string) error
	Waited func(error) bool
	// Rows are a query's rows, values separated by "|", NULL as "NULL".
	Rows func(t testing.TB, sql string) []string
	// Named is the target once more, with names between the regions.
	Named func(names naming.Names) apply.Target
	// Compute is SQL that gives a table a unique key of an expression, a text, and of column n. Wherever the engine has no such keys, it's of a generated
	// column.
	Compute func(table, key, expression string) string
	// Quote makes any name one in SQL.
	Quote func(name string) string
}

var items = change.NewTable(change.TableName{Schema: "app", Name: "item"}, []change.Column{
	{Name: "id", Type: "bigint", Key: true}, {Name: "name", Type: "varchar"}, {Name: "n", Type: "bigint"},
}, true)

const createItems = `CREATE TABLE app.item (id bigint PRIMARY KEY, name varchar(40) UNIQUE, n bigint)`

// item is a row of app.item; "-" is a column that the image lacks, "NULL" is NULL.
func item(kind apply.WriteKind, id string, rest ...string) apply.Write {
	image := change.Image{change.Text(id), change.Absent, change.Absent}
	for i, v := range rest {
		switch v {
		case "-":
		case "NULL":
			image[i+1] = change.Null
		default:
			image[i+1] = change.Text(v)
		}
	}
	key, err := change.KeyOf(items, image, nil)
	if err != nil {
		panic(err)
	}
	w := apply.Write{Kind: kind, Table: items, Key: key, Image: image}
	if kind == apply.Delete {
		w.Image = nil
	}
	return w
}

func truncate() apply.Write {
	return apply.Write{Kind: apply.Truncate, Table: items, Key: change.Key{Table: items.TableName}}
}

// session is an apply session, and the marker that its transactions count up.
type session struct {
	apply.Session
	t    testing.TB
	last loopguard.Marker
}

func open(t testing.TB, bed *Bed, worker int) *session {
	t.Helper()
	s, err := bed.Target.Open(t.Context(), worker)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.WithoutCancel(t.Context())) }) //nolint:errcheck // the test is over
	return &session{s, t, loopguard.Marker{Origin: "eu/1", Worker: worker}}
}

// begin begins the next transaction.
func (s *session) begin(inOrder bool) {
	s.last.Seq++
	s.last.Time += 10
	s.last.Offset++
	how := apply.AsSets
	if inOrder {
		how = apply.InOrder
	}
	s.Begin(s.last, how)
}

// write writes, and wants it to work.
func (s *session) write(writes ...apply.Write) apply.Written {
	s.t.Helper()
	out, err := s.Write(s.t.Context(), writes)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *session) commit() {
	s.t.Helper()
	if err := s.Commit(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) rollback() {
	s.t.Helper()
	if err := s.Rollback(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// do runs a transaction of one write.
func (s *session) do(writes ...apply.Write) apply.Written {
	s.t.Helper()
	s.begin(false)
	out := s.write(writes...)
	s.commit()
	return out
}

func (b *Bed) exec(t testing.TB, sql string) {
	t.Helper()
	if err := b.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%v\nin: %s", err, sql)
	}
}

// wantBlocked runs statements at once, which must all give up waiting for a lock.
func (b *Bed) wantBlocked(t *testing.T, sqls ...string) {
	t.Helper()
	errs := make([]error, len(sqls))
	var all sync.WaitGroup
	for i, sql := range sqls {
		all.Go(func() { errs[i] = b.Exec(t.Context(), sql) })
	}
	all.Wait()
	for i, err := range errs {
		if err == nil || !b.Waited(err) {
			t.Errorf("%s didn't wait: %v", sqls[i], err)
		}
	}
}
