package mysql

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-mysql-org/go-mysql/replication"

	"bridge/capture"
	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/testserver/servertest"
)

// BenchmarkDecode decodes transactions of a hundred updates, each in an event of its own, without a server.
func BenchmarkDecode(b *testing.B) {
	utf8 := &charset{name: "utf8mb4"}
	t := &table{id: 1, name: change.TableName{Schema: "s", Name: "t"}, role: roleData, resolved: true, key: []int{0}, columns: []column{
		{name: "id", typ: typeLong}, {name: "a", typ: typeLong}, {name: "b", typ: typeLong}, {name: "filler", typ: typeBlob, meta: 2, charset: utf8},
		{name: "at", typ: typeDatetime2, meta: 6}, {name: "seen", typ: typeTimestamp2, meta: 6}}}
	if err := t.setShapes(mysql.MariaDB, &capture.Outward{}); err != nil {
		b.Fatal(err)
	}
	row := binary.LittleEndian.AppendUint32([]byte{0}, 123456) // the first byte: none is NULL
	row = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(row, 7), 654321)
	row = append(append(row, 40, 0), strings.Repeat("x", 40)...)
	row = append(row, 0x99, 0xb9, 0x72, 0x3c, 0x11, 0x01, 0xe2, 0x40) // 2026-09-25 03:48:17.123456
	row = append(row, 0x6a, 0x01, 0x02, 0x03, 0x01, 0xe2, 0x40)
	e := event{typ: replication.UPDATE_ROWS_EVENTv1, body: slices.Concat([]byte{1, 0, 0, 0, 0, 0, 0, 0, 6, 0x3f, 0x3f}, row, row)}
	s := &Source{tables: newTables(nil, capture.Outward{}), catalog: &catalog{}, group: group{open: true}}
	s.tables.byID[1] = t
	b.ReportAllocs()
	for b.Loop() {
		s.current.Begin(0, 0)
		for range 100 {
			_, err := s.take(b.Context(), e)
			if err == nil {
				_, err = s.decode(b.Context(), s.rows)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		if got := s.current.Finish(change.Position{}).Operations; len(got) != 100 || got[99].New.Complete() == false {
			b.Fatalf("%d operations", len(got))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(100*b.N), "ns/row")
}

// BenchmarkRead reads the same log again and again: updates of one row each, and of a thousand.
func BenchmarkRead(b *testing.B) {
	for _, flavor := range servertest.Flavors {
		bed := newBed(b, flavor, "CREATE TABLE t (id int PRIMARY KEY, a int, b varchar(60), at timestamp(6) NULL)")
		bed.exec("INSERT INTO t VALUES (0, 0, REPEAT('x', 40), '2024-01-02 03:04:05.123456')")
		for n := 1; n < 1000; n *= 2 {
			if _, err := bed.conn.Execute("INSERT IGNORE INTO t SELECT id + ?, a, b, at FROM t", n); err != nil {
				b.Fatal(err)
			}
		}
		bed.exec("DELETE FROM t WHERE id >= 1000",
			"CREATE PROCEDURE singles(n int) BEGIN WHILE n > 0 DO UPDATE t SET a = a + 1 WHERE id = n % 1000; SET n = n - 1; END WHILE; END",
			"CREATE PROCEDURE thousands(n int) BEGIN WHILE n > 0 DO UPDATE t SET a = a + 1; SET n = n - 1; END WHILE; END")
		for _, tc := range []struct {
			name, sql string
			rows      int
		}{{"single rows", "CALL singles(20000)", 20000}, {"a thousand rows", "CALL thousands(100)", 100000}} {
			s := bed.open()
			bed.drain(s)
			start := bed.next(s)
			for start.Kind != capture.Idle {
				start = bed.next(s)
			}
			bed.close(s)
			bed.exec(tc.sql)
			token := bed.mark()
			b.Run(flavor.String()+"/"+tc.name, func(b *testing.B) {
				used := processorTime(b)
				for b.Loop() {
					s := bed.openAt(start.Position)
					rows := 0
					for e := (capture.Event{}); e.Kind != capture.Barrier || e.Barrier.Token != token; rows += len(e.Operations) {
						var err error
						if e, err = s.Next(b.Context()); err != nil {
							b.Fatal(err)
						}
					}
					if rows != tc.rows {
						b.Fatalf("%d rows", rows)
					}
					s.Close(context.Background())
				}
				b.ReportMetric(float64(tc.rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
				b.ReportMetric(float64((processorTime(b)-used).Nanoseconds())/float64(tc.rows)/float64(b.N), "cpu-ns/row")
			})
		}
	}
}

// processorTime is what this process has had of the processors: on a busy machine it tells more than the clock does.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
