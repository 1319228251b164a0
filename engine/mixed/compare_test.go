package mixed

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"bridge/compare"
	"bridge/value"
)

// TestCompareUnderLoad: while all regions write the same rows, exactly those are different that were changed behind
// bridge's back.
func TestCompareUnderLoad(t *testing.T) {
	m := newMesh(t, itemSchema, value.Postgres, value.MySQL, value.MariaDB)
	m.startAll()
	for _, id := range []string{"101", "102", "103", "104"} {
		m.regions[0].exec(t, "INSERT INTO item (id, code, n, price) VALUES ("+id+", 'ü', 1, 2.50)")
	}
	m.settle()
	m.regions[1].exec(t, "SET sql_log_bin = 0; UPDATE artikel SET n = 2 WHERE id = 101")
	m.regions[2].exec(t, "SET sql_log_bin = 0; DELETE FROM artikel WHERE id = 102; INSERT INTO artikel (id, code) VALUES (105, 'only here')")

	var members []compare.Member
	for _, r := range m.regions {
		topic, err := m.topic(r.name)
		if err != nil {
			t.Fatal(err)
		}
		defer topic.Close() //nolint:errcheck // the test is over
		members = append(members, compare.Member{Region: r.compared(), Topic: topic})
	}
	seed := rand.Uint64() % 1e6
	t.Logf("seed %d", seed)
	stop, writers := make(chan struct{}), sync.WaitGroup{}
	for i, r := range m.regions {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		writers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					r.exec(t, statement(r, rng))
				}
			}
		})
	}
	result, err := compare.Run(t.Context(), members, compare.Options{})
	close(stop)
	writers.Wait()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, table := range result.Tables {
		for _, d := range table.Different {
			found = append(found, table.Table+" "+d.Key[0])
		}
		if len(table.Undecided) > 0 || len(table.Definition) > 0 {
			t.Errorf("%s: undecided %+v (%s), definition %q", table.Table, table.Undecided, result.Reason, table.Definition)
		}
	}
	if want := []string{"public.item 101", "public.item 102", "public.item 105"}; !slices.Equal(found, want) {
		t.Errorf("different: %q, want %q", found, want)
	}
}
