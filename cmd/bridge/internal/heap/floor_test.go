package heap

import (
	"os"
	"runtime"
	"runtime/debug"
	"testing"
)

func TestPercent(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		floor, live, roots uint64
		want               int
	}{
		{64 * mb, 0, 0, 1600},
		{64 * mb, mb, 0, 1600},
		{64 * mb, 4 * mb, 0, 1500},
		{64 * mb, 4 * mb, mb, 1200},
		{64 * mb, 32 * mb, 0, 100},
		{64 * mb, 60 * mb, 0, 100},
		{64 * mb, 640 * mb, 0, 100},
	} {
		if got := percent(c.floor, c.live, c.roots); got != c.want {
			t.Errorf("percent(%d, %d, %d) = %d, not %d", c.floor, c.live, c.roots, got, c.want)
		}
	}
}

var garbage, inUse []byte

// A small heap is collected once in a floor's bytes, again and again, and a large one at twice what's in use.
func TestFloor(t *testing.T) {
	t.Setenv("GOGC", "") // restores what the environment had
	if err := os.Unsetenv("GOGC"); err != nil {
		t.Fatal(err)
	}
	const floor, made = 64 << 20, 1 << 30
	collections := func() uint32 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range made / (1 << 10) {
			garbage = make([]byte, 1<<10)
		}
		runtime.ReadMemStats(&after)
		return after.NumGC - before.NumGC
	}
	Floor(floor)
	if n := collections(); n < made/floor/2 || n > made/floor*2 {
		t.Errorf("%d collections while %d MB were made, with a floor of %d MB", n, made>>20, floor>>20)
	}
	inUse = make([]byte, 2*floor)
	defer func() { inUse = nil }()
	if n := collections(); n < made/len32(inUse)/4 || n > made/len32(inUse)*2 {
		t.Errorf("%d collections while %d MB were made, with %d MB in use", n, made>>20, len(inUse)>>20)
	}
}

func len32(b []byte) uint32 { return uint32(len(b)) }

// Who has set GOGC is left alone.
func TestFloorLeavesGOGC(t *testing.T) {
	t.Setenv("GOGC", "50")
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	Floor(1 << 30)
	if got := debug.SetGCPercent(50); got != 50 {
		t.Errorf("GOGC is %d", got)
	}
}
