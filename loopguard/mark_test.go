package loopguard

import (
	"strconv"
	"strings"
	"testing"

	"bridge/change"

	"pgregory.net/rapid"
)

func TestParseMarker(t *testing.T) {
	good := []string{"eu/1", "3", "42", "1700000000000000", "17"}
	want := Marker{"eu/1", 3, 42, 1700000000000000, 17}
	m, err := ParseMarker(good[0], good[1], good[2], good[3], good[4])
	if err != nil || m != want {
		t.Fatalf("got %+v, %v", m, err)
	}
	if len(MarkerColumns) != len(good) {
		t.Fatal("a marker's columns and ParseMarker's arguments differ")
	}
	for i, bad := range []string{"eu", "x", "-1", "1.5", ""} {
		f := append([]string(nil), good...)
		f[i] = bad
		if m, err := ParseMarker(f[0], f[1], f[2], f[3], f[4]); err == nil {
			t.Errorf("column %s = %q was taken as %+v", MarkerColumns[i], bad, m)
		}
	}
	if _, err := ParseMarker("eu/1", "0", "9223372036854775808", "0", "0"); err == nil {
		t.Error("a seq that bigint can't hold was taken")
	}
}

func TestMarkerRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Marker{"b/2", rapid.IntRange(0, 99).Draw(t, "worker"), rapid.Uint64Range(0, 1<<63-1).Draw(t, "seq"),
			change.Timestamp(rapid.Int64().Draw(t, "time")), rapid.Int64().Draw(t, "offset")}
		got, err := ParseMarker(string(m.Origin), strconv.Itoa(m.Worker), strconv.FormatUint(m.Seq, 10),
			strconv.FormatInt(int64(m.Time), 10), strconv.FormatInt(m.Offset, 10))
		if err != nil || got != m {
			t.Fatalf("%+v came back as %+v, %v", m, got, err)
		}
	})
}

func TestBarrierRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := Barrier{
			Run:   rapid.StringMatching(`[0-9a-f]{1,32}`).Draw(t, "run"),
			Token: rapid.Uint64().Draw(t, "token"),
			Floor: change.Timestamp(rapid.Int64().Draw(t, "floor")),
		}
		if got, err := ParseBarrier(b.String()); err != nil || got != b {
			t.Fatalf("%+v came back as %+v, %v", b, got, err)
		}
	})
}

func FuzzParseBarrier(f *testing.F) {
	f.Add("barrier 1 r 2 3")
	f.Add("barrier 2 r 2 3")
	f.Add("barrier 1 r 2 3 4")
	f.Add("heartbeat")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := ParseBarrier(s)
		if err != nil {
			return
		}
		if !strings.HasPrefix(s, "barrier") && strings.TrimSpace(s) == s {
			t.Errorf("%q was taken as %+v", s, b)
		}
		if again, err := ParseBarrier(b.String()); err != nil || again != b {
			t.Errorf("%q is %+v, then %+v, %v", s, b, again, err)
		}
	})
}
