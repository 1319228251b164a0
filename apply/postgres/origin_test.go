package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"bridge/apply"
	"bridge/apply/applytest"
	"bridge/change"
	pg "bridge/internal/postgres"
	"bridge/loopguard"
)

// logBed is a bed whose sessions have origins, and its log.
type logBed struct {
	*applytest.Bed
	*testing.T
	admin *pgx.Conn
}

func newLogBed(t *testing.T) *logBed {
	b := &logBed{newBed(t, 18), t, nil}
	b.Target.(*Target).SkipApplied = true
	config, err := b.Target.(*Target).config("test")
	if err != nil {
		t.Fatal(err)
	}
	if b.admin, err = pgx.ConnectConfig(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, sql := range []string{`SELECT pg_drop_replication_slot(current_database())`, // or the database couldn't be dropped
			`SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin JOIN pg_database d ON datname = current_database() WHERE roname ~ ('^bridge_' || d.oid || '_')`} {
			if _, err := b.admin.Exec(context.WithoutCancel(t.Context()), sql); err != nil {
				t.Error(err)
			}
		}
		b.admin.Close(context.WithoutCancel(t.Context())) //nolint:errcheck // the test is over
	})
	run(t, b.Bed, `CREATE TABLE app.thing (id int PRIMARY KEY, v text CONSTRAINT fine CHECK (v <> 'bad'));
		CREATE PUBLICATION log FOR TABLE app.thing, bridge.progress`)
	run(t, b.Bed, `SELECT pg_create_logical_replication_slot(current_database(), 'pgoutput')`)
	return b
}

// logged is a transaction in the log, as a capture sees it.
type logged struct {
	seq  uint64 // of its marker
	rows int    // other changes
}

// log is what was committed since the last call, without what was written under an origin.
func (b *logBed) log() (list []logged) {
	b.Helper()
	// A commit that isn't waited for isn't in the log yet.
	if _, err := b.admin.Exec(b.Context(), `SELECT pg_logical_emit_message(true, 'flush', '')`); err != nil {
		b.Fatal(err)
	}
	rows, err := b.admin.Query(b.Context(), `SELECT data FROM pg_logical_slot_get_binary_changes(current_database(), NULL, NULL,
		'proto_version', '1', 'publication_names', 'log', 'origin', 'none')`)
	if err != nil {
		b.Fatal(err)
	}
	messages, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		b.Fatal(err)
	}
	relations := map[uint32]*pglogrepl.RelationMessage{}
	var current *logged
	change := func(relation uint32, row *pglogrepl.TupleData) {
		if relations[relation].Namespace != loopguard.Schema {
			current.rows++
			return
		}
		for i, c := range relations[relation].Columns {
			if c.Name == "seq" {
				current.seq, _ = strconv.ParseUint(string(row.Columns[i].Data), 10, 64)
			}
		}
	}
	for _, data := range messages {
		m, err := pglogrepl.Parse(data)
		if err != nil {
			b.Fatal(err)
		}
		switch m := m.(type) {
		case *pglogrepl.RelationMessage:
			relations[m.RelationID] = m
		case *pglogrepl.BeginMessage:
			current = &logged{}
		case *pglogrepl.CommitMessage:
			list = append(list, *current)
		case *pglogrepl.InsertMessage:
			change(m.RelationID, m.Tuple)
		case *pglogrepl.UpdateMessage:
			change(m.RelationID, m.NewTuple)
		default:
			current.rows++
		}
	}
	return list
}

// upserts are n writes, the last of that value.
func upserts(t *testing.T, r *rand.Rand, n int, last string) (writes []apply.Write) {
	for i, id := range r.Perm(100)[:n] {
		v := fmt.Sprint(r.Uint32())
		if i == n-1 {
			v = last
		}
		writes = append(writes, thing(t, apply.Upsert, fmt.Sprint(id), v))
	}
	return writes
}

