package wire_test

import (
	"strconv"
	"testing"

	"bridge/change"
	"bridge/loopguard"
	"bridge/wire"
)

// small is transactions of one update each of a row like pgbench's accounts.
func small(n int) ([]change.Transaction, loopguard.State) {
	accounts := change.NewTable(change.TableName{Schema: "public", Name: "pgbench_accounts"}, []change.Column{
		{Name: "aid", Type: "integer", Key: true}, {Name: "bid", Type: "integer"}, {Name: "abalance", Type: "integer"}, {Name: "filler", Type: "character"},
	}, false)
	deps := change.NewVector(change.Seen{Origin: "ap/1", Seq: 1}, change.Seen{Origin: "us/1", Seq: 1})
	ts := make([]change.Transaction, n)
	for i := range ts {
		if i%3 == 0 {
			deps = deps.With("ap/1", uint64(i+2))
		}
		r := image(strconv.Itoa(i*7919%100_000), "1", strconv.Itoa(-i), "                                                        ")
		at := change.Timestamp(1_700_000_000_000_000 + i*100)
		ts[i] = change.Transaction{
			Tag:      change.Tag{Dot: change.Dot{Origin: eu, Seq: uint64(i + 1)}, Time: at, Deps: deps},
			Position: change.Position{Offset: uint64(1<<32 + i*200)}, CommitTime: at, Last: true,
			Operations: []change.Operation{{Kind: change.Update, Table: accounts, Key: key(accounts, r), New: r}},
		}
	}
	return ts, loopguard.State{Seq: uint64(n), Last: ts[n-1].Time, Vector: deps}
}

const batch = 1000

func BenchmarkEncode(b *testing.B) {
	ts, state := small(batch)
	builder := wire.NewBuilder("prod", eu)
	b.ReportAllocs()
	for b.Loop() {
		builder.Reset()
		for i := range ts {
			if err := builder.Add(&ts[i]); err != nil {
				b.Fatal(err)
			}
		}
		record, err := builder.Finish(state, ts[batch-1].Position)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(record)))
	}
	b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "ops/s")
}

func BenchmarkDecode(b *testing.B) {
	ts, state := small(batch)
	record := build(b, "prod", state, ts[batch-1].Position, ts...)
	d := wire.NewDecoder("prod")
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Decode(record); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "ops/s")
}

func BenchmarkPeek(b *testing.B) {
	ts, state := small(batch)
	record := build(b, "prod", state, ts[batch-1].Position, ts...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.Peek(record); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPack(b *testing.B) {
	ts, state := small(batch)
	after := state
	b.ReportAllocs()
	for b.Loop() {
		p := wire.NewPacker("prod", eu, wire.DefaultCut, 1<<20, loopguard.State{}, change.Position{})
		for i := range ts {
			after.Seq = ts[i].Dot.Seq
			if err := p.Add(&ts[i], after); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := p.Take(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "ops/s")
}
