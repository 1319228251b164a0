package node

import (
	"time"

	"bridge/apply"
	"bridge/capture"
	"bridge/change"
	"bridge/history"
)

// Status is what a node tells of itself, for people (bridge status), probes and metrics.
type Status struct {
	Cluster string
	Region  string
	Origin  change.Origin // empty until known
	Phase   Phase
	Since   time.Time // of the phase
	Error   error     // why the last session ended, or nil
	// Reading is the topic that a starting node is reading, and ReadError what it's retrying there; or empty and nil.
	Reading   string
	ReadError error
	Sessions  int // sessions since the process started: more than one means that something broke

	// Capture, Applied and Conflicts count since the process started. Positions are the running session's,
	// or the last one's.
	Capture   capture.Status
	Applied   apply.Counts
	Conflicts map[apply.ConflictLabel]uint64
	// Lost are the updates that lost in them, see [apply.Report.Lost], and Deferred those that one region merges in afterwards.
	Lost, Deferred map[apply.LostLabel]uint64

	// What follows is of the running session, and zero without one.

	// StalledSince is since when nothing could be published, zero when it isn't so, and PublishError the
	// topic's error, if it has told one.
	StalledSince time.Time
	PublishError error
	// ClockAhead is how far in the future the region's logical clock stands.
	ClockAhead time.Duration
	Peers      []Peer
	// Held is why nothing from other regions is applied although the region runs.
	Held    apply.Held
	History history.Stats
	// Succession is how far regions are on their way to other conflict rules; nil when they stay.
	Succession *Succession
	// Parked are the rows that constraints keep from being shown as they are.
	Parked map[apply.ParkedLabel]int
}

// Peer is what a region knows of another one.
type Peer struct {
	apply.PeerStatus
	// Stable is the number up to which every region has seen the peer's transactions.
	Stable uint64
}

// Ready reports whether the node does its work: it's running, can publish and apply, and no peer is stopped.
func (s *Status) Ready() bool {
	if s.Phase != Running || s.Held.Error != nil || !s.StalledSince.IsZero() && time.Since(s.StalledSince) >= appendStalled {
		return false
	}
	for i := range s.Peers {
		if s.Peers[i].Stopped != nil {
			return false
		}
	}
	return true
}

// Status is the node's state now.
func (n *Node) Status() Status {
	n.mu.Lock()
	out := Status{
		Cluster: n.Cluster, Region: n.Region, Phase: n.phase, Since: n.since, Error: n.lastErr, Sessions: n.sessions,
		Capture: n.captureReport.Status(), Applied: n.applyReport.Counts(), Conflicts: n.applyReport.Conflicts(), Lost: n.applyReport.Lost(), Deferred: n.applyReport.Deferred(),
	}
	s, reading := n.current, n.reading
	n.mu.Unlock()
	if reading != nil {
		out.Reading = reading.Name()
		if t, ok := reading.(troubled); ok {
			out.ReadError = t.ReadTrouble()
		}
	}
	if s == nil {
		return out
	}
	out.Origin, out.Parked = s.self, s.watch.Parked()
	out.StalledSince, out.PublishError = s.outbox.stalled()
	out.ClockAhead = clockAhead(out.Capture.State.Last, time.Now())
	out.Held = s.apply.Held()
	for _, p := range s.apply.Status() {
		peer := Peer{PeerStatus: p}
		s.history.Do(func(h *history.History) { peer.Stable = h.Stable(p.Origin) })
		out.Peers = append(out.Peers, peer)
	}
	s.history.Do(func(h *history.History) { out.History = h.Stats() })
	out.Succession = s.succession.status(s.self, out.Capture.State, s.history, s.saved.Load())
	return out
}

// CurrentLag is how old the oldest of the peer's transactions is that wait here: 0 when none does.
func (p *Peer) CurrentLag() time.Duration {
	if p.OldestQueued.IsZero() {
		return 0
	}
	return max(0, time.Since(p.OldestQueued))
}
