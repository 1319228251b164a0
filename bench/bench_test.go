package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestQuick runs every part in its smallest size, against real servers, so that the benchmark doesn't rot; of the parts
// m1 and m2, one of each. Its figures say nothing; that all contestants deliver equal tables is checked by the benchmark
// itself.
func TestQuick(t *testing.T) {
	results := append(quickly(t, "a,b,c,d,e,m1b,m2c,m3,m4", "embedded"), quickly(t, "a1", "kafka")...)
	seen := map[byte]int{}
	for _, r := range results {
		seen[r.Name[0]]++
		if r.Bridge < 0 || r.Name == "" || r.PeerName == "" || r.Unit == "" {
			t.Errorf("half a result: %+v", r)
		}
	}
	for _, part := range "abcdem" {
		if seen[byte(part)] == 0 {
			t.Errorf("part %c has no results", part)
		}
	}
}

// quickly runs parts with a broker.
func quickly(t *testing.T, parts, broker string) (results []result) {
	o := options{only: parts, quick: true, runs: 1, brokers: broker, out: filepath.Join(t.TempDir(), "results.json")}
	if err := bench(t.Context(), o, t.Output(), t.Output()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(o.out)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &results); err != nil {
		t.Fatal(err)
	}
	return results
}
