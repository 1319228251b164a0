package wire_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"bridge/change"
	"bridge/loopguard"
	"bridge/wire"
)

// TestPack: whatever the sizes, the records stay below their limit, hold every operation once and in
// order, and each tells the state after the last complete transaction up to its end.
func TestPack(t *testing.T) {
	const limit = 8 << 10
	rapid.Check(t, func(t *rapid.T) {
		cut := rapid.IntRange(1, limit).Draw(t, "cut")
		start := loopguard.State{Seq: rapid.Uint64Range(0, 1000).Draw(t, "seq")}
		p := wire.NewPacker("c", eu, cut, limit, start, change.Position{Offset: 1})
		clock := loopguard.NewClock(eu, start)
		states := []loopguard.State{start}
		var want []change.Operation
		var records []wire.Packed
		for range rapid.IntRange(1, 8).Draw(t, "transactions") {
			tx := change.Transaction{Tag: clock.Local(0)}
			for last := false; !last; tx.Before += uint32(len(tx.Operations)) {
				last = rapid.Bool().Draw(t, "last")
				if last { // the log tells where a transaction ends with its end
					tx.Position = change.Position{Offset: 5 + tx.Dot.Seq, GTID: "g"}
				}
				tx.Last, tx.Operations = last, nil
				for range rapid.IntRange(0, 6).Draw(t, "operations") {
					r := image("k", strings.Repeat("v", rapid.SampledFrom([]int{1, 100, 3000, 7000}).Draw(t, "size")), nil)
					tx.Operations = append(tx.Operations, change.Operation{Kind: change.Insert, Table: users, Key: key(users, r), New: r})
				}
				want = append(want, tx.Operations...)
				if err := p.Add(&tx, clock.State()); err != nil {
					t.Fatal(err)
				}
			}
			states = append(states, clock.State())
			if rapid.Bool().Draw(t, "take") {
				records = append(records, take(t, p)...)
			}
		}
		checkPacked(t, append(records, take(t, p)...), limit, states, want)
	})
}

func take(t *rapid.T, p *wire.Packer) []wire.Packed {
	records, err := p.Take()
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func checkPacked(t *rapid.T, records []wire.Packed, limit int, states []loopguard.State, want []change.Operation) {
	var got []change.Operation
	at := change.Transaction{Last: true, Tag: change.Tag{Dot: change.Dot{Seq: states[0].Seq}}}
	for _, r := range records {
		if len(r.Record) > limit {
			t.Errorf("record of %d bytes", len(r.Record))
		}
		record, err := wire.Decode(r.Record)
		if err != nil {
			t.Fatal(err)
		}
		if begins := begins(record); !reflect.DeepEqual(begins, r.Begins) || r.Open != (record.Open > 0) ||
			!reflect.DeepEqual(r.State, record.State) || r.Position != record.Position {
			t.Errorf("%+v, but %+v begins in %+v", r, begins, record.Header)
		}
		for _, tx := range record.Transactions {
			end := at.Before + uint32(len(at.Operations))
			next := at.Last && tx.Dot.Seq == at.Dot.Seq+1 && tx.Before == 0
			further := !at.Last && tx.Dot.Seq == at.Dot.Seq && tx.Before == end
			if !next && !further {
				t.Fatalf("%s from operation %d follows %s up to operation %d", tx.Dot, tx.Before, at.Dot, end)
			}
			at = tx
			got = append(got, tx.Operations...)
		}
		i := slices.IndexFunc(states, func(s loopguard.State) bool { return s.Seq == record.State.Seq })
		if i < 0 || !reflect.DeepEqual(record.State, states[i]) {
			t.Errorf("state %+v is none of %+v", record.State, states)
		}
	}
	if !at.Last || at.Dot.Seq != states[len(states)-1].Seq || len(got) != len(want) {
		t.Fatalf("ends at %s (last %t) with %d operations, want %d", at.Dot, at.Last, len(got), len(want))
	}
	for i := range want {
		if diff := differOperation(&got[i], &want[i]); diff != "" {
			t.Fatal(diff)
		}
	}
}

func begins(r *wire.Record) *change.Tag {
	for i := range r.Transactions {
		if r.Transactions[i].Before == 0 {
			return &r.Transactions[i].Tag
		}
	}
	return nil
}

func TestPackRefuses(t *testing.T) {
	huge := image("42", strings.Repeat("v", 5000), nil)
	tx := change.Transaction{
		Tag: change.Tag{Dot: change.Dot{Origin: eu, Seq: 1}}, Last: true,
		Operations: []change.Operation{{Kind: change.Insert, Table: users, Key: key(users, huge), New: huge}},
	}
	err := wire.NewPacker("c", eu, 1000, 4000, loopguard.State{}, change.Position{}).Add(&tx, loopguard.State{Seq: 1})
	if err == nil || !strings.Contains(fmt.Sprint(err), "public.users (42)") || strings.Contains(err.Error(), "vvv") {
		t.Errorf("a row above the limit: %v", err)
	}
	for name, state := range map[string]loopguard.State{"repeated": {Seq: 1}, "gap": {Seq: 7}} {
		if wire.NewPacker("c", eu, 1000, 9000, state, change.Position{}).Add(&tx, state) == nil {
			t.Errorf("%s transaction was taken", name)
		}
	}
}
