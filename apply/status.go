package apply

import (
	"errors"
	"time"

	"bridge/change"
	"bridge/history"
	"bridge/loopguard"
)

// wait is a lane's whose next transaction had seen one of another origin that isn't here.
type wait struct {
	on    change.Origin
	since time.Time
}

// waitIsLong is how long a lane may wait for another before it's told: the others are rarely here at the same moment.
const waitIsLong = 5 * time.Second

// TopicWait is a lane's whose next transaction can't be decided before operations of a large one were read again from a topic
// (see [Archive]), or is itself one that's still there.
type TopicWait struct {
	Topics string // names; empty is no wait
	Since  time.Time
}

// Held is why nothing that comes from other regions is applied: rows that constraints hide must be looked at first (see [Watch]),
// and can't be. The zero Held says that it isn't so.
type Held struct {
	Since time.Time
	Error error
}

// troubled is a topic that can tell which error it's retrying reads for.
type troubled interface{ ReadTrouble() error }

// stop notes that an origin can't go on, and says so when it's news.
func (l *Loop) stop(o change.Origin, cause int, err error) {
	l.mu.Lock()
	had := l.stopped[o][cause]
	l.stopped[o][cause] = err
	l.mu.Unlock()
	if had == nil || had.Error() != err.Error() {
		l.Log.Error("region stopped", "peer", o.Region(), "error", err)
	}
}

func (l *Loop) resumed(o change.Origin, cause int) {
	l.mu.Lock()
	had := l.stopped[o][cause]
	l.stopped[o][cause] = nil
	l.mu.Unlock()
	if had != nil {
		l.Log.Info("region goes on", "peer", o.Region())
	}
}

// waits notes which origin a lane waits for; "" is none.
func (l *Loop) waits(ln *lane, on change.Origin) {
	if ln.waits == on {
		return
	}
	ln.waits = on
	l.mu.Lock()
	defer l.mu.Unlock()
	if delete(l.waiting, ln.origin); on != "" {
		l.waiting[ln.origin] = wait{on, time.Now()}
	}
}

// isStopped reports whether an origin can't go on; l.mu is held. An origin may be no peer's any more.
func (l *Loop) isStopped(o change.Origin) bool {
	causes := l.stopped[o]
	return causes != nil && (causes[reading] != nil || causes[applying] != nil)
}

// PeerStatus is one origin's state in the loop.
type PeerStatus struct {
	Origin       change.Origin
	Queued       int       // transactions read and not yet applied
	QueuedBytes  int       // the records they came in
	OldestQueued time.Time // when the first of them was committed at its origin; zero when there's none
	Stopped      error     // why it can't go on, nil if it can
	// WaitsFor is another origin, which is stopped or has been behind for a while: its next transaction had seen one
	// of that origin's that isn't here yet. Empty when it's not so.
	WaitsFor change.Origin
	// WaitsForTopic is why its next transaction can't be decided, or applied; zero when that isn't so.
	WaitsForTopic TopicWait
	// ReadError is what reading its topic is being retried for; nil when it's read.
	ReadError    error
	LastMarker   loopguard.Marker
	HistoryKnown change.Vector // what it's known to have seen
}

// Status tells of every peer.
func (l *Loop) Status() []PeerStatus {
	out := make([]PeerStatus, len(l.lanes))
	for i, ln := range l.lanes {
		n, bytes, oldest := ln.queue.state()
		out[i] = PeerStatus{Origin: ln.origin, Queued: n, QueuedBytes: bytes, OldestQueued: oldest, LastMarker: l.Progress[ln.origin]}
		out[i].LastMarker.Seq = max(out[i].LastMarker.Seq, l.Report.Applied(ln.origin))
		l.mu.Lock()
		out[i].Stopped = errors.Join(l.stopped[ln.origin][:]...)
		if w := l.waiting[ln.origin]; w.on != "" && (l.isStopped(w.on) || time.Since(w.since) >= waitIsLong) {
			out[i].WaitsFor = w.on
		}
		out[i].WaitsForTopic = l.topics[ln.origin]
		l.mu.Unlock()
		if t, ok := l.Peers[ln.origin].(troubled); ok {
			out[i].ReadError = t.ReadTrouble()
		}
		l.History.Do(func(h *history.History) { out[i].HistoryKnown = h.Known(ln.origin) })
	}
	return out
}

// held is a [Held] as the loop has it.
type held struct {
	Held
	told string // the error that the log has
}

// tellable leaves out a race that upkeep has just lost.
func (h *held) tellable() bool {
	return h.Error != nil && (!errors.Is(h.Error, ErrRetry) || time.Since(h.Since) >= waitIsLong)
}

// Held tells why nothing is applied, if that's so.
func (l *Loop) Held() Held {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.held.tellable() {
		return Held{}
	}
	return l.held.Held
}

// heldUp notes why nothing is applied, and says so when it's news.
func (l *Loop) heldUp(err error) {
	l.mu.Lock()
	if l.held.Error == nil {
		l.held.Since = time.Now()
	}
	l.held.Error = err
	news := l.held.tellable() && l.held.told != err.Error()
	if news {
		l.held.told = err.Error()
	}
	l.mu.Unlock()
	if news {
		l.Log.Warn("rows that constraints hide can't be looked at, and nothing is applied before that", "error", err)
	}
}

// released notes that upkeep came to its end.
func (l *Loop) released() {
	l.mu.Lock()
	told := l.held.told != ""
	l.held = held{}
	l.mu.Unlock()
	if told {
		l.Log.Info("rows that constraints hide are looked at again")
	}
}

// awaits notes that a lane waits for topics.
func (l *Loop) awaits(o change.Origin, topics string) {
	l.mu.Lock()
	l.topics[o] = TopicWait{topics, time.Now()}
	l.mu.Unlock()
	l.Log.Warn("region waits for a topic that can't be read", "peer", o.Region(), "topic", topics)
}

// came notes that what a lane waited for was read, or won't be.
func (l *Loop) came(o change.Origin) {
	l.mu.Lock()
	delete(l.topics, o)
	l.mu.Unlock()
	l.Log.Info("region waits for no topic any more", "peer", o.Region())
}
