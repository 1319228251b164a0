package wire_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"bridge/change"
	"bridge/loopguard"
	"bridge/wire"
)

var (
	users = change.NewTable(change.TableName{Schema: "public", Name: "users"}, []change.Column{
		{Name: "id", Type: "integer", Key: true}, {Name: "name", Type: "text"}, {Name: "note", Type: "text"},
	}, false)
	// Key columns apart from each other, complete old images.
	prices = change.NewTable(change.TableName{Schema: "shop", Name: "Prices"}, []change.Column{
		{Name: "item", Type: "bigint", Key: true}, {Name: "price", Type: "numeric"}, {Name: "zone", Type: "text", Key: true},
	}, true)
	eu = change.NewOrigin("eu", 1)
)

func image(values ...any) change.Image {
	r := make(change.Image, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case string:
			r[i] = change.Text(v)
		case nil:
			r[i] = change.Null
		default:
			r[i] = change.Absent
		}
	}
	return r
}

func key(t *change.Table, r change.Image) change.Key {
	k, err := change.KeyOf(t, r, nil)
	if err != nil {
		panic(err)
	}
	return k
}

const absent = 0

// sample is every kind of operation and image, over two transactions and the first piece of a third.
func sample() ([]change.Transaction, loopguard.State, change.Position) {
	deps := change.NewVector(change.Seen{Origin: "ap/1", Seq: 7}, change.Seen{Origin: "us/2", Seq: 3000})
	one := image("1", "Ann", "")
	big := image(strings.Repeat("9", 200), nil, absent)
	price, dearer := image("5", "1.50", "EU"), image("5", "1.75", "EU")
	normal := change.Key{Table: prices.TableName, Row: "\x015\x02eu"}
	t1 := change.Transaction{
		Tag:      change.Tag{Dot: change.Dot{Origin: eu, Seq: 42}, Time: 1_700_000_000_000_001, Deps: deps},
		Position: change.Position{Offset: 0x1_0000_0010}, CommitTime: 1_700_000_000_000_000, Last: true,
		Operations: []change.Operation{
			{Kind: change.Insert, Table: users, Key: key(users, one), New: one},
			{Kind: change.Update, Table: users, Key: key(users, big), New: big},
			{Kind: change.Delete, Table: users, Key: key(users, one)},
			{Kind: change.Update, Table: prices, Key: key(prices, price), Old: price, New: dearer},
			{Kind: change.Delete, Table: prices, Key: key(prices, price), Old: price},
			{Kind: change.Insert, Table: prices, Key: normal, New: price},
			{Kind: change.Truncate, Table: users, Key: change.Key{Table: users.TableName}},
		},
	}
	t2 := change.Transaction{
		Tag:      change.Tag{Dot: change.Dot{Origin: eu, Seq: 43}, Time: 1_700_000_000_000_002, Deps: deps.With("ap/1", 9)},
		Position: change.Position{Offset: 0x1_0000_0200, GTID: "0-1-5"}, CommitTime: 1_699_999_999_000_000, Last: true,
	}
	t3 := change.Transaction{
		Tag:      change.Tag{Dot: change.Dot{Origin: eu, Seq: 44}, Time: 1_700_000_000_100_000, Deps: deps.With("ap/1", 9)},
		Position: change.Position{Offset: 0x1_0000_0300, GTID: "0-1-6"}, CommitTime: 1_700_000_000_100_000,
		Operations: []change.Operation{{Kind: change.Insert, Table: users, Key: key(users, one), New: one}},
	}
	t3b := t3
	t3b.Before = 1
	t3b.Operations = []change.Operation{{Kind: change.Delete, Table: users, Key: key(users, one)}}
	state := loopguard.State{Seq: 43, Last: t2.Time + 5, Vector: deps.With("jp/1", 1)}
	return []change.Transaction{t1, t2, t3, t3b}, state, t2.Position
}

