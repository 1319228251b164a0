package capture

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"bridge/change"
	"bridge/loopguard"
	"bridge/stream"
	"bridge/wire"
)

const self = change.Origin("eu/1")

var rows = change.NewTable(change.TableName{Schema: "public", Name: "rows"},
	[]change.Column{{Name: "id", Type: "integer", Key: true}, {Name: "v", Type: "text"}}, false)

func insert(t interface{ Fatal(...any) }, size int) change.Operation {
	row := change.Image{change.Text("1"), change.Text(strings.Repeat("v", size))}
	key, err := change.KeyOf(rows, row, make([]change.Normalize, 2))
	if err != nil {
		t.Fatal(err)
	}
	return change.Operation{Kind: change.Insert, Table: rows, Key: key, New: row}
}

// topic is a stream.Log that keeps what's appended.
type topic struct {
	stream.Log // for the methods that a publisher doesn't call
	records    [][]byte
	lost       int64 // offsets are lower by this
}

func (l *topic) Append(_ context.Context, records [][]byte) (int64, error) {
	at := int64(len(l.records)) - l.lost
	l.records = append(l.records, records...)
	return at, nil
}
func (l *topic) Name() string { return "test.eu" }

// region is a publisher with its clock and log.
type region struct {
	*publisher
	topic    *topic
	clock    *loopguard.Clock
	now      time.Time
	at       change.Position
	confirms []uint64
}

func newRegion(limits Limits) *region {
	r := &region{topic: &topic{}, now: time.Unix(1000, 0), at: change.Position{Offset: 1}}
	r.clock = loopguard.NewClock(self, loopguard.State{})
	limits = limits.WithDefaults()
	r.publisher = &publisher{
		log: r.topic, limits: limits, now: func() time.Time { return r.now }, report: &Report{},
		confirm:   func(p change.Position) { r.confirms = append(r.confirms, p.Offset) },
		began:     func(*change.Tag, int64) {},
		packer:    wire.NewPacker("c", self, limits.Record, limits.Message, r.clock.State(), r.at),
		published: tail{r.clock.State(), r.at}, room: make(chan struct{}, 1), work: make(chan struct{}, 1), full: make(chan struct{}, 1),
	}
	return r
}

// TestTopicNeverGoesBack: a restart goes on from the topic's last record, and the database's log is gone up to the
// position confirmed last. So no record may tell an earlier place than was confirmed, or than a record before it:
// neither a heartbeat, nor a piece of a large transaction after one. Nor is anything told of a transaction that
// can't be seen yet.
func TestTopicNeverGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRegion(Limits{Record: rapid.IntRange(300, 3000).Draw(t, "record")})
		var operations, published int
		visible := map[uint64]bool{}
		r.visible = func(_ context.Context, xids []uint32) error {
			for _, x := range xids {
				visible[uint64(x)] = true
			}
			return nil
		}
		var confirmed, seq uint64
		step := func() {
			had := len(r.topic.records)
			if err := r.Step(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, raw := range r.topic.records[had:] {
				rec, err := wire.Decode(raw)
				if err != nil {
					t.Fatal(err)
				}
				for i := range rec.Transactions {
					published += len(rec.Transactions[i].Operations)
					if seq := rec.Transactions[i].Dot.Seq; !visible[seq] {
						t.Fatalf("transaction %d was published before it was visible", seq)
					}
				}
				if rec.State.Seq > 0 && !visible[rec.State.Seq] {
					t.Fatalf("a record tells of transaction %d before it was visible", rec.State.Seq)
				}
				if rec.State.Seq < seq || rec.Position.Offset < confirmed {
					t.Fatalf("record of seq %d at %s, after seq %d and %X was confirmed", rec.State.Seq, rec.Position, seq, confirmed)
				}
				seq, confirmed = rec.State.Seq, max(confirmed, rec.Position.Offset)
			}
		}
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			r.at.Offset += 10
			switch rapid.SampledFrom([]string{"local", "local", "echo", "idle", "time"}).Draw(t, "event") {
			case "local":
				tx := change.Transaction{Tag: r.clock.Local(0)}
				for !tx.Last {
					tx.Last = rapid.Bool().Draw(t, "last")
					if tx.Last {
						tx.Position = r.at
					}
					tx.Operations = nil
					for range rapid.IntRange(1, 3).Draw(t, "operations") {
						tx.Operations = append(tx.Operations, insert(t, rapid.IntRange(0, 500).Draw(t, "size")))
					}
					operations += len(tx.Operations)
					piece := tx
					if err := r.add(t.Context(), &piece, uint32(piece.Dot.Seq), r.clock.State()); err != nil {
						t.Fatal(err)
					}
					tx.Before += uint32(len(tx.Operations))
					if rapid.Bool().Draw(t, "step") {
						step()
					}
				}
			case "echo":
				if err := r.clock.Echo(loopguard.Marker{Origin: "us/1", Seq: r.at.Offset}); err != nil {
					t.Fatal(err)
				}
				r.stand(r.clock.State(), r.at)
			case "idle":
				r.stand(r.clock.State(), r.at)
			case "time":
				r.now = r.now.Add(time.Minute)
				step()
			}
		}
		for r.packer.Size() > 0 {
			step()
		}
		if published != operations || !slices.IsSorted(r.confirms) || r.bytes != 0 {
			t.Fatalf("published %d operations of %d, confirmed %v, %d bytes pending", published, operations, r.confirms, r.bytes)
		}
		r.now = r.now.Add(time.Minute)
		step()
		if _, at := r.packer.State(); r.confirms[len(r.confirms)-1] != at.Offset {
			t.Fatalf("confirmed %v, the log stands at %s", r.confirms, at)
		}
	})
}

// TestSmallMessages: a topic that takes little is given little, whatever capture's pieces are.
func TestSmallMessages(t *testing.T) {
	r := newRegion(Limits{Message: 64 << 10})
	tx := change.Transaction{Tag: r.clock.Local(0), Position: r.at, Last: true}
	for range 100 {
		tx.Operations = append(tx.Operations, insert(t, 10_000))
	}
	if err := r.add(t.Context(), &tx, 0, r.clock.State()); err != nil {
		t.Fatal(err)
	}
	if err := r.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, record := range r.topic.records {
		if len(record) > 64<<10 {
			t.Errorf("record of %d bytes", len(record))
		}
	}
	tx = change.Transaction{Tag: r.clock.Local(0), Position: r.at, Last: true, Operations: []change.Operation{insert(t, 70_000)}}
	if err := r.add(t.Context(), &tx, 0, r.clock.State()); err == nil || !strings.Contains(err.Error(), "public.rows (1)") {
		t.Errorf("a row that the topic can't take: %v", err)
	}
}

// TestTopicMadeAnew (I8): records that come to lie before earlier ones mean that those are gone.
func TestTopicMadeAnew(t *testing.T) {
	r := newRegion(Limits{})
	for n := range 3 {
		tx := change.Transaction{Tag: r.clock.Local(0), Position: change.Position{Offset: uint64(10 + n)}, Last: true, Operations: []change.Operation{insert(t, 1)}}
		if err := r.add(t.Context(), &tx, 0, r.clock.State()); err != nil {
			t.Fatal(err)
		}
		if n == 2 {
			r.topic.lost = 2
		}
		err := r.Step(t.Context())
		if (err != nil) != (n == 2) {
			t.Fatalf("append %d: %v", n, err)
		}
	}
	if len(r.confirms) != 2 {
		t.Errorf("confirmed %v", r.confirms)
	}
}
