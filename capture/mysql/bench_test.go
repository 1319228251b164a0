package mysql

import (
	"context"
	"testing"

	"bridge/capture"
	"bridge/internal/testserver/servertest"
)

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
			})
		}
	}
}
