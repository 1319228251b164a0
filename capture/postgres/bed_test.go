package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"bridge/capture"
	"bridge/change"
	"bridge/internal/postgres"
	"bridge/internal/testserver/servertest"
	"bridge/loopguard"
)

// bed is a database set up for capture, and an application's session in it.
type bed struct {
	testing.TB
	db     servertest.DB
	conn   *pgx.Conn
	config Config
	tokens uint64
}

// newBed makes a database with bridge's tables, runs ddl in it, and creates publication and slot.
func newBed(t testing.TB, ddl ...string) *bed {
	t.Helper()
	return newBedOn(t, servertest.Database(t, 15), ddl...)
}

func newBedOn(t testing.TB, db servertest.DB, ddl ...string) *bed {
	t.Helper()
	b := &bed{TB: t, db: db}
	b.config = Config{
		Server: postgres.Server{URL: db.SocketDSN()}, Slot: db.Name, Publication: "bridge pub", SpillDir: t.TempDir(),
	}
	config, err := b.config.Server.Config(postgres.Session{Name: "application"})
	if err != nil {
		t.Fatal(err)
	}
	if b.conn, err = pgx.ConnectConfig(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.conn.Close(context.Background()) })
	if err := postgres.CreateTables(t.Context(), b.conn); err != nil {
		t.Fatal(err)
	}
	b.exec("SET search_path = public, pg_catalog")
	b.exec(ddl...)
	b.exec(`CREATE PUBLICATION "bridge pub" FOR ALL TABLES WITH (publish_via_partition_root = true)`)
	if _, err := postgres.CreateSlot(t.Context(), b.conn, b.config.Slot, false); err != nil {
		t.Fatal(err)
	}
	return b
}

// exec runs statements, each in a transaction of its own unless they begin one.
func (b *bed) exec(sql ...string) {
	b.Helper()
	for _, s := range sql {
		if _, err := b.conn.Exec(b.Context(), s, pgx.QueryExecModeSimpleProtocol); err != nil {
			b.Fatalf("%s: %v", s, err)
		}
	}
}

func (b *bed) scan(sql string, into ...any) {
	b.Helper()
	if err := b.conn.QueryRow(b.Context(), sql, pgx.QueryExecModeSimpleProtocol).Scan(into...); err != nil {
		b.Fatalf("%s: %v", sql, err)
	}
}

// open starts capture; it's closed with the test.
func (b *bed) open() *Source {
	b.Helper()
	s, err := Open(b.Context(), b.config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close(context.Background()) })
	return s
}

func (b *bed) close(s *Source) {
	b.Helper()
	if err := s.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
}

// mark writes a barrier that a later call of until waits for.
func (b *bed) mark() uint64 {
	b.Helper()
	b.tokens++
	barrier := loopguard.Barrier{Run: "test", Token: b.tokens}
	b.exec(fmt.Sprintf("SET LOCAL synchronous_commit = on; SELECT pg_logical_emit_message(true, 'bridge', '%s')", barrier))
	return b.tokens
}

// until returns the events before the barrier. Idle events don't belong to any place and are left out.
func (b *bed) until(s *Source, token uint64) []capture.Event {
	b.Helper()
	var events []capture.Event
	for {
		e := b.next(s)
		if e.Kind == capture.Barrier && e.Barrier.Token == token {
			return events
		}
		if e.Kind != capture.Idle {
			events = append(events, e)
		}
	}
}

// drain returns what is in the log up to now.
func (b *bed) drain(s *Source) []capture.Event {
	b.Helper()
	return b.until(s, b.mark())
}

// fails reads until the source ends with an error.
func (b *bed) fails(s *Source) error {
	b.Helper()
	ctx, cancel := patience(b)
	defer cancel()
	for {
		if _, err := s.Next(ctx); err != nil {
			if ctx.Err() != nil {
				b.Fatal("the source goes on")
			}
			return err
		}
	}
}

func (b *bed) next(s *Source) capture.Event {
	b.Helper()
	ctx, cancel := patience(b)
	defer cancel()
	e, err := s.Next(ctx)
	if err != nil {
		b.Fatalf("%v (%v)", err, context.Cause(ctx))
	}
	return e
}

// patience bounds a wait that never ends when something is wrong.
func patience(t testing.TB) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(t.Context(), 60*time.Second, fmt.Errorf("nothing came for 60 s"))
}

// await polls the server until the condition, an SQL expression, is true.
func (b *bed) await(condition string) {
	b.Helper()
	ctx, cancel := patience(b)
	defer cancel()
	for {
		var is bool
		if err := b.conn.QueryRow(ctx, "SELECT "+condition, pgx.QueryExecModeSimpleProtocol).Scan(&is); err != nil {
			b.Fatalf("%s: %v", condition, err)
		}
		if is {
			return
		}
	}
}

// show writes events as text: operations one to a line, transactions apart by their ends.
func show(events []capture.Event) string {
	var out strings.Builder
	for _, e := range events {
		switch e.Kind {
		case capture.Local:
			for _, o := range e.Operations {
				out.WriteString(showOperation(o) + "\n")
			}
			if e.Last {
				out.WriteString("commit\n")
			}
		case capture.Echo:
			fmt.Fprintf(&out, "echo %s:%d at %d\n", e.Marker.Origin, e.Marker.Seq, e.Marker.Time)
		case capture.Empty:
			out.WriteString("empty\n")
		case capture.Barrier:
			fmt.Fprintf(&out, "barrier %d\n", e.Barrier.Token)
		}
	}
	return out.String()
}

func showOperation(o change.Operation) string {
	s := fmt.Sprintf("%s %s", o.Kind, o.Key)
	if o.Old != nil {
		s += " old" + showImage(o.Old)
	}
	if o.New != nil {
		s += " new" + showImage(o.New)
	}
	return s
}

func showImage(r change.Image) string {
	var out strings.Builder
	for _, v := range r {
		switch text, ok := v.Text(); {
		case v.IsAbsent():
			out.WriteString(" ?")
		case v.IsNull():
			out.WriteString(" NULL")
		case ok && len(text) > 40:
			fmt.Fprintf(&out, " %.3s…%d", text, len(text))
		default:
			out.WriteString(" " + text)
		}
	}
	return out.String()
}

// otherSession is another session of the application's.
func (b *bed) otherSession() *pgconn.PgConn {
	b.Helper()
	conn, err := pgconn.Connect(b.Context(), b.db.SocketDSN())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// wantText compares texts line by line.
func wantText(t testing.TB, got, want string) {
	t.Helper()
	lines := strings.Fields(strings.ReplaceAll(want, " ", "\x00"))
	for i := range lines {
		lines[i] = strings.TrimLeft(strings.ReplaceAll(lines[i], "\x00", " "), " ")
	}
	clean := strings.TrimSpace(strings.Join(lines, "\n"))
	if got = strings.TrimSpace(got); got != clean {
		t.Errorf("got\n%s\nwant\n%s", got, clean)
	}
}
