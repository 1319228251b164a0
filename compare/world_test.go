package compare

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"bridge/change"
	"bridge/loopguard"
	"bridge/stream"
	"bridge/wire"
)

// world is a few regions in memory that replicate with last-write-wins, and that go on doing so whenever they're
// looked at: every call of an interface first lets some things happen.
type world struct {
	mu      sync.Mutex
	rand    *rand.Rand
	regions []*fakeRegion
	writes  int // left for the applications
	clock   int64
	version int64
	// unversioned regions' servers show no versions.
	unversioned bool
}

type fakeRegion struct {
	world   *world
	name    string
	origin  change.Origin
	rows    map[string]fakeRow
	stamps  map[string]change.Version // of each key's last write, deletes too
	seen    change.Vector
	entries []fakeEntry // the database's log
	read    int         // entries that are published
	records [][]byte    // the topic
	issued  []fakeWrite // its own transactions, by seq
}

type fakeRow struct{ value, version string }

type fakeEntry struct{ state loopguard.State }

type fakeWrite struct {
	key, value string // no value deletes
	version    change.Version
	deps       change.Vector
}

const fakeKeys = 6

func newWorld(seed uint64, regions, writes int) *world {
	w := &world{rand: rand.New(rand.NewPCG(seed, 0)), writes: writes}
	for i := range regions {
		name := string(rune('a' + i))
		w.regions = append(w.regions, &fakeRegion{world: w, name: name, origin: change.NewOrigin(name, 1),
			rows: map[string]fakeRow{}, stamps: map[string]change.Version{}})
	}
	return w
}

func (w *world) members() []Member {
	var out []Member
	for _, r := range w.regions {
		out = append(out, Member{r, (*fakeTopic)(r)})
	}
	return out
}

// enter locks the world and lets some things happen in it.
func (w *world) enter() (leave func()) {
	w.mu.Lock()
	for range w.rand.IntN(8) {
		w.step()
	}
	return w.mu.Unlock
}

func (w *world) step() {
	r := w.regions[w.rand.IntN(len(w.regions))]
	switch w.rand.IntN(3) {
	case 0:
		if w.writes > 0 {
			w.writes--
			r.write()
		}
	case 1:
		from := w.regions[w.rand.IntN(len(w.regions))]
		if from != r {
			r.apply(from)
		}
	case 2:
		r.publish()
	}
}

// write is an application's: insert, update or delete one row.
func (r *fakeRegion) write() {
	r.world.clock++
	key := fmt.Sprint(r.world.rand.IntN(fakeKeys))
	x := fakeWrite{key: key, version: change.Version{Time: change.Timestamp(r.world.clock), Origin: r.origin}, deps: r.seen}
	if _, there := r.rows[key]; !there || r.world.rand.IntN(2) == 0 {
		x.value = fmt.Sprint(r.world.clock)
	}
	r.issued = append(r.issued, x)
	r.put(&x)
	r.log(r.origin, uint64(len(r.issued)))
}

// apply applies another region's next transaction, if it's published and all that it had seen is here.
func (r *fakeRegion) apply(from *fakeRegion) {
	next := r.seen.Get(from.origin) + 1
	if next > from.published().Seq || !r.seen.Covers(from.issued[next-1].deps) {
		return
	}
	if x := &from.issued[next-1]; r.stamps[x.key].Compare(x.version) < 0 {
		r.put(x)
	}
	r.log(from.origin, next)
}

func (r *fakeRegion) put(x *fakeWrite) {
	r.stamps[x.key] = x.version
	if x.value == "" {
		delete(r.rows, x.key)
		return
	}
	r.set(x.key, x.value)
}

func (r *fakeRegion) set(key, value string) {
	r.world.version++
	r.rows[key] = fakeRow{value, fmt.Sprint(r.world.version)}
}

