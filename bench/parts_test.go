package main

import (
	"encoding/json"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, tc := range []struct {
		in   samples
		want float64
	}{{nil, 0}, {samples{3}, 3}, {samples{9, 1}, 5}, {samples{9, 1, 2}, 2}, {samples{4, 1, 2, 9}, 3}} {
		if got := tc.in.Median(); got != tc.want {
			t.Errorf("median of %v is %v, want %v", tc.in, got, tc.want)
		}
	}
}

func TestPercentileIsTheNearestRank(t *testing.T) {
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration(100-i)*time.Millisecond)
	}
	for percent, want := range map[int]float64{1: 1, 50: 50, 99: 99, 100: 100} {
		if got := percentile(hundred, percent); got != want {
			t.Errorf("percentile %d is %v, want %v", percent, got, want)
		}
	}
	if got := percentile([]time.Duration{7 * time.Millisecond}, 50); got != 7 {
		t.Errorf("percentile of one value is %v", got)
	}
}

func TestParseStat(t *testing.T) {
	s, err := parseStat([]byte("42 (a (b) c) S 7 1 1 0 -1 4194560 1 2 3 4 100 20 3000 400 20 0 1 0 5\n"))
	want := stat{42, 7, 1200 * time.Millisecond, 34 * time.Second}
	if err != nil || s != want {
		t.Errorf("got %+v, %v; want %+v", s, err, want)
	}
	for _, bad := range []string{"", "42", "42 (a) S 7", "x (a) S 7 1 1 0 -1 4194560 1 2 3 4 100 20 3000 400", ")("} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a stat file", bad)
		}
	}
}

func TestResultsHaveTheAgreedFields(t *testing.T) {
	text, err := json.Marshal(newResult("n", "u", samples{3}, "p", samples{2}, atLeastRatio(1)))
	if want := `{"name":"n","bridge":3,"peer":2,"peer_name":"p","ratio":1.5,"unit":"u"}`; err != nil || string(text) != want {
		t.Errorf("got %s, %v; want %s", text, err, want)
	}
}

func TestBars(t *testing.T) {
	reached := newResult("n", "u", samples{3}, "p", samples{2}, atLeastRatio(1.5))
	missed := newResult("n", "ms", samples{1.5}, "p", samples{2}, below(1.5, "ms"))
	if !reached.bar.met(&reached) || missed.bar.met(&missed) {
		t.Errorf("verdicts %q and %q", reached.verdict(), missed.verdict())
	}
}

func TestWants(t *testing.T) {
	m := &meter{parts: []string{"a", "b"}}
	for part, want := range map[string]bool{"a1": true, "a3": true, "b": true, "c": false} {
		if m.wants(part) != want {
			t.Errorf("-only a,b wants %s: %v", part, !want)
		}
	}
	m.parts = []string{"m2c"}
	if !m.wantsAny("m") || m.wantsAny("b") || m.wants("m2") {
		t.Error("-only m2c isn't one of the parts m")
	}
	if m.parts = nil; !m.wants("d") || !m.wantsAny("m") {
		t.Error("by default something isn't wanted")
	}
}