func build(t testing.TB, cluster string, state loopguard.State, pos change.Position, ts ...change.Transaction) []byte {
	t.Helper()
	b := wire.NewBuilder(cluster, ts[0].Dot.Origin)
	for i := range ts {
		if err := b.Add(&ts[i]); err != nil {
			t.Fatal(err)
		}
	}
	record, err := b.Finish(state, pos)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

func TestRoundTrip(t *testing.T) {
	ts, state, pos := sample()
	record := build(t, "prod", state, pos, ts...)
	d := wire.NewDecoder("prod")
	got, err := d.Decode(record)
	if err != nil {
		t.Fatal(err)
	}
	want := wire.Header{Kind: wire.Data, Cluster: "prod", Origin: eu, State: state, Position: pos, First: 42, Open: 2}
	if !reflect.DeepEqual(got.Header, want) {
		t.Errorf("header\n got %+v\nwant %+v", got.Header, want)
	}
	equalTransactions(t, got.Transactions, ts)
	if peeked, err := wire.Peek(record); err != nil || !reflect.DeepEqual(peeked, want) {
		t.Errorf("Peek: %+v, %v", peeked, err)
	}
	again, err := d.Decode(record)
	if err != nil {
		t.Fatal(err)
	}
	if got.Transactions[0].Operations[0].Table != again.Transactions[0].Operations[0].Table {
		t.Error("one decoder gave two pointers for one table")
	}
}

func equalTransactions(t testing.TB, got, want []change.Transaction) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d transactions, want %d", len(got), len(want))
	}
	for i := range want {
		if diff := differ(&got[i], &want[i]); diff != "" {
			t.Fatalf("transaction %d: %s", i, diff)
		}
	}
}

func differ(got, want *change.Transaction) string {
	g, w := *got, *want
	g.Operations, w.Operations = nil, nil
	if !slices.Equal(g.Deps, w.Deps) {
		return fmt.Sprintf("deps %v, want %v", g.Deps, w.Deps)
	}
	g.Deps, w.Deps = nil, nil
	if !reflect.DeepEqual(g, w) {
		return fmt.Sprintf("%+v, want %+v", g, w)
	}
	if len(got.Operations) != len(want.Operations) {
		return fmt.Sprintf("%d operations, want %d", len(got.Operations), len(want.Operations))
	}
	for i := range want.Operations {
		if diff := differOperation(&got.Operations[i], &want.Operations[i]); diff != "" {
			return fmt.Sprintf("operation %d: %s", i, diff)
		}
	}
	return ""
}

func differOperation(g, w *change.Operation) string {
	switch {
	case g.Kind != w.Kind || g.Key != w.Key:
		return fmt.Sprintf("%s of %q, want %s of %q", g.Kind, g.Key.Row, w.Kind, w.Key.Row)
	case !reflect.DeepEqual(g.Table, w.Table):
		return fmt.Sprintf("table %+v, want %+v", g.Table, w.Table)
	case (g.New == nil) != (w.New == nil) || !slices.Equal(g.New, w.New):
		return fmt.Sprintf("new %v, want %v", g.New, w.New)
	case (g.Old == nil) != (w.Old == nil) || !slices.Equal(g.Old, w.Old):
		return fmt.Sprintf("old %v, want %v", g.Old, w.Old)
	}
	return ""
}