// TestAppliedRowsAreLeftOut: whatever becomes of transactions and sessions, the log shows the marker of each that was committed, and of
// no other one, and not the rows of those that have many.
func TestAppliedRowsAreLeftOut(t *testing.T) {
	b := newLogBed(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var s apply.Session
	open := func() {
		for { // a session that was closed has its origin until its server process has ended
			opened, err := b.Target.Open(t.Context(), 0)
			if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == "55006" {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			s = opened
			return
		}
	}
	open()
	defer func() { s.Close(context.WithoutCancel(t.Context())) }() //nolint:errcheck // the test is over
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	refused := func(n int) {
		t.Helper()
		if _, err := s.Write(t.Context(), upserts(t, r, n, "bad")); !errors.Is(err, apply.ErrRefused) {
			t.Fatalf("a bad row: %v", err)
		}
	}
	var want []logged
	for seq := uint64(1); seq <= 200; seq++ {
		s.Begin(loopguard.Marker{Origin: "us/1", Seq: seq, Time: 1, Offset: 1}, apply.AsSets)
		n := r.IntN(3 * originRows)
		shown := n
		if n >= originRows {
			shown = 0
		}
		if r.IntN(5) == 0 {
			refused(n + 1)
			must(s.Rollback(t.Context()))
			continue
		}
		_, err := s.Write(t.Context(), upserts(t, r, n, "good"))
		must(err)
		switch r.IntN(6) {
		case 0:
			must(s.Rollback(t.Context()))
			continue
		case 1:
			must(s.Savepoint(t.Context()))
			refused(originRows)
			must(s.RollbackTo(t.Context()))
		case 2:
			must(s.Close(t.Context()))
			open()
			continue
		case 3:
			run(t, b.Bed, fmt.Sprintf(`SELECT pg_terminate_backend(%d, 60000)`, s.(*session).pg.PID()))
			if err := s.Commit(t.Context()); err == nil {
				t.Fatal("a terminated session commits")
			}
			must(s.Rollback(t.Context()))
			open()
			continue
		}
		must(s.Commit(t.Context()))
		want = append(want, logged{seq, shown})
	}
	got := b.log()
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("transaction %d of the log: got %v\nwant %v", i, got[min(i, len(got)):], want[min(i, len(want)):])
		}
	}
}

// TestTruncateUnderAnOrigin: it's left out like rows.
func TestTruncateUnderAnOrigin(t *testing.T) {
	b := newLogBed(t)
	s := applier(t, b.Bed)
	writes := append(upserts(t, rand.New(rand.NewPCG(1, 1)), originRows, "good"), apply.Write{Kind: apply.Truncate, Table: things, Key: change.Key{Table: things.TableName}})
	if _, err := s.Write(t.Context(), writes); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.log(); len(got) != 1 || got[0] != (logged{1, 0}) {
		t.Errorf("the log has %v", got)
	}
}

// TestOriginIsTaken: a session whose origin another one has can't begin; what that has left doesn't matter.
func TestOriginIsTaken(t *testing.T) {
	b := newLogBed(t)
	name, err := pg.EnsureOrigin(t.Context(), b.admin, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.admin.Exec(t.Context(), `SELECT pg_replication_origin_session_setup($1)`, name); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Target.Open(t.Context(), 0); pg.Classify(err) != pg.Retry {
		t.Errorf("got %v", err)
	}
	if _, err := b.admin.Exec(t.Context(), `SELECT pg_replication_origin_session_reset()`); err != nil {
		t.Fatal(err)
	}
	s := applier(t, b.Bed)
	if _, err := b.admin.Exec(t.Context(), `SELECT pg_replication_origin_session_setup($1)`, name); err != nil {
		t.Fatal(err)
	}
	// It's between two transactions that somebody has taken it.
	_, err = s.Write(t.Context(), upserts(t, rand.New(rand.NewPCG(1, 1)), originRows, "good"))
	if errors.Is(err, apply.ErrRefused) || pg.Classify(err) != pg.Retry {
		t.Errorf("got %v", err)
	}
	if _, err := b.admin.Exec(t.Context(), `SELECT pg_replication_origin_session_reset()`); err != nil {
		t.Fatal(err)
	}
}
