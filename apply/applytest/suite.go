package applytest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"bridge/apply"
	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/loopguard"
)

// Run runs all tests, each on a bed of its own.
func Run(t *testing.T, bed func(t *testing.T) *Bed) {
	for name, test := range map[string]func(*testing.T, *Bed){
		"writes are what they say":            writes,
		"missing rows are told":               missing,
		"a later write tells what's missing":  missingLater,
		"marker and rows are one transaction": atomic,
		"each worker has a marker":            workers,
		"a marker doesn't go back":            markerGoesBack,
		"in order":                            inOrder,
		"a unique value that's taken":         uniqueTaken,
		"what the operator must mend":         mends,
		"what's written is locked":            locks,
		"a row that's held":                   held,
		"truncate":                            truncates,
		"a lock keeps others out of a table":  locksTables,
		"conflicts are recorded":              records,
		"a session writes as a model does":    model,

		"rows are found by what they hold":     finds,
		"names are found as they're spelled":   findsQuoted,
		"names are those between the regions":  findsNamed,
		"what's found is locked":               findLocks,
		"parents that are found can be named":  findParents,
		"parents are held by several":          findHeldParents,
		"a row that's held isn't found":        findHeld,
		"computed keys are the database's":     computes,
		"what a computed key finds is locked":  computedLocks,
		"refusals are told apart":              refusals,
		"a savepoint keeps what was before it": savepoints,
		"constraints are read":                 constraints,
		"forms are alike where values are":     forms,
		"parked rows come back as they were":   parks,
		"upkeep repeats a marker":              upkeep,
	} {
		t.Run(name, func(t *testing.T) { test(t, bed(t)) })
	}
}

const all = `SELECT id, name, n FROM app.item ORDER BY id`

func (b *Bed) want(t testing.TB, rows ...string) {
	t.Helper()
	if got := b.Rows(t, all); !slices.Equal(got, rows) {
		t.Fatalf("the table holds %q, want %q", got, rows)
	}
}

func writes(t *testing.T, b *Bed) {
	b.exec(t, createItems)
	s := open(t, b, 0)
	s.do(item(apply.Upsert, "1", "a", "10"), item(apply.Upsert, "2", "it's \\", "NULL"), item(apply.Upsert, "-3", "NULL", "-9223372036854775808"))
	b.want(t, "-3|NULL|-9223372036854775808", "1|a|10", `2|it's \|NULL`)
	out := s.do(item(apply.Upsert, "1", "b", "11"), item(apply.Update, "2", "-", "5"), item(apply.Update, "-3", "c", "-"), item(apply.Upsert, "4", "a", "1"))
	if len(out.Missing) > 0 {
		t.Errorf("missing: %v", out.Missing)
	}
	b.want(t, "-3|c|-9223372036854775808", "1|b|11", `2|it's \|5`, "4|a|1")
	out = s.do(item(apply.Update, "1", "b", "11"), item(apply.Delete, "4"), item(apply.Delete, "-3")) // one that changes nothing
	if len(out.Missing) > 0 {
		t.Errorf("missing: %v", out.Missing)
	}
	b.want(t, "1|b|11", `2|it's \|5`)
}

func missing(t *testing.T, b *Bed) {
	b.exec(t, createItems)
	b.exec(t, `INSERT INTO app.item VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)`)
	s := open(t, b, 0)
	out := s.do(item(apply.Update, "7", "x", "1"), item(apply.Update, "1", "d", "1"), item(apply.Delete, "2"), item(apply.Delete, "8"),
		item(apply.Update, "9", "-", "1"), item(apply.Upsert, "4", "b", "4"), item(apply.Update, "3", "c", "3"))
	slices.Sort(out.Missing)
	if !slices.Equal(out.Missing, []int{0, 3, 4}) {
		t.Errorf("missing %v, want 0, 3, 4", out.Missing)
	}
	b.want(t, "1|d|1", "3|c|3", "4|b|4")
	if out := s.do(item(apply.Update, "1", "d", "7")); len(out.Missing) > 0 {
		t.Errorf("missing %v of a row that's there", out.Missing)
	}
}

