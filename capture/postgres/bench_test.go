package postgres

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"bridge/capture"
)

// BenchmarkBacklog drains the log of b.N updated rows, in transactions of one shape each, over the
// Unix socket. For one that's large, run it with -benchtime=500000x.
func BenchmarkBacklog(b *testing.B) {
	shapes := []struct {
		name   string
		rows   int // of a transaction
		marked bool
		full   bool
	}{
		{"1-row", 1, false, false}, {"100-row", 100, false, false}, {"1000-row", 1000, false, false},
		{"1000-row/full", 1000, false, true}, {"1000-row/echo", 1000, true, false}, {"streamed", 1 << 40, false, false},
	}
	for _, shape := range shapes {
		b.Run(shape.name, func(b *testing.B) {
			bed := newBed(b, "CREATE TABLE t (id int PRIMARY KEY, a int, b int, filler text)")
			bed.exec("INSERT INTO t SELECT i, 0, 0, repeat('x', 80) FROM generate_series(0, 99999) i", "VACUUM t")
			if shape.full {
				bed.exec("ALTER TABLE t REPLICA IDENTITY FULL")
			}
			mark := ""
			if shape.marked {
				mark = "INSERT INTO bridge.progress VALUES ('ap/1', 0, i + 1, 1, 1) ON CONFLICT (origin, worker) DO UPDATE SET seq = i + 1;"
			}
			n := min(shape.rows, b.N)
			bed.exec(fmt.Sprintf(`DO $$ BEGIN FOR i IN 0 .. %d LOOP
				%s UPDATE t SET a = a + 1 WHERE id BETWEEN i * %d %% 100000 AND i * %[3]d %% 100000 + %d; COMMIT;
				END LOOP; END $$`, b.N/n-1, mark, n, n-1))
			token := bed.mark()
			s := bed.open()
			before := bed.next(s) // the rows that were there before
			for !before.Last {
				before = bed.next(s)
			}
			pids := [2]int{os.Getpid()}
			bed.scan("(SELECT active_pid FROM pg_replication_slots WHERE slot_name = current_database())", &pids[1])
			used := [2]float64{processorTime(b, pids[0]), processorTime(b, pids[1])}
			b.ReportAllocs()
			b.ResetTimer()
			rows := 0
			for {
				e, err := s.Next(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				rows += len(e.Operations)
				if e.Kind == capture.Barrier && e.Barrier.Token == token {
					break
				}
			}
			b.StopTimer()
			if !shape.marked && rows < min(b.N/2, 99999) {
				b.Fatalf("%d rows of %d came", rows, b.N)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			for i, who := range []string{"reader", "walsender"} {
				b.ReportMetric((processorTime(b, pids[i])-used[i])/float64(b.N), who+"-us/row")
			}
		})
	}
}

// processorTime is what a process has used so far, in microseconds; 0 where there's no /proc.
func processorTime(b *testing.B, pid int) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')'):]))
	user, err1 := strconv.Atoi(fields[12])
	system, err2 := strconv.Atoi(fields[13])
	if err1 != nil || err2 != nil {
		b.Fatalf("/proc/%d/stat: %s", pid, text)
	}
	return float64(user+system) * 1e4 // of 10 ms
}
