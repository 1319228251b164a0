// Package heap sets how often Go's collector runs in a bridge.
//
// By default it runs whenever the heap has grown to twice what is in use. A bridge has little in use (a batch, some records,
// what regions haven't seen yet), but makes a lot of it: a target's bridge with 10 MB in use would be collected 20 times a second, which took a quarter
// of its processor time. So a heap below a floor isn't collected. Above it all is as by default.
//
// Refused: GOGC or a ballast, which enlarge a large heap, too; and GOMEMLIMIT with GOGC=off, which collects without end
// where more is in use.
package heap

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Floor has the collector run when the heap has grown to so many bytes, or to twice what's in use if that's more. It does nothing
// where the environment has GOGC: then somebody knows better.
func Floor(bytes uint64) {
	if _, set := os.LookupEnv("GOGC"); set {
		return
	}
	adjust(bytes)
	afterNextCollection(func() { Floor(bytes) })
}

// afterNextCollection calls f once the collector has run.
func afterNextCollection(f func()) {
	type token struct{ _ *byte } // with a pointer, for what has none may be kept alive by its neighbours
	runtime.AddCleanup(new(token), func(struct{}) { f() }, struct{}{})
}

func adjust(floor uint64) {
	used := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/globals:bytes"}, {Name: "/gc/scan/stack:bytes"}}
	metrics.Read(used)
	debug.SetGCPercent(percent(floor, used[0].Value.Uint64(), used[1].Value.Uint64()+used[2].Value.Uint64()))
}

const (
	byDefault = 100     // the runtime's GOGC: the heap may grow by so many percent of what's in use
	least     = 4 << 20 // which is the floor that the runtime itself has, with that GOGC; it's so many percent of this with others
)

// percent is the GOGC with which a heap of live bytes may grow to floor. The runtime counts its roots as in use: see
// https://go.dev/doc/gc-guide#GOGC.
func percent(floor, live, roots uint64) int {
	if live >= floor {
		return byDefault
	}
	grow := min((floor-live)*100/max(live+roots, 1), floor*100/least)
	return max(byDefault, int(grow))
}
