package sim

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
)

// base is the seed of the first schedule.
const base = 1_000_000

// TestSchedules plays many schedules of the shipped core: a fixed range of seeds, and a slice that is
// different in every run. BRIDGE_SIM_SCHEDULES sets how many.
func TestSchedules(t *testing.T) {
	n := 20_000
	if testing.Short() {
		n = 2_000
	}
	if s := os.Getenv("BRIDGE_SIM_SCHEDULES"); s != "" {
		v, err := strconv.Atoi(s)
		if err != nil || v <= 0 {
			t.Fatalf("BRIDGE_SIM_SCHEDULES=%q is not a number of schedules", s)
		}
		n = v
	}
	t.Run("fixed", func(t *testing.T) { playAll(t, base, n) })
	t.Run("random", func(t *testing.T) { playAll(t, rand.Uint64N(1<<40), n/10+1) })
}

// playAll plays n schedules on all cores.
func playAll(t *testing.T, from uint64, n int) {
	t.Logf("base seed %d", from)
	var mu sync.Mutex
	var total Stats
	failed := 0
	var wg sync.WaitGroup
	workers := uint64(runtime.GOMAXPROCS(0))
	for k := range workers {
		wg.Go(func() {
			for seed := from + k; seed < from+uint64(n); seed += workers {
				stats, violation := Run(seed, NoFault, nil)
				mu.Lock()
				total.Add(stats)
				if violation != nil {
					failed++
					if failed <= 3 || os.Getenv("BRIDGE_SIM_ALL") != "" {
						t.Errorf("%v\nreplay it: BRIDGE_SIM_SEED=%d go test ./internal/sim -run TestReplay -v", violation, seed)
					}
				}
				stop := failed >= 3 && os.Getenv("BRIDGE_SIM_ALL") == ""
				mu.Unlock()
				if stop {
					return
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d schedules from seed %d: %+v, %d failed", n, from, total, failed)
}

// TestReplay plays one schedule with its trace: BRIDGE_SIM_SEED is the seed, BRIDGE_SIM_FAULT, if it's set,
// what to leave out.
func TestReplay(t *testing.T) {
	s := os.Getenv("BRIDGE_SIM_SEED")
	if s == "" {
		s = fmt.Sprint(base)
	}
	seed, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	_, violation := Run(seed, Fault(os.Getenv("BRIDGE_SIM_FAULT")), func(line string) {
		if testing.Verbose() {
			fmt.Println(line)
		}
	})
	if violation != nil {
		t.Error(violation)
	}
}
