package capture

import (
	"sync"
	"time"

	"bridge/change"
	"bridge/loopguard"
)

// Report is what capture has done so far, for status and metrics. One is passed from loop to loop, so that its counts
// go on. It's safe for concurrent use.
type Report struct {
	mu sync.Mutex
	s  Status
}

// Status is capture's state.
type Status struct {
	// Transactions, Operations, Echoes and Barriers were read from the log since the report was made; what is
	// read again counts again.
	Transactions, Operations, Echoes, Barriers uint64
	Records                                    uint64 // appended to the topic, heartbeats aside
	Captured                                   change.Position
	Published                                  change.Position
	State                                      loopguard.State // as published
	LastCommit                                 time.Time       // of the last local transaction read
}

// Status is a copy of the state.
func (r *Report) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.s
}

// begin notes where a loop begins, which may be before what an earlier one had reached.
func (r *Report) begin(at tail) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.s.Captured, r.s.Published, r.s.State = at.position, at.position, at.state
}

func (r *Report) captured(ev *Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch ev.Kind {
	case Local:
		r.s.Operations += uint64(len(ev.Operations))
		if ev.Last {
			r.s.Transactions++
			r.s.LastCommit = ev.CommitTime.Time()
		}
	case Echo:
		r.s.Echoes++
	case Barrier:
		r.s.Barriers++
	}
	if ev.Position.Offset != 0 || ev.Position.GTID != "" {
		r.s.Captured = ev.Position
	}
}

func (r *Report) published(t tail, records int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.s.Records += uint64(records)
	r.s.Published, r.s.State = t.position, t.state
}
