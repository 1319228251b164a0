package compare

import (
	"context"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"bridge/change"
	"bridge/stream"
)

func differing(t *TableResult) []string {
	var keys []string
	for _, d := range t.Different {
		keys = append(keys, d.Key[0])
	}
	return slices.Sorted(slices.Values(keys))
}

// While regions are written to, whatever happens between two calls, exactly the damaged rows are different. The
// seeds don't fix the order of the goroutines that look at several regions at once.
func TestOnlyDamageIsDifferent(t *testing.T) {
	for seed := range uint64(150) {
		w := newWorld(seed, 2+int(seed%3), 300)
		w.unversioned = seed%2 == 1
		w.stir(int(seed) * 2)
		want := w.damage()
		r, err := Run(t.Context(), w.members(), Options{Timeout: time.Minute})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if got := differing(r.Tables[0]); !slices.Equal(got, want) || len(r.Tables[0].Undecided) > 0 {
			t.Errorf("seed %d: different %v, undecided %v (%s), want %v", seed, got, r.Tables[0].Undecided, r.Reason, want)
		}
		if (r.Verdict == Equal) != (len(want) == 0) {
			t.Errorf("seed %d: verdict %s", seed, r.Verdict)
		}
	}
}

// The ablation: taken for regions at rest, the same regions would be found different.
func TestWithoutWaitingRowsOnTheirWayAreDifferent(t *testing.T) {
	for seed := range uint64(150) {
		w := newWorld(seed, 3, 300)
		w.stir(int(seed) * 2)
		r, err := Run(t.Context(), w.members(), Options{AtRest: true})
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict == Different {
			return
		}
	}
	t.Error("no row was on its way in any schedule: the other test proves nothing")
}

// A region whose bridge doesn't run leaves differences undecided, and is named.
func TestAStoppedBridgeLeavesRowsUndecided(t *testing.T) {
	w := newWorld(1, 3, 0)
	w.regions[1].set("9", "only here")
	members := w.members()
	members[2].Topic = stoppedTopic{members[2].Topic}
	r, err := Run(t.Context(), members, Options{Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != Undecided || !strings.Contains(r.Reason, "region c has published") || len(r.Tables[0].Undecided) != 1 {
		t.Errorf("%+v, table %+v", r, r.Tables[0])
	}
	want := Difference{Key: []string{"9"}, Groups: [][]string{{"b"}}, Missing: []string{"a", "c"}}
	if got := r.Tables[0].Undecided[0]; !slices.Equal(got.Missing, want.Missing) || !slices.Equal(got.Groups[0], want.Groups[0]) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// stoppedTopic never gets another record.
type stoppedTopic struct{ stream.Log }

func (stoppedTopic) Bounds(context.Context) (oldest, next int64, err error) { return 0, 0, nil }

func (stoppedTopic) Read(ctx context.Context, _ int64) ([]stream.Record, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func TestMoreSuspectsThanAreKept(t *testing.T) {
	w := newWorld(1, 2, 0)
	for _, key := range []string{"10", "11", "12", "13"} {
		w.regions[0].set(key, "x")
	}
	r, err := Run(t.Context(), w.members(), Options{AtRest: true, Keep: 3})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Tables[0]; len(got.Different) != 3 || !got.AtLeast || got.Rows["a"] != 4 || got.Rows["b"] != 0 {
		t.Errorf("%+v", got)
	}
}

func TestTheTimeBoundsTheRoundsNotTheScan(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(context.Canceled)
	if _, err := Run(ctx, newWorld(1, 2, 0).members(), Options{}); err == nil {
		t.Error("a cancelled comparison gave a result")
	}
}

func TestNumbersAreOrderedAsNumbers(t *testing.T) {
	number := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1000, 1000))
	rapid.Check(t, func(t *rapid.T) {
		a, b := big.NewInt(number.Draw(t, "a")), big.NewInt(number.Draw(t, "b"))
		c := compareTexts(a.String(), b.String(), true)
		if want := a.Cmp(b); (c < 0) != (want < 0) || (c > 0) != (want > 0) {
			t.Fatalf("%s and %s: %d, want %d", a, b, c, want)
		}
	})
}

func TestDefinitions(t *testing.T) {
	name := change.TableName{Schema: "public", Name: "t"}
	table := func(key []string, columns ...Column) *Table {
		return &Table{TableName: name, Columns: columns, Key: key}
	}
	id := Column{Name: "id", Type: "integer", NotNull: true, Number: true}
	note := Column{Name: "note", Type: "text"}
	same := table([]string{"id"}, id, note)
	for _, tc := range []struct {
		name       string
		us         *Table
		want       []string
		comparable bool
	}{
		{"equal", same, nil, true},
		{"missing", nil, []string{"is missing in us"}, false},
		{"column missing", table([]string{"id"}, id), []string{`column "note": missing in us; text in eu`}, true},
		{"type", table([]string{"id"}, id, Column{Name: "note", Type: "character varying(10)"}),
			[]string{`column "note": character varying(10) in us; text in eu`}, true},
		{"nullable", table([]string{"id"}, id, Column{Name: "note", Type: "text", NotNull: true}),
			[]string{`column "note": text in eu; text NOT NULL in us`}, true},
		{"key", table([]string{"id", "note"}, id, note), []string{`key (id) in eu; key (id, note) in us`}, false},
		{"no key", table(nil, id, note), []string{`key (id) in eu; no key in us`}, false},
		{"order of keys", table([]string{"id"}, Column{Name: "id", Type: "text", NotNull: true}, note),
			[]string{`column "id": integer NOT NULL in eu; text NOT NULL in us`}, false},
	} {
		d := definitions{"eu": same}
		if tc.us != nil {
			d["us"] = tc.us
		}
		if got := d.differences([]string{"eu", "us"}); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
		if s := d.selection(name, []string{"eu", "us"}); (s != nil) != tc.comparable {
			t.Errorf("%s: selection %+v", tc.name, s)
		}
	}
	keyless := definitions{"eu": table(nil, id), "us": table(nil, id)}
	if got := keyless.differences([]string{"eu", "us"}); len(got) != 1 {
		t.Errorf("a table without a key: %q", got)
	}
}
