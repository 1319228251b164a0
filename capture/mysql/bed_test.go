package mysql

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-mysql-org/go-mysql/client"

	"bridge/capture"
	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// bed is a database on a server that capture can read, and an application's session in it.
type bed struct {
	testing.TB
	server *testserver.MySQL
	name   string // of the database
	conn   *client.Conn
	config Config
}

// onBoth runs a test on each flavor.
func onBoth(t *testing.T, test func(t *testing.T, flavor testserver.Flavor)) {
	for _, flavor := range servertest.Flavors {
		t.Run(flavor.String(), func(t *testing.T) { test(t, flavor) })
	}
}

// newBed makes a database on the shared server of a flavor.
func newBed(t testing.TB, flavor testserver.Flavor, ddl ...string) *bed {
	t.Helper()
	db := servertest.MySQLDatabase(t, flavor)
	return newBedOn(t, db.Server, db.Name, ddl...)
}

// newServerBed makes a database on a server of the test's own.
func newServerBed(t testing.TB, flavor testserver.Flavor, settings map[string]string, ddl ...string) *bed {
	t.Helper()
	server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true, Settings: settings})
	if err := server.CreateDatabase(t.Context(), "app"); err != nil {
		t.Fatal(err)
	}
	return newBedOn(t, server, "app", ddl...)
}

var installed sync.Map // servers with bridge's tables

func newBedOn(t testing.TB, server *testserver.MySQL, name string, ddl ...string) *bed {
	t.Helper()
	b := &bed{TB: t, server: server, name: name}
	b.config = Config{
		Server:   mysql.Server{Socket: server.Socket(), User: "bridge", Password: "secret"},
		Name:     "bridge test " + name,
		Selected: func(n change.TableName) bool { return n.Schema == name },
		SpillDir: t.TempDir(), IdleInterval: 100 * time.Millisecond,
	}
	if _, there := installed.Load(server); !there {
		// What "bridge grants" prints.
		servertest.ExecMySQL(t, server, "", "CREATE USER bridge@'%' IDENTIFIED BY 'secret'; GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO bridge@'%'; "+
			"CREATE DATABASE bridge CHARACTER SET utf8mb4 COLLATE utf8mb4_bin; GRANT ALL PRIVILEGES ON bridge.* TO bridge@'%'")
		conn, err := b.config.Server.Connect(t.Context(), mysql.Session{Name: "application"})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := mysql.CreateTables(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
		installed.Store(server, true)
	}
	servertest.ExecMySQL(t, server, "", fmt.Sprintf("GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON `%s`.* TO bridge@'%%'", name))
	b.conn = servertest.ConnectMySQL(t, server, name)
	b.exec(ddl...)
	return b
}

// reconnect opens the application's session again, after the server was gone.
func (b *bed) reconnect() {
	b.Helper()
	b.conn = servertest.ConnectMySQL(b, b.server, b.name)
}

func (b *bed) mariadb() bool { return b.server.Flavor() == testserver.FlavorMariaDB }

// exec runs statements, each in a transaction of its own unless they begin one.
func (b *bed) exec(sql ...string) {
	b.Helper()
	for _, s := range sql {
		if _, err := b.conn.Execute(s); err != nil {
			b.Fatalf("%s: %v", s, err)
		}
	}
}

func (b *bed) query(sql string) []string {
	b.Helper()
	return servertest.QueryMySQL(b, b.server, b.name, sql)
}

// open starts capture where the log ends now; it's closed with the test.
func (b *bed) open() *Source {
	b.Helper()
	return b.openAt(change.Position{})
}

func (b *bed) openAt(at change.Position) *Source {
	b.Helper()
	config := b.config
	config.Start = at
	s, err := Open(b.Context(), config)
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

var lastToken uint64 // tests share servers, and barriers must change the row to be logged

// mark writes a barrier that a later call of until waits for.
func (b *bed) mark() uint64 {
	b.Helper()
	lastToken++
	servertest.ExecMySQL(b, b.server, "", fmt.Sprintf("UPDATE bridge.barrier SET run = 'test', token = %d, floor = %d", lastToken, 7*lastToken))
	return lastToken
}

// until returns the events before the barrier. Idle events don't belong to any place and are left out.
func (b *bed) until(s *Source, token uint64) []capture.Event {
	b.Helper()
	var events []capture.Event
	for {
		e := b.next(s)
		if e.Kind == capture.Barrier && e.Barrier.Token == token {
			if e.Barrier.Run != "test" || uint64(e.Barrier.Floor) != 7*token {
				b.Errorf("barrier %+v", e.Barrier)
			}
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

// stops reads on until the source ends with an error with these words.
func (b *bed) stops(s *Source, words ...string) {
	b.Helper()
	err := b.fails(s)
	for _, w := range append(words, "binlog.0000") {
		if !strings.Contains(err.Error(), w) {
			b.Errorf("the error lacks %q: %v", w, err)
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

const patienceTime = time.Minute

// patience bounds a wait that never ends when something is wrong.
func patience(t testing.TB) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(t.Context(), patienceTime, fmt.Errorf("nothing came for %v", patienceTime))
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

// showOperation leaves out the database, whose name is the test's own.
func showOperation(o change.Operation) string {
	_, key, _ := strings.Cut(o.Key.String(), ".")
	s := fmt.Sprintf("%s %s", o.Kind, key)
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
		case text == "":
			out.WriteString(" ''")
		case ok && len(text) > 40:
			fmt.Fprintf(&out, " %.3s…%d", text, len(text))
		default:
			out.WriteString(" " + text)
		}
	}
	return out.String()
}

// wantText compares texts line by line.
func wantText(t testing.TB, got, want string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(want), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	if got = strings.TrimSpace(got); got != strings.Join(lines, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(lines, "\n"))
	}
}
