package chronicle_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"bridge/apply"
	"bridge/change"
	"bridge/chronicle"
	"bridge/conflict"
	"bridge/loopguard"
	"bridge/stream"
	"bridge/wire"
)

// topic is a log in memory, of which the records before oldest have expired. It gives a few at a time.
type topic struct {
	stream.Log
	name    string
	records []stream.Record
	oldest  int64
}

func (t *topic) Name() string { return t.name }

func (t *topic) Bounds(context.Context) (oldest, next int64, err error) {
	return t.oldest, int64(len(t.records)), nil
}

func (t *topic) Read(_ context.Context, from int64) ([]stream.Record, error) {
	if from < t.oldest || from >= int64(len(t.records)) {
		return nil, fmt.Errorf("%w: %d", stream.ErrOutOfRange, from)
	}
	return t.records[from:min(from+3, int64(len(t.records)))], nil
}

var epoch = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

// publish is the topic of a site: a transaction a record, each a second after the one before, and a heartbeat at the end.
func (s *site) publish(t *testing.T) *topic {
	t.Helper()
	b := wire.NewBuilder("shop", s.origin)
	out := &topic{name: "bridge.shop." + s.origin.Region()}
	add := func(record []byte) {
		n := int64(len(out.records))
		out.records = append(out.records, stream.Record{Offset: n, Time: epoch.Add(time.Duration(n) * time.Second), Value: slices.Clone(record)})
	}
	state := loopguard.State{}
	for i, tx := range s.log {
		if err := b.Add(tx); err != nil {
			t.Fatal(err)
		}
		state = loopguard.State{Seq: tx.Dot.Seq, Last: tx.Time, Vector: s.learnt[i]}
		record, err := b.Finish(state, change.Position{})
		if err != nil {
			t.Fatal(err)
		}
		add(record)
		b.Reset()
	}
	state.Vector = s.seen
	add(wire.Heartbeat("shop", s.origin, state, change.Position{}, 0))
	return out
}

// read is what a reader gives of a mesh's topics.
func read(t *testing.T, topics []chronicle.Topic, since time.Time) (dots []string, unread change.Vector) {
	t.Helper()
	r, err := chronicle.Open(t.Context(), "shop", topics, since, apply.AsLogged{})
	if err != nil {
		t.Fatal(err)
	}
	finished := map[string]bool{}
	for {
		p, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if p == nil {
			break
		}
		if finished[p.Region] {
			t.Fatalf("%s has more after its last", p.Region)
		}
		finished[p.Region] = p.Last
		for i := range p.Transactions {
			dots = append(dots, p.Transactions[i].Dot.String())
			if !p.Seen.Includes(p.Transactions[i].Dot) {
				t.Fatalf("%s hasn't seen its own %s", p.Region, dots[len(dots)-1])
			}
		}
	}
	return dots, r.Unread()
}

// TestReader: every transaction from a record on is read once, of each region in order, and what comes before it is named.
func TestReader(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 4))
		m := newMesh(rng, conflict.LastWriteWins)
		m.run(rng.IntN(150))
		var topics []chronicle.Topic
		since := epoch.Add(time.Duration(rng.IntN(20)) * time.Second)
		if rng.IntN(3) == 0 {
			since = time.Time{}
		}
		var want []string
		var unread change.Vector
		for _, s := range m.sites {
			log := s.publish(t)
			log.oldest = int64(rng.IntN(len(log.records)))
			topics = append(topics, chronicle.Topic{Region: s.origin.Region(), Log: log})
			from := log.oldest
			if !since.IsZero() {
				from = min(max(from, int64(since.Sub(epoch)/time.Second)), int64(len(log.records))-1)
			}
			unread = unread.With(s.origin, min(uint64(from), uint64(len(s.log))))
			for _, tx := range s.log[min(from, int64(len(s.log))):] {
				want = append(want, tx.Dot.String())
			}
		}
		got, notRead := read(t, topics, since)
		if g, w := slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want)); !slices.Equal(g, w) {
			t.Fatalf("seed %d: read %v, want %v", seed, g, w)
		}
		if !slices.Equal(notRead, unread) {
			t.Fatalf("seed %d: unread is said to be %v, and is %v", seed, notRead, unread)
		}
	}
}

func TestReaderRefusesAnothersTopic(t *testing.T) {
	m := newMesh(rand.New(rand.NewPCG(1, 5)), conflict.LastWriteWins)
	m.run(100)
	log := m.sites[0].publish(t)
	for name, tc := range map[string]struct {
		cluster, region string
		spoil           func(*topic)
		want            string
	}{
		"region":  {"shop", "b", nil, "should be b's"},
		"cluster": {"other", "a", nil, "bridge.shop.a offset 0"},
		"bytes":   {"shop", "a", func(t *topic) { t.records[1].Value = []byte("nonsense") }, "bridge.shop.a offset 1"},
	} {
		t.Run(name, func(t *testing.T) {
			own := *log
			own.records = slices.Clone(log.records)
			if tc.spoil != nil {
				tc.spoil(&own)
			}
			r, err := chronicle.Open(t.Context(), tc.cluster, []chronicle.Topic{{Region: tc.region, Log: &own}}, time.Time{}, apply.AsLogged{})
			for p := (*chronicle.Passage)(nil); err == nil; {
				if p, err = r.Next(t.Context()); p == nil && err == nil {
					t.Fatal("all was read")
				}
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("no %q in %v", tc.want, err)
			}
		})
	}
}
