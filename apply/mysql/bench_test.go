package mysql

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	library "github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-mysql-org/go-mysql/replication"

	"bridge/apply"
	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/loopguard"
)

const (
	benchRows    = 50_000
	benchBatches = 40
)

// BenchmarkUpdates applies batches of single-row updates at random keys: as this package does on MariaDB, with its values packed, and as it does
// where they can't be, with whole rows and with rows that lack
// a column (which MariaDB doesn't overwrite); and for comparison as BINLOG
// statements that replay the row events of a binary log (one table map and packed rows: the best case).
//
//	go test ./apply/mysql -run '^$' -bench Updates -benchtime 1x
func BenchmarkUpdates(b *testing.B) {
	for _, flavor := range servertest.Flavors {
		for _, size := range []int{1, 10, 100, 1000} {
			b.Run(fmt.Sprintf("%s/%d", flavor, size), func(b *testing.B) {
				bench := newBench(b, flavor, size)
				if flavor == testserver.FlavorMariaDB {
					b.Run("packed", func(b *testing.B) { bench.sets(b, apply.Update, false, true) })
				}
				b.Run("sets", func(b *testing.B) { bench.sets(b, apply.Update, false, false) })
				b.Run("parts", func(b *testing.B) { bench.sets(b, apply.Update, true, false) })
				b.Run("upserts", func(b *testing.B) { bench.sets(b, apply.Upsert, false, false) })
				b.Run("BINLOG", func(b *testing.B) { bench.binlog(b) })
			})
		}
	}
}

type bench struct {
	server  *testserver.MySQL
	admin   *mysql.Conn
	target  *Target
	size    int
	batches [][]apply.Write
	events  []string // one BINLOG statement for each batch, after the format description
	format  string
}

