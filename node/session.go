package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"bridge/apply"
	"bridge/capture"
	"bridge/change"
	"bridge/history"
	"bridge/internal/faultpoint"
	"bridge/loopguard"
	"bridge/stream"
	"bridge/visibility"
	"bridge/wire"
)

// session is everything that a running region holds, and that is thrown away when something breaks.
type session struct {
	node    *Node
	self    change.Origin
	logs    map[change.Origin]stream.Log
	tail    tail
	history *history.Locked
	marks   *marks
	// forgotten is what the history may lack because it expired: see [apply.Config]. The saved horizon
	// stays as long as somebody may come who hasn't seen it, so that a restart finds the same.
	forgotten change.Vector

	source capture.Source
	outbox *outbox
	fence  Fence
	target apply.Target
	watch  *apply.Watch

	capture *capture.Loop
	apply   *apply.Loop

	succession *succession // nil where the rules stay
	turned     atomic.Bool // to the next rules, by the log as far as it's read
	saved      atomic.Pointer[history.Cut]
}

// open brings a session to where its loops can start.
func (n *Node) open(ctx context.Context) (_ *session, err error) {
	self, err := n.Engine.Origin(ctx)
	if err != nil {
		return nil, err
	}
	if self.Region() != n.Region {
		return nil, fmt.Errorf("database belongs to region %s, this is region %s", self.Region(), n.Region)
	}
	if err := n.Engine.Inspect(ctx); err != nil {
		return nil, err
	}
	s := &session{node: n, self: self, logs: map[change.Origin]stream.Log{}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	members := n.members(self)
	for _, o := range members {
		if s.logs[o], err = n.Streams(o.Region()); err != nil {
			return nil, err
		}
	}
	saved, err := n.Engine.Horizon(ctx)
	if err != nil {
		return nil, err
	}
	_, began := saved.Offsets[self]
	n.reads(s.logs[self])
	if s.tail, err = readTail(ctx, s.logs[self], n.Cluster, self, began); err != nil {
		return nil, err
	}
	target, fence, err := n.Engine.OpenTarget(ctx)
	if err != nil {
		return nil, err
	}
	s.fence, s.target = fence, target
	progress, err := target.Progress(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.tail.checkProgress(progress); err != nil {
		return nil, err
	}
	if to, changes := n.Rules.Next(); changes {
		s.turned.Store(s.tail.state.Rules == to)
	}
	catalog, err := s.constraints(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.rebuild(ctx, members, saved, progress, catalog); err != nil {
		return nil, err
	}
	if err := s.watches(ctx, catalog); err != nil {
		return nil, err
	}
	n.reads(nil)
	s.history.Do(func(h *history.History) { err = s.tail.under(n.Rules, h) })
	if err != nil {
		return nil, err
	}
	faultpoint.Hit(faultpoint.HistoryLoaded)
	if s.source, err = n.Engine.OpenSource(ctx, s.tail.position); err != nil {
		return nil, err
	}
	s.outbox = &outbox{Log: s.logs[self], source: s.source, log: n.Log}
	if !began {
		s.outbox.began = func(ctx context.Context, offset int64) error {
			return n.Engine.SaveHorizon(ctx, Horizon{Offsets: map[change.Origin]int64{self: offset}})
		}
	}
	s.loops(progress)
	return s, nil
}

// rebuild fills the history from the topics since the horizon.
func (s *session) rebuild(ctx context.Context, members []change.Origin, saved Horizon, progress Progress, catalog visibility.Catalog) error {
	n := s.node
	s.history = history.NewLocked(history.New(s.self, members, n.HistoryBytes))
	s.history.Do(func(h *history.History) {
		h.KeepBefore(func(t change.TableName) bool {
			return n.Rules.NeedImages(t) || catalog[t] != nil && len(catalog[t].Referred) > 0
		})
		h.Resume(saved.Cut)
	})
	s.saved.Store(&saved.Cut)
	s.marks = newMarks(saved, change.Dot{Origin: s.self, Seq: s.tail.state.Seq + 1})
	for _, o := range members {
		seq, end := progress[o].Seq, progress[o].Offset+1
		if o == s.self {
			seq, end = s.tail.state.Seq, s.tail.next
		}
		if seq == 0 {
			continue
		}
		n.reads(s.logs[o])
		forgotten, err := rebuild(ctx, s.history, s.target, s.logs[o], n.Cluster, o, saved.Offsets[o], seq, end)
		if err != nil {
			return err
		}
		if forgotten > 0 {
			s.forgotten = s.forgotten.With(o, forgotten)
		}
	}
	s.history.Do(func(h *history.History) {
		for _, o := range members {
			h.Resumed(o, progress[o].Seq)
		}
		h.Resumed(s.self, s.tail.state.Seq)
		h.Learn(s.self, s.tail.state.Vector)
		h.Prune()
	})
	return nil
}

// constraints are the database's, under the policies that count now.
func (s *session) constraints(ctx context.Context) (visibility.Catalog, error) {
	policies := s.policies() // before the rest: of a turn meanwhile the watch is told
	catalog, err := s.target.Constraints(ctx)
	return catalog.Under(policies), err
}

// watches begins to watch what constraints hide.
func (s *session) watches(ctx context.Context, catalog visibility.Catalog) error {
	parked, err := s.target.Parked(ctx)
	if err != nil {
		return err
	}
	if s.watch, err = apply.NewWatch(ctx, s.self, catalog, parked, s.target); err != nil {
		return err
	}
	s.watch.Read = s.constraints
	s.watch.Orphans = s.node.Orphans
	s.history.Do(s.watch.Resume)
	return nil
}

func (s *session) loops(progress Progress) {
	n := s.node
	s.capture = capture.NewLoop(capture.Config{
		Cluster: n.Cluster, Source: s.source, Log: s.outbox, Clock: loopguard.NewClock(s.self, s.tail.state),
		Start: s.tail.position, Next: s.tail.next, History: s.history, Witness: s.fence, Limits: n.Limits, Now: time.Now, Report: n.captureReport,
		Visible: s.outbox.visible, Began: s.marks.began, Rules: n.Rules.Known(), Turned: s.hasTurned, Local: s.watch.Local,
	})
	peers := maps.Clone(s.logs)
	delete(peers, s.self)
	var heard func(change.Origin, *wire.Header)
	var turn func(context.Context, string) error
	if to, changes := n.Rules.Next(); changes {
		s.succession = newSuccession(to, slices.Sorted(maps.Keys(peers)))
		heard, turn = s.succession.heard, s.turn
	}
	s.apply = apply.NewLoop(apply.Config{
		Cluster: n.Cluster, Self: s.self, Peers: peers, Target: s.target, Fence: s.fence, History: s.history, Rules: n.Rules,
		Progress: progress, Issued: s.capture.Issued, Workers: n.Workers, RetryStopped: n.RetryStopped, Report: n.applyReport,
		Forgotten: s.forgotten, Began: s.marks.began, Heard: heard, Turn: turn, Awaiting: n.Awaiting, Watch: s.watch, Archive: &apply.Archive{Cluster: n.Cluster, Logs: s.logs, From: s.marks.from, Local: s.target}, Log: n.Log,
	})
}

func (s *session) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.capture.Run(ctx) })
	group.Go(func() error {
		if err := s.stand(ctx); err != nil {
			return err
		}
		return s.apply.Run(ctx)
	})
	group.Go(func() error { return s.saveHorizon(ctx) })
	group.Go(func() error { return s.inspect(ctx) })
	group.Go(func() error { return s.trim(ctx) })
	group.Go(func() error { return s.retry(ctx) })
	group.Go(func() error { return s.succeed(ctx) })
	return group.Wait()
}