func TestHeartbeat(t *testing.T) {
	_, state, pos := sample()
	got, err := wire.Decode(wire.Heartbeat("prod", eu, state, pos, 1_700_000_000_000_000))
	if err != nil {
		t.Fatal(err)
	}
	want := wire.Header{Kind: wire.HeartbeatMessage, Cluster: "prod", Origin: eu, State: state, Position: pos, Wall: 1_700_000_000_000_000}
	if !reflect.DeepEqual(got.Header, want) || got.Transactions != nil {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// TestGolden freezes version 1: bytes that were written once must be read forever, and the same
// input must give the same bytes.
func TestGolden(t *testing.T) {
	ts, state, pos := sample()
	for name, record := range map[string][]byte{
		"data":      build(t, "prod", state, pos, ts...),
		"heartbeat": wire.Heartbeat("prod", eu, state, pos, 1_700_000_000_000_000),
	} {
		path := filepath.Join("testdata", "v1-"+name+".hex")
		got := hex.Dump(record)
		if os.Getenv("UPDATE_GOLDEN") != "" {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s: version 1 of the format changed; bump the version instead\n%s", path, got)
		}
	}
}

func TestRefused(t *testing.T) {
	ts, state, pos := sample()
	good := build(t, "prod", state, pos, ts...)
	body := len("brg") + 2 + len("\x04prod") + len("\x04eu/1") // where the extensions are
	edit := func(at int, with ...byte) []byte {
		return slices.Concat(good[:at], with, good[at+1:])
	}
	for _, c := range []struct {
		name   string
		record []byte
		want   error
	}{
		{"empty", nil, wire.ErrCorrupt},
		{"text", []byte("hello, world"), wire.ErrCorrupt},
		{"version", edit(3, 2), wire.ErrNewer},
		{"kind", edit(4, 3), wire.ErrNewer},
		{"known extension", edit(body, 1, 1, 0), wire.ErrNewer},
		{"extensions out of order", edit(body, 2, 70, 0, 70, 0), wire.ErrCorrupt},
		{"cut", good[:len(good)-1], wire.ErrCorrupt},
		{"longer", append(slices.Clone(good), 0), wire.ErrCorrupt},
		{"cluster", wire.Heartbeat("test", eu, state, pos, 0), wire.ErrCluster},
		{"origin", wire.Heartbeat("prod", "eu", state, pos, 0), wire.ErrCorrupt},
	} {
		if _, err := wire.NewDecoder("prod").Decode(c.record); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := wire.Decode(edit(body, 1, 64, 3, 'a', 'b', 'c')); err != nil {
		t.Errorf("an extension that may be passed over: %v", err)
	}
	for i := range good {
		if _, err := wire.Decode(good[:i]); err == nil {
			t.Errorf("record cut at %d of %d was taken", i, len(good))
		}
	}
}

// TestRefusedPieces: places in a transaction that can't be, made by changing a record of one transaction without
// operations. The last bytes of such a record are before, open, tables, transactions, operations and values, each
// a byte, then the transaction: flags, time, commit time, position, operations.
func TestRefusedPieces(t *testing.T) {
	tx := change.Transaction{Tag: change.Tag{Dot: change.Dot{Origin: eu, Seq: 1}}, Last: true}
	good := build(t, "c", loopguard.State{Seq: 1}, change.Position{}, tx)
	n := len(good)
	before, open, flags := n-11, n-10, n-5
	most := binary.AppendUvarint(nil, math.MaxUint32)
	tooMuch := binary.AppendUvarint(nil, math.MaxUint32+1)
	edit := func(at int, with ...byte) []byte { return slices.Concat(good[:at], with, good[at+1:]) }
	for _, c := range []struct {
		name   string
		record []byte
		want   string
	}{
		{"an empty piece that isn't the last", edit(flags, 0), "piece without operations"},
		{"a place too large", edit(before, tooMuch...), "place in a transaction too large"},
		{"an end too large", edit(open, tooMuch...), "place in a transaction too large"},
		{"open, though it ends with the whole", edit(open, 1), "state doesn't match"},
	} {
		if _, err := wire.Decode(c.record); !errors.Is(err, wire.ErrCorrupt) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	rec, err := wire.Decode(edit(before, most...))
	if err != nil || rec.Before != math.MaxUint32 || rec.Transactions[0].Before != math.MaxUint32 {
		t.Errorf("the last place that there is: %+v, %v", rec, err)
	}
	one := image("1", "Ann", "x")
	tx.Operations = []change.Operation{{Kind: change.Insert, Table: users, Key: key(users, one), New: one}}
	tx.Before = math.MaxUint32 - 1
	full := build(t, "c", loopguard.State{Seq: 1}, change.Position{}, tx)
	at := bytes.Index(full, binary.AppendUvarint(nil, math.MaxUint32-1))
	if _, err := wire.Decode(full); err != nil || at < 0 {
		t.Fatalf("%v, place at %d", err, at)
	}
	if _, err := wire.Decode(slices.Concat(full[:at], most, full[at+len(most):])); err == nil || !strings.Contains(err.Error(), "more than a transaction may have") {
		t.Errorf("more operations than a transaction may have: %v", err)
	}
}

// TestTableEngine: a table's definition says which engine logged it, and a reader refuses what it can't mean.
func TestTableEngine(t *testing.T) {
	one := image("1", "Ann", "x")
	table := users.On("mariadb")
	tx := change.Transaction{Tag: change.Tag{Dot: change.Dot{Origin: eu, Seq: 1}}, Last: true,
		Operations: []change.Operation{{Kind: change.Insert, Table: table, Key: key(table, one), New: one}}}
	good := build(t, "c", loopguard.State{Seq: 1}, change.Position{}, tx)
	rec, err := wire.Decode(good)
	if err != nil || !reflect.DeepEqual(rec.Transactions[0].Operations[0].Table, table) {
		t.Fatalf("%v, %+v", err, rec)
	}
	at := bytes.Index(good, []byte("\x02\x07mariadb"))
	for _, c := range []struct {
		name   string
		record []byte
		want   error
	}{
		{"an empty engine", slices.Concat(good[:at], []byte{2, 0}, good[at+9:]), wire.ErrCorrupt},
		{"an unknown flag", slices.Concat(good[:at], []byte{4}, good[at+9:]), wire.ErrNewer},
		{"an engine cut short", good[:at+5], wire.ErrCorrupt},
	} {
		if _, err := wire.Decode(c.record); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func TestBuilderRefuses(t *testing.T) {
	one := image("1", "Ann", "x")
	insert := change.Operation{Kind: change.Insert, Table: users, Key: key(users, one), New: one}
	with := func(f func(*change.Operation)) change.Operation { op := insert; f(&op); return op }
	for name, op := range map[string]change.Operation{
		"no table":      with(func(o *change.Operation) { o.Table = nil }),
		"no kind":       with(func(o *change.Operation) { o.Kind = 0 }),
		"no image":      with(func(o *change.Operation) { o.New = nil }),
		"short image":   with(func(o *change.Operation) { o.New = one[:2] }),
		"old of insert": with(func(o *change.Operation) { o.Old = one }),
		"new of delete": with(func(o *change.Operation) { o.Kind = change.Delete }),
		"no key":        with(func(o *change.Operation) { o.Key.Row = "" }),
		"other's key":   with(func(o *change.Operation) { o.Key.Table = prices.TableName }),
	} {
		b := wire.NewBuilder("c", eu)
		err := b.Add(&change.Transaction{Tag: change.Tag{Dot: change.Dot{Origin: eu, Seq: 1}}, Last: true, Operations: []change.Operation{op}})
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	piece := func(o change.Origin, seq uint64, before uint32, last bool) change.Transaction {
		return change.Transaction{Tag: change.Tag{Dot: change.Dot{Origin: o, Seq: seq}}, Before: before, Last: last, Operations: []change.Operation{insert}}
	}
	empty := piece(eu, 1, 0, false)
	empty.Operations = nil
	for name, ts := range map[string][]change.Transaction{
		"other origin": {piece("us/1", 1, 0, true)},
		"seq 0":        {piece(eu, 0, 0, true)},
		"gap":          {piece(eu, 1, 0, true), piece(eu, 3, 0, true)},
		"repeat":       {piece(eu, 1, 0, true), piece(eu, 1, 0, true)},
		"piece gap":    {piece(eu, 1, 0, false), piece(eu, 1, 2, true)},
		"unfinished":   {piece(eu, 1, 0, false), piece(eu, 2, 0, true)},
		"late start":   {piece(eu, 1, 0, true), piece(eu, 2, 1, true)},
		"overlap":      {piece(eu, 1, 3, false), piece(eu, 1, 3, true)},
		"empty piece":  {empty},
		"too many":     {piece(eu, 1, math.MaxUint32, true)},
	} {
		b := wire.NewBuilder("c", eu)
		var err error
		for i := range ts {
			if err = b.Add(&ts[i]); err != nil {
				break
			}
		}
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	b := wire.NewBuilder("c", eu)
	open := piece(eu, 5, 0, false)
	if err := b.Add(&open); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Finish(loopguard.State{Seq: 5}, change.Position{}); err == nil {
		t.Error("a state inside an unfinished transaction was taken")
	}
}