func (r *fakeRegion) log(o change.Origin, seq uint64) {
	r.seen = r.seen.With(o, seq)
	r.entries = append(r.entries, fakeEntry{loopguard.State{Seq: uint64(len(r.issued)), Vector: r.seen}})
}

func (r *fakeRegion) published() loopguard.State {
	if r.read == 0 {
		return loopguard.State{}
	}
	return r.entries[r.read-1].state
}

// publish tells the topic of the log's next entry, or that there's none.
func (r *fakeRegion) publish() {
	if r.read < len(r.entries) {
		r.read++
	}
	r.records = append(r.records, wire.Heartbeat("shop", r.origin, r.published(), change.Position{Offset: uint64(r.read)}, 0))
}

func (r *fakeRegion) Name() string { return r.name }

func (r *fakeRegion) Tables(context.Context) ([]Table, error) {
	return []Table{{TableName: change.TableName{Schema: "public", Name: "t"}, Key: []string{"id"},
		Columns: []Column{{Name: "id", Type: "integer", NotNull: true, Number: true}, {Name: "v", Type: "text"}}}}, nil
}

func (r *fakeRegion) Scan(_ context.Context, s *Selection, yield func([]Row) error) error {
	leave := r.world.enter()
	var rows []Row
	for key, row := range r.rows {
		rows = append(rows, Row{Key: []string{key}, Hash: row.value})
	}
	leave()
	slices.SortFunc(rows, func(a, b Row) int { return s.Compare(a.Key, b.Key) })
	for chunk := range slices.Chunk(rows, 2) {
		if err := yield(chunk); err != nil {
			return err
		}
	}
	return nil
}

func (r *fakeRegion) Look(_ context.Context, _ *Selection, keys [][]string) (out []Row, _ error) {
	defer r.world.enter()()
	for _, key := range keys {
		if row, there := r.rows[key[0]]; there {
			version := row.version
			if r.world.unversioned {
				version = ""
			}
			out = append(out, Row{Key: key, Hash: row.value, Version: version})
		}
	}
	return out, nil
}

func (r *fakeRegion) Position(context.Context) (change.Position, error) {
	defer r.world.enter()()
	return change.Position{Offset: uint64(len(r.entries))}, nil
}

// fakeTopic is the region's topic.
type fakeTopic fakeRegion

func (t *fakeTopic) Append(context.Context, [][]byte) (int64, error) { panic("compare writes nothing") }

func (t *fakeTopic) Read(ctx context.Context, from int64) ([]stream.Record, error) {
	for ctx.Err() == nil {
		leave := t.world.enter()
		if n := int64(len(t.records)); from < n {
			to := from + 1 + t.world.rand.Int64N(n-from)
			var out []stream.Record
			for i := from; i < to; i++ {
				out = append(out, stream.Record{Offset: i, Value: t.records[i]})
			}
			leave()
			return out, nil
		}
		leave()
	}
	return nil, context.Cause(ctx)
}

func (t *fakeTopic) Bounds(context.Context) (oldest, next int64, err error) {
	defer t.world.enter()()
	return 0, int64(len(t.records)), nil
}

func (t *fakeTopic) Name() string { return "bridge.shop." + t.name }
func (t *fakeTopic) Close() error { return nil }

// stir lets n things happen.
func (w *world) stir(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for range n {
		w.step()
	}
}

// damage changes rows that no application will touch, in one region each, without a transaction, and says which.
func (w *world) damage() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	wrong := map[string]bool{}
	for i := range w.rand.IntN(4) {
		key := fmt.Sprint(fakeKeys + i)
		for _, r := range w.regions {
			r.set(key, "same")
		}
		r := w.regions[w.rand.IntN(len(w.regions))]
		switch w.rand.IntN(3) {
		case 0:
			delete(r.rows, key)
		case 1:
			r.set(key, "other")
		case 2:
			continue
		}
		wrong[key] = true
	}
	return slices.Sorted(maps.Keys(wrong))
}