// saveHorizon writes down now and then from where history must be rebuilt.
func (s *session) saveHorizon(ctx context.Context) error {
	var last Horizon
	return nowAndThen(ctx, func() error {
		var cut history.Cut
		stable := true
		s.history.Do(func(h *history.History) {
			cut = h.Cut()
			for _, lost := range s.forgotten {
				stable = stable && h.Stable(lost.Origin) >= lost.Seq
			}
		})
		now, ok := s.marks.horizon(cut)
		moved := !maps.Equal(now.Offsets, last.Offsets) || s.succession != nil && (now.Cut.Since != last.Cut.Since || !slices.Equal(now.Cut.Known, last.Cut.Known))
		if !ok || !stable || !moved {
			return nil
		}
		if err := s.node.Engine.SaveHorizon(ctx, now); err != nil {
			return err
		}
		faultpoint.Hit(faultpoint.HorizonSaved)
		last = now
		s.saved.Store(&now.Cut)
		return nil
	})
}

// inspect asks the engine now and then whether its database still is as it must be.
func (s *session) inspect(ctx context.Context) error {
	var ahead bool
	return nowAndThen(ctx, func() error {
		if err := s.node.Engine.Inspect(ctx); err != nil {
			return err
		}
		was := ahead
		at := s.node.captureReport.Status().State.Last
		if ahead = clockAhead(at, time.Now()) > clockAlarm; ahead && !was {
			s.node.Log.Warn("a transaction was committed in the future: look at the clocks of all regions' database servers", "committed", at.Time())
		}
		return nil
	})
}

// nowAndThen calls f every few seconds until it fails or ctx ends.
func nowAndThen(ctx context.Context, f func() error) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := f(); err != nil {
			return err
		}
	}
}

// clockAlarm is how far in the future a timestamp may be before an operator is told.
const clockAlarm = time.Hour

// clockAhead is how far in the future the region's logical clock stands: 0 when it doesn't. A commit time takes it
// along, in every region, and it never goes back.
func clockAhead(at change.Timestamp, now time.Time) time.Duration {
	return max(0, at.Time().Sub(now))
}

func (s *session) close() {
	ctx, cancel := closing()
	defer cancel()
	var errs []error
	if s.source != nil {
		errs = append(errs, s.source.Close(ctx))
	}
	if s.fence != nil {
		errs = append(errs, s.fence.Close(ctx), s.target.Close(ctx))
	}
	for _, l := range s.logs {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	if err := errors.Join(errs...); err != nil {
		s.node.Log.Debug("closing a session", "error", err)
	}
}