// missingLater: a session may ask to begin anew when rows of a second write are missing; then it must tell.
func missingLater(t *testing.T, b *Bed) {
	b.exec(t, createItems)
	s := open(t, b, 0)
	for try := range 2 {
		s.begin(false)
		s.write(item(apply.Upsert, "1", "a", "1"))
		out, err := s.Write(t.Context(), []apply.Write{item(apply.Delete, "5"), item(apply.Delete, "1"), item(apply.Update, "6", "x", "1")})
		if err != nil && (try == 1 || !errors.Is(err, apply.ErrRetry)) {
			t.Fatalf("try %d: %v", try, err)
		}
		if err != nil {
			s.rollback()
			continue
		}
		s.commit()
		slices.Sort(out.Missing)
		if !slices.Equal(out.Missing, []int{0, 2}) {
			t.Fatalf("missing %v, want 0 and 2", out.Missing)
		}
		break
	}
	b.want(t)
}

func atomic(t *testing.T, b *Bed) {
	b.exec(t, createItems)
	s := open(t, b, 3)
	s.begin(false)
	s.write(item(apply.Upsert, "1", "a", "1"))
	s.write(item(apply.Upsert, "2", "b", "1"))
	b.want(t)
	s.rollback()
	s.rollback() // harmless
	b.want(t)
	if p, err := b.Target.Progress(t.Context()); err != nil || len(p) != 0 {
		t.Fatalf("progress %v, %v", p, err)
	}
	s.begin(false)
	s.write(item(apply.Upsert, "1", "a", "1"))
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.write(item(apply.Delete, "1"), item(apply.Upsert, "2", "b", "1"))
	s.commit()
	b.want(t, "2|b|1")
	p, err := b.Target.Progress(t.Context())
	if err != nil || p["eu/1"] != s.last {
		t.Fatalf("progress %+v, %v; want %+v", p, err, s.last)
	}
	s.begin(false) // and nothing is sent
	s.rollback()
	s.begin(false)
	s.write() // a batch may have no rows
	s.commit()
	if p, err = b.Target.Progress(t.Context()); err != nil || p["eu/1"] != s.last {
		t.Fatalf("progress %+v, %v; want %+v", p, err, s.last)
	}
}

func workers(t *testing.T, b *Bed) {
	var want loopguard.Marker
	for worker := range 3 {
		s := open(t, b, worker)
		s.last.Seq = uint64([]int{8, 100, 19}[worker])
		s.begin(false)
		s.write()
		s.commit()
		if worker == 1 {
			want = s.last
		}
	}
	p, err := b.Target.Progress(t.Context())
	if err != nil || len(p) != 1 || p["eu/1"] != want {
		t.Fatalf("progress %+v, %v; want %+v", p, err, want)
	}
}

// markerGoesBack: another bridge applies into the database.
func markerGoesBack(t *testing.T, b *Bed) {
	s, other := open(t, b, 0), open(t, b, 0)
	other.last.Seq = 7
	for _, s := range []*session{other, s} {
		s.begin(false)
		_, err := s.Write(t.Context(), nil)
		if s == other {
			if err != nil {
				t.Fatal(err)
			}
			s.commit()
		} else if err == nil || errors.Is(err, apply.ErrRetry) {
			t.Fatalf("the marker went back: %v", err)
		}
	}
}

func inOrder(t *testing.T, b *Bed) {
	b.exec(t, createItems)
	b.exec(t, `INSERT INTO app.item VALUES (1, 'a', 1), (2, 'b', 2)`)
	swap := []apply.Write{item(apply.Update, "1", "tmp", "1"), item(apply.Update, "2", "a", "2"), item(apply.Update, "1", "b", "1"),
		item(apply.Update, "5", "x", "1"), item(apply.Delete, "1"), item(apply.Upsert, "1", "c", "9"), item(apply.Delete, "6")}
	s := open(t, b, 0)
	for try := range 2 {
		s.begin(true)
		out, err := s.Write(t.Context(), swap)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(out.Missing)
		if !slices.Equal(out.Missing, []int{3, 6}) {
			t.Fatalf("missing %v, want 3 and 6", out.Missing)
		}
		if try == 0 {
			s.rollback()
		} else {
			s.commit()
		}
	}
	b.want(t, "1|c|9", "2|a|2")
}

