package wire_test

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"bridge/change"
	"bridge/loopguard"
	"bridge/wire"
)

var (
	text    = rapid.OneOf(rapid.String(), rapid.StringN(120, 300, -1), rapid.Just(""))
	origins = rapid.SampledFrom([]change.Origin{"ap/1", "jp/12", "us/1", "us/2", "za/1"})
)

func drawTable(t *rapid.T) *change.Table {
	columns := make([]change.Column, rapid.IntRange(1, 9).Draw(t, "columns"))
	for i := range columns {
		columns[i] = change.Column{Name: fmt.Sprintf("c%d", i), Type: text.Draw(t, "type"), Key: rapid.Bool().Draw(t, "key")}
	}
	columns[rapid.IntRange(0, len(columns)-1).Draw(t, "a key")].Key = true
	return change.NewTable(change.TableName{Schema: text.Draw(t, "schema"), Name: text.Draw(t, "table")}, columns, rapid.Bool().Draw(t, "full")).
		On(rapid.SampledFrom([]string{"", "postgres", "mysql", "x"}).Draw(t, "engine"))
}

func drawImage(t *rapid.T, table *change.Table, like change.Image) change.Image {
	r := make(change.Image, len(table.Columns))
	for i := range r {
		switch state := rapid.IntRange(0, 5).Draw(t, "state"); {
		case state == 0 && !table.Columns[i].Key:
			r[i] = change.Absent
		case state == 1 && !table.Columns[i].Key:
			r[i] = change.Null
		case state < 4 && like != nil:
			r[i] = like[i]
		default:
			r[i] = change.Text(text.Draw(t, "value"))
		}
	}
	return r
}

func drawOperation(t *rapid.T, table *change.Table) change.Operation {
	op := change.Operation{Kind: change.Kind(rapid.IntRange(1, 4).Draw(t, "kind")), Table: table, Key: change.Key{Table: table.TableName}}
	if op.Kind == change.Truncate {
		return op
	}
	base := drawImage(t, table, nil)
	if op.Kind != change.Delete {
		op.New = base
	}
	if op.Kind != change.Insert && rapid.Bool().Draw(t, "has old") {
		op.Old = drawImage(t, table, op.New)
	}
	if op.Kind == change.Delete && op.Old != nil {
		base = op.Old
	}
	normalize := make([]change.Normalize, len(table.Columns))
	if rapid.Bool().Draw(t, "normalized") {
		for i := range normalize {
			normalize[i] = func(s string) string { return "n" + s }
		}
	}
	k, err := change.KeyOf(table, base, normalize)
	if err != nil {
		t.Fatal(err)
	}
	op.Key = k
	return op
}

func drawTransactions(t *rapid.T) []change.Transaction {
	tables := rapid.SliceOfN(rapid.Custom(drawTable), 1, 3).Draw(t, "tables")
	ts := make([]change.Transaction, rapid.IntRange(1, 6).Draw(t, "transactions"))
	for i := range ts {
		tx := &ts[i]
		tx.Last = rapid.Bool().Draw(t, "last")
		if i > 0 && !ts[i-1].Last {
			tx.Tag, tx.Position, tx.CommitTime = ts[i-1].Tag, ts[i-1].Position, ts[i-1].CommitTime
			tx.Before = ts[i-1].Before + uint32(len(ts[i-1].Operations))
		} else {
			drawTag(t, tx)
			if i > 0 {
				tx.Dot.Seq, tx.Before = ts[i-1].Dot.Seq+1, 0
			}
		}
		least := 0
		if !tx.Last {
			least = 1
		}
		for range rapid.IntRange(least, 5).Draw(t, "operations") {
			tx.Operations = append(tx.Operations, drawOperation(t, rapid.SampledFrom(tables).Draw(t, "of")))
		}
	}
	return ts
}

