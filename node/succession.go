package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/loopguard"
	"bridge/visibility"
	"bridge/wire"
)

// succession is a running region's way to other conflict rules: those that its file has as conflicts.next.
//
// A region announces them in its topic once it decides by them where it must, and its log carries what they need. When it has applied what each
// other region had published up to its own announcement, it turns: it writes that down in its log, and what comes
// later there is published under the new rules. So each transaction under the new rules had seen all that was logged
// before some region was ready, and whatever competes with it carries what the new rules need. A region that is to apply such a transaction turns before that,
// if it hasn't. Nothing waits for anything.
//
// Refused: to turn by a decision that isn't in the log. A bridge that is killed may have records on their way which say that
// it had turned, and its successor must tag the same transactions alike.
type succession struct {
	mu    sync.Mutex
	peers *conflict.Succession
}

func newSuccession(to string, peers []change.Origin) *succession {
	return &succession{peers: conflict.NewSuccession(to, peers)}
}

// heard takes note of a peer's record.
func (s *succession) heard(o change.Origin, h *wire.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peers.Heard(o, h.State.Rules, h.State.Seq, h.Announces, h.Next)
}

func (s *succession) isDue(seen change.Vector) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peers.Due(seen)
}

// turnEvery is how often a region that has announced rules looks whether it may turn.
const turnEvery = 200 * time.Millisecond

// succeed announces the next rules, and turns to them when it may.
func (s *session) succeed(ctx context.Context) error {
	if s.succession == nil {
		return nil
	}
	log, to := s.node.Log, s.succession.peers.To()
	if err := s.stand(ctx); err != nil {
		return err
	}
	s.capture.Announce(to)
	log.Info("ready for other conflict rules: waits for all regions to announce them", "rules", to)
	tick := time.NewTicker(turnEvery)
	defer tick.Stop()
	for {
		state := s.node.captureReport.Status().State
		if state.Rules == to {
			log.Info("publishes under the new conflict rules", "rules", to)
			return nil
		}
		if s.succession.isDue(state.Vector) {
			if err := s.turn(ctx, to); err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// stand waits until it's known whether the log has the region turn to the next rules: by then all is that it had before the start.
func (s *session) stand(ctx context.Context) error {
	if s.succession == nil || s.turned.Load() {
		return nil
	}
	_, err := s.fence.Raise(ctx, 0)
	return err
}

// turn has what comes later in the log published under rules, if what comes now isn't.
func (s *session) turn(ctx context.Context, to string) error {
	if s.turned.Load() {
		return nil
	}
	return s.fence.Turn(ctx, to)
}

// hasTurned is told by capture that the log goes on under rules. From then on rows are shown by the policies that belong to them.
func (s *session) hasTurned(to string) {
	if next, changes := s.node.Rules.Next(); changes && to == next && !s.turned.Swap(true) {
		s.watch.Turned()
	}
}

// policies are those of constraints by which rows are shown now.
func (s *session) policies() visibility.Policies {
	rules := s.node.Rules.Fingerprint
	if s.turned.Load() {
		rules, _ = s.node.Rules.Next()
	}
	return s.node.Policies[rules]
}

// PoliciesInForce are the policies of constraints by which the region shows rows now; none while it isn't running.
func (n *Node) PoliciesInForce() visibility.Policies {
	n.mu.Lock()
	s := n.current
	n.mu.Unlock()
	if s == nil {
		return nil
	}
	return s.policies()
}

// Succession is how far regions are on their way to other conflict rules.
type Succession struct {
	To        string   // the fingerprint of the rules in conflicts.next
	Awaited   []string // regions that haven't announced them
	Unturned  []string // regions that publish under the rules before, perhaps this one
	Remaining int      // operations of the rules before that may still compete here
	Rid       bool     // nor would any after a restart
}

// Done reports whether the next rules may become this region's only ones.
func (s *Succession) Done() bool { return len(s.Awaited)+len(s.Unturned) == 0 && s.Rid }

// status is nil where no rules are on their way.
func (s *succession) status(self change.Origin, at loopguard.State, h *history.Locked, saved *history.Cut) *Succession {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &Succession{To: s.peers.To(), Awaited: regions(s.peers.Awaited()), Unturned: regions(s.peers.Unturned(at.Vector))}
	h.Do(func(h *history.History) { out.Remaining, out.Rid = h.Others(out.To), h.Rid(*saved, out.To) })
	if at.Rules != out.To {
		out.Unturned = append(out.Unturned, self.Region())
		slices.Sort(out.Unturned)
	}
	return out
}

func regions(origins []change.Origin) (names []string) {
	for _, o := range origins {
		names = append(names, o.Region())
	}
	return names
}