// uniqueTaken: a duplicate of a unique key that isn't the row's own key is refused, whichever row it is of, and
// whether the row was to be inserted, or is there.
func uniqueTaken(t *testing.T, b *Bed) {
	b.exec(t, createItems)
	b.exec(t, `INSERT INTO app.item VALUES (1, 'a', 1), (2, 'b', 2)`)
	s := open(t, b, 0)
	for _, w := range []apply.Write{item(apply.Upsert, "3", "b", "3"), item(apply.Upsert, "1", "b", "3"), item(apply.Update, "1", "b", "3")} {
		for _, inOrder := range []bool{false, true} {
			s.begin(inOrder)
			_, err := s.Write(t.Context(), []apply.Write{item(apply.Upsert, "7", "z", "1"), w})
			if !errors.Is(err, apply.ErrRefused) || strings.Contains(err.Error(), "'b'") {
				t.Fatalf("%v: %v", w.Image, err)
			}
			if !strings.Contains(err.Error(), "app.item") {
				t.Errorf("%v doesn't name the table", err)
			}
			s.rollback()
		}
	}
	b.want(t, "1|a|1", "2|b|2")
	s.do(item(apply.Delete, "2"), item(apply.Upsert, "3", "b", "3"))
	b.want(t, "1|a|1", "3|b|3")
	// What frees a value goes first, whatever the order that's given.
	s.do(item(apply.Upsert, "4", "a", "4"), item(apply.Upsert, "5", "b", "5"), item(apply.Update, "3", "c", "3"), item(apply.Delete, "1"))
	b.want(t, "3|c|3", "4|a|4", "5|b|5")
}

// mends: a session goes on by itself once the table is as it must be.
func mends(t *testing.T, b *Bed) {
	s := open(t, b, 0)
	try := func(want string) {
		t.Helper()
		s.begin(false)
		_, err := s.Write(t.Context(), []apply.Write{item(apply.Upsert, "1", "a", "1")})
		if want == "" && err != nil || want != "" && (!errors.Is(err, apply.ErrRefused) || !strings.Contains(err.Error(), want)) {
			t.Fatalf("got %v, want %q", err, want)
		}
		if err != nil {
			s.rollback()
		} else {
			s.commit()
		}
	}
	try("table app.item isn't in this database")
	b.exec(t, `CREATE TABLE app.item (id bigint PRIMARY KEY, name varchar(40))`)
	try("lacks column n")
	b.exec(t, `ALTER TABLE app.item ADD COLUMN n bigint CHECK (n <> 1)`)
	try("app.item")
	b.exec(t, `DROP TABLE app.item`)
	try("app.item")
	b.exec(t, createItems)
	try("")
	b.exec(t, `ALTER TABLE app.item ADD COLUMN more bigint NOT NULL DEFAULT 5`)
	try("")
	if got := b.Rows(t, `SELECT id, name, n, more FROM app.item`); !slices.Equal(got, []string{"1|a|1|5"}) {
		t.Errorf("got %q", got)
	}
	b.exec(t, `ALTER TABLE app.item DROP COLUMN n`)
	try("app.item")     // as the session knew the table before
	try("lacks column") // as it's now
}

// locks: until the end of the transaction nobody else can write what was written, found or inserted, though a row that
// wasn't found is free.
func locks(t *testing.T, b *Bed) {
	b.exec(t, createItems)
	b.exec(t, `INSERT INTO app.item VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3), (4, 'd', 4)`)
	s := open(t, b, 0)
	s.begin(false)
	s.write(item(apply.Update, "1", "a", "1"), item(apply.Delete, "2"), item(apply.Upsert, "5", "e", "5"), item(apply.Update, "6", "-", "1"))
	b.exec(t, `UPDATE app.item SET n = 30 WHERE id = 3`)
	b.exec(t, `INSERT INTO app.item VALUES (6, 'f', 6)`)
	b.wantBlocked(t, `UPDATE app.item SET n = 10 WHERE id = 1`, `INSERT INTO app.item VALUES (2, 'x', 20)`, `INSERT INTO app.item VALUES (5, 'y', 50)`)
	s.commit()
	b.exec(t, `UPDATE app.item SET n = 10 WHERE id = 1`)
	b.want(t, "1|a|10", "3|c|30", "4|d|4", "5|e|5", "6|f|6")
}