func newBench(b *testing.B, flavor testserver.Flavor, size int) *bench {
	b.Helper()
	server := servertest.MySQLDatabase(b, flavor).Server
	admin, err := root(server).Connect(b.Context(), mysql.Session{Name: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(admin.Close)
	if err := mysql.CreateTables(b.Context(), admin); err != nil {
		b.Fatal(err)
	}
	if _, _, err := mysql.Claim(b.Context(), admin, "c", "test"); err != nil {
		b.Fatal(err)
	}
	epoch, err := mysql.RaiseEpoch(b.Context(), admin)
	if err != nil {
		b.Fatal(err)
	}
	x := &bench{server: server, admin: admin, target: NewTarget(connector(root(server)), epoch, apply.Inward{}), size: size}
	x.fill(b)
	x.work(b)
	return x
}

// fill makes the table as it is before the first batch.
func (x *bench) fill(b *testing.B) {
	b.Helper()
	digits := "(SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)"
	run(b, x.admin, "DROP DATABASE IF EXISTS app; CREATE DATABASE app; DELETE FROM bridge.progress;"+
		"CREATE TABLE app.t (pk int PRIMARY KEY, a int, b int, c text, at datetime(6));"+
		"INSERT INTO app.t SELECT a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d pk, 0, 0, repeat('x', 40), '2024-01-01' FROM "+
		strings.Join([]string{digits + " a", digits + " b", digits + " c", digits + " d", digits + " e"}, ", ")+" HAVING pk < "+fmt.Sprint(benchRows))
}

// work does the batches once, as an application would, for their row events.
func (x *bench) work(b *testing.B) {
	b.Helper()
	table := shapeOfTable("pk", "a", "b", "c", "at")
	end, err := mysql.End(b.Context(), x.admin)
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range benchBatches {
		var writes []apply.Write
		var keys []string
		for len(keys) < x.size {
			pk := fmt.Sprint(rng.IntN(benchRows))
			if slices.Contains(keys, pk) {
				continue
			}
			keys = append(keys, pk)
			key, _ := change.KeyOf(table, image(pk), nil)
			writes = append(writes, apply.Write{Kind: apply.Update, Table: table, Key: key,
				Image: image(pk, fmt.Sprint(n+1), "7", strings.Repeat("y", 40), "2024-01-02 03:04:05.5")})
		}
		x.batches = append(x.batches, writes)
		run(b, x.admin, fmt.Sprintf("UPDATE app.t SET a = %d, b = 7, c = repeat('y', 40), at = '2024-01-02 03:04:05.5' WHERE pk IN (%s)", n+1, strings.Join(keys, ",")))
	}
	x.read(b, mysql.DecodePosition(end.Offset))
}

// read reads the batches' row events.
func (x *bench) read(b *testing.B, from mysql.BinlogPosition) {
	b.Helper()
	syncer := replication.NewBinlogSyncer(replication.BinlogSyncerConfig{
		ServerID: 4_000_000_001, Flavor: string(x.admin.Flavor()), Host: x.server.Host(), Port: uint16(x.server.Port()), User: testserver.MySQLSuperuser,
		Logger: slog.New(slog.DiscardHandler), RowsEventDecodeFunc: func(*replication.RowsEvent, []byte) error { return nil },
	})
	defer syncer.Close()
	stream, err := syncer.StartSync(library.Position{Name: from.FileName("binlog"), Pos: uint32(from.Offset)})
	if err != nil {
		b.Fatal(err)
	}
	var group []byte
	for len(x.events) < benchBatches {
		ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
		ev, err := stream.GetEvent(ctx)
		cancel()
		if err != nil {
			b.Fatal(err)
		}
		raw := slices.Clone(ev.RawData)
		switch ev.Header.EventType {
		case replication.FORMAT_DESCRIPTION_EVENT:
			x.format = base64.StdEncoding.EncodeToString(raw)
		case replication.TABLE_MAP_EVENT, replication.UPDATE_ROWS_EVENTv1, replication.UPDATE_ROWS_EVENTv2:
			group = append(group, raw...)
		case replication.XID_EVENT:
			x.events = append(x.events, "BINLOG '"+base64.StdEncoding.EncodeToString(group)+"'")
			group = nil
		}
	}
}

// report tells how fast it was, and what of the processor's time was the server's.
func (x *bench) report(b *testing.B, took, used time.Duration) {
	b.Helper()
	b.ReportMetric(float64(benchBatches*x.size)/took.Seconds(), "rows/s")
	b.ReportMetric(float64(used.Nanoseconds())/1e3/float64(benchBatches*x.size), "server-us/row")
	if got := rows(b, x.admin, fmt.Sprintf("SELECT count(*) > 0 FROM app.t WHERE a = %d", benchBatches)); got[0] != "1" {
		b.Fatal("nothing was applied")
	}
}

// used is the processor time that the server's threads have used so far, as Linux tells it.
func (x *bench) used(b *testing.B) (sum time.Duration) {
	b.Helper()
	file := rows(b, x.admin, "SELECT @@pid_file")
	pid, err := os.ReadFile(file[0])
	if err != nil {
		b.Fatal(err)
	}
	threads, err := filepath.Glob("/proc/" + strings.TrimSpace(string(pid)) + "/task/*/schedstat")
	if err != nil || len(threads) == 0 {
		b.Fatalf("%d threads of the server, %v", len(threads), err)
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			continue // it has just ended
		}
		nanoseconds, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(nanoseconds, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(n)
	}
	return sum
}

func (x *bench) sets(b *testing.B, kind apply.WriteKind, part, packed bool) {
	x.fill(b)
	s, err := x.target.Open(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	known, err := s.(*session).table(b.Context(), x.batches[0][0].Table)
	if err != nil {
		b.Fatal(err)
	}
	known.packable = packed
	defer s.Close(b.Context()) //nolint:errcheck // the benchmark is over
	began, before := time.Now(), x.used(b)
	for i, writes := range x.batches {
		for j := range writes {
			writes[j].Kind = kind
			if writes[j].Image[2] = change.Text("7"); part {
				writes[j].Image[2] = change.Absent
			}
		}
		s.Begin(loopguard.Marker{Origin: "eu/1", Seq: uint64(i) + 1}, apply.AsSets)
		if _, err := s.Write(b.Context(), writes); err != nil {
			b.Fatal(err)
		}
		if err := s.Commit(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	x.report(b, time.Since(began), x.used(b)-before)
}

func (x *bench) binlog(b *testing.B) {
	x.fill(b)
	conn, err := connector(root(x.server))(b.Context(), "binlog")
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	run(b, conn, "BINLOG '"+x.format+"'")
	if conn.Flavor() == mysql.MySQL {
		run(b, conn, "SET SESSION gtid_next = 'AUTOMATIC'") // the format description has made it ANONYMOUS
	}
	run(b, conn, "INSERT INTO bridge.progress VALUES ('eu/1', 0, 0, 0, 0)")
	began, before := time.Now(), x.used(b)
	for i, event := range x.events {
		run(b, conn, fmt.Sprintf("START TRANSACTION; SELECT epoch FROM bridge.node LOCK IN SHARE MODE;"+
			"UPDATE bridge.progress SET seq = %d, ts = 1, stream_offset = 1 WHERE origin = 'eu/1' AND worker = 0", i+1))
		run(b, conn, event) // alone: MariaDB answers it twice in a packet of several
		run(b, conn, positionSQL(conn))
		run(b, conn, "COMMIT")
	}
	x.report(b, time.Since(began), x.used(b)-before)
}