func drawTag(t *rapid.T, tx *change.Transaction) {
	tx.Dot = change.Dot{Origin: eu, Seq: rapid.Uint64Range(1, 1<<63).Draw(t, "seq")}
	tx.Before = rapid.Uint32Range(0, 1<<31).Draw(t, "before")
	tx.Time = change.Timestamp(rapid.Int64().Draw(t, "time"))
	tx.CommitTime = change.Timestamp(rapid.Int64().Draw(t, "commit"))
	tx.Deps = drawVector(t)
	tx.Position = change.Position{Offset: rapid.Uint64().Draw(t, "offset"), GTID: text.Draw(t, "gtid")}
}

func drawVector(t *rapid.T) change.Vector {
	var v change.Vector
	for range rapid.IntRange(0, 4).Draw(t, "vector") {
		v = v.With(origins.Draw(t, "origin"), rapid.Uint64Range(1, 1<<63).Draw(t, "seen"))
	}
	return v
}

func stateAfter(ts []change.Transaction) uint64 {
	last := &ts[len(ts)-1]
	if last.Last {
		return last.Dot.Seq
	}
	return last.Dot.Seq - 1
}

// TestAnyRoundTrip: what a Builder takes comes back as it was, is no larger than foretold, and gives
// the same bytes when a used Builder writes what was read.
func TestAnyRoundTrip(t *testing.T) {
	b := wire.NewBuilder("c", eu)
	d := wire.NewDecoder("c")
	rapid.Check(t, func(t *rapid.T) {
		ts := drawTransactions(t)
		state := loopguard.State{Seq: stateAfter(ts), Last: change.Timestamp(rapid.Int64().Draw(t, "last")), Vector: ts[0].Deps}
		pos := ts[len(ts)-1].Position
		record, size := write(t, b, ts, state, pos)
		if len(record) > size {
			t.Errorf("record of %d bytes, Size said %d", len(record), size)
		}
		got, err := d.Decode(record)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.State, state) || got.Position != pos {
			t.Errorf("state %+v at %+v, want %+v at %+v", got.State, got.Position, state, pos)
		}
		if len(got.Transactions) != len(ts) {
			t.Fatalf("%d transactions, want %d", len(got.Transactions), len(ts))
		}
		for i := range ts {
			if diff := differ(&got.Transactions[i], &ts[i]); diff != "" {
				t.Fatalf("transaction %d: %s", i, diff)
			}
		}
		if again, _ := write(t, b, got.Transactions, got.State, got.Position); !bytes.Equal(again, record) {
			t.Error("the same transactions gave other bytes")
		}
	})
}

func write(t *rapid.T, b *wire.Builder, ts []change.Transaction, state loopguard.State, pos change.Position) (record []byte, size int) {
	b.Reset()
	for i := range ts {
		if err := b.Add(&ts[i]); err != nil {
			t.Fatal(err)
		}
	}
	record, err := b.Finish(state, pos)
	if err != nil {
		t.Fatal(err)
	}
	return record, b.Size()
}

// FuzzDecode: no bytes make the decoder panic or allocate out of proportion, and what it takes can be
// written again and reads the same.
func FuzzDecode(f *testing.F) {
	ts, state, pos := sample()
	f.Add(build(f, "prod", state, pos, ts...))
	f.Add(wire.Heartbeat("prod", eu, state, pos, 1))
	f.Fuzz(func(t *testing.T, record []byte) {
		got, err := wire.Decode(record)
		if err != nil || got.Kind != wire.Data {
			return
		}
		b := wire.NewBuilder(got.Cluster, got.Origin)
		for i := range got.Transactions {
			if err := b.Add(&got.Transactions[i]); err != nil {
				t.Fatalf("decoded, but can't be encoded: %v", err)
			}
		}
		again, err := b.Finish(got.State, got.Position)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := wire.Decode(again)
		if err != nil {
			t.Fatal(err)
		}
		equalTransactions(t, twice.Transactions, got.Transactions)
	})
}