func truncates(t *testing.T, b *Bed) {
	b.exec(t, createItems)
	b.exec(t, `INSERT INTO app.item VALUES (1, 'a', 1), (20, 'b', 2)`)
	s := open(t, b, 0)
	s.begin(false)
	s.write(truncate(), item(apply.Upsert, "1", "b", "3"))
	b.wantBlocked(t, `INSERT INTO app.item VALUES (-4, 'x', 1)`, `INSERT INTO app.item VALUES (7, 'y', 1)`, `INSERT INTO app.item VALUES (99, 'z', 1)`)
	s.commit()
	b.want(t, "1|b|3")
	s.begin(false)
	s.write(item(apply.Upsert, "2", "c", "3"))
	if _, err := s.Write(t.Context(), []apply.Write{truncate()}); err != nil && !errors.Is(err, apply.ErrRetry) {
		t.Fatal(err)
	} else if err != nil { // it must be known when the transaction begins
		s.rollback()
		s.begin(false)
		s.write(item(apply.Upsert, "2", "c", "3"))
		s.write(truncate())
	}
	s.commit()
	b.want(t)
}

// locksTables: what a table has can be looked at, and stays as it is, before it's emptied.
func locksTables(t *testing.T, b *Bed) {
	b.exec(t, createItems)
	b.exec(t, `INSERT INTO app.item VALUES (1, 'a', 1), (20, 'b', 2)`)
	lock := truncate()
	lock.Kind = apply.Lock
	s := open(t, b, 0)
	s.begin(false)
	s.write(lock)
	b.wantBlocked(t, `INSERT INTO app.item VALUES (-4, 'x', 1)`, `INSERT INTO app.item VALUES (7, 'y', 1)`, `INSERT INTO app.item VALUES (99, 'z', 1)`,
		`UPDATE app.item SET n = 9 WHERE id = 20`, `DELETE FROM app.item WHERE id = 1`)
	s.write(truncate())
	s.write(item(apply.Upsert, "20", "b", "3"))
	s.commit()
	b.want(t, "20|b|3")
}

// held: a row that an application holds for longer than the session waits is a reason to try again.
func held(t *testing.T, b *Bed) {
	b.exec(t, createItems)
	b.exec(t, `INSERT INTO app.item VALUES (1, 'a', 1)`)
	holder, s := open(t, b, 1), open(t, b, 0)
	holder.begin(false)
	holder.write(item(apply.Update, "1", "-", "2"))
	s.begin(false)
	if _, err := s.Write(t.Context(), []apply.Write{item(apply.Update, "1", "-", "3")}); !errors.Is(err, apply.ErrRetry) {
		t.Fatalf("got %v, want a reason to try again", err)
	}
	s.rollback()
	holder.commit()
	s.do(item(apply.Update, "1", "-", "3"))
	b.want(t, "1|a|3")
}

func records(t *testing.T, b *Bed) {
	b.exec(t, createItems)
	s := open(t, b, 0)
	op := item(apply.Upsert, "1", "a", "NULL")
	tag := &change.Tag{Dot: change.Dot{Origin: "us/1", Seq: 7}, Time: 1700000000000000}
	versions := history.Row{{Tag: tag, Kind: change.Insert, Table: items, Image: op.Image}}
	r := conflict.Record{Type: conflict.UpdateMissing, Key: op.Key, Incoming: tag.Dot, Versions: versions, Outcome: conflict.Outcome{Winner: versions[0]}}
	for _, commit := range []bool{false, true} {
		s.begin(false)
		s.write(op)
		if err := s.Record(t.Context(), []conflict.Record{r, r}); err != nil {
			t.Fatal(err)
		}
		if commit {
			s.commit()
		} else {
			s.rollback()
		}
	}
	got := b.Rows(t, `SELECT type, table_schema, table_name, origin, seq, outcome, replace(CAST(result AS char(50)), ' ', '') FROM bridge.conflicts`)
	want := strings.Join([]string{string(conflict.UpdateMissing), "app", "item", "us/1", "7", "kept", `{"exists":false}`}, "|")
	if !slices.Equal(got, []string{want, want}) {
		t.Errorf("got %q, want %q twice", got, want)
	}
}
