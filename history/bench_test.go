package history

import (
	"fmt"
	"runtime"
	"testing"

	"bridge/change"
)

const benchRows = 1000

// fill adds transactions of one update each, from seq on.
func fill(h *History, ops [][]change.Operation, seq uint64) {
	for i := range ops {
		s := seq + uint64(i)
		h.Add(&change.Tag{Dot: dot("b", s), Time: change.Timestamp(s)}, ops[i], 0, 0)
	}
}

func updates(n int) [][]change.Operation {
	ops := make([][]change.Operation, n)
	for i := range ops {
		ops[i] = update(fmt.Sprintf("\x08%08d", i))
	}
	return ops
}

// BenchmarkAddAndPrune is an operation's whole life: added, certified against, stable, dropped.
func BenchmarkAddAndPrune(b *testing.B) {
	h, ops, seq := New("a/1", abc, 0), updates(benchRows), uint64(1)
	b.ReportAllocs()
	for b.Loop() {
		fill(h, ops, seq)
		seq += benchRows
		seen := change.NewVector(change.Seen{Origin: "b/1", Seq: seq - 1})
		h.Learn("a/1", seen)
		h.Learn("c/1", seen)
		h.Prune()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchRows), "ns/op-held")
}

func BenchmarkConcurrent(b *testing.B) {
	saw := tag("c", 1, 1, change.Seen{Origin: "b/1", Seq: 1 << 40})
	for _, depth := range []int{0, 1, 1000} {
		h := New("a/1", abc, 0)
		ops := update("x")
		for i := range depth {
			fill(h, [][]change.Operation{ops}, uint64(i+1))
		}
		b.Run(fmt.Sprint(depth), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if h.Concurrent(ops[0].Key, saw) {
					b.Fatal("concurrent")
				}
			}
		})
	}
}

// BenchmarkHeld tells what an unstable operation takes in memory beside its key and image, which are
// shared with whoever read it.
func BenchmarkHeld(b *testing.B) {
	const n = 200_000
	var before, after runtime.MemStats
	for b.Loop() {
		b.StopTimer()
		ops := updates(n)
		all := make([]change.Operation, n)
		for i := range ops {
			all[i] = ops[i][0]
		}
		h := New("a/1", abc, 0)
		runtime.GC()
		runtime.ReadMemStats(&before)
		b.StartTimer()
		h.Add(tag("b", 1, 1), all, 0, 0)
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/op-held")
		b.ReportMetric(float64(h.Stats().Bytes)/n, "B/op-accounted")
		runtime.KeepAlive(all)
		b.StartTimer()
	}
}
