package admin

import (
	"sort"
	"time"

	"bridge/change"
	"bridge/node"
)

// Status is /status and "bridge status --json". Durations are in seconds.
type Status struct {
	Cluster   string    `json:"cluster"`
	Region    string    `json:"region"`
	Origin    string    `json:"origin,omitempty"`
	Phase     string    `json:"phase"`
	Since     time.Time `json:"since"`
	Ready     bool      `json:"ready"`
	Error     string    `json:"error,omitempty"`
	WaitsFor  string    `json:"waits_for,omitempty"` // what a starting bridge is busy with, and what is in its way
	Sessions  int       `json:"sessions"`
	Seq       uint64    `json:"seq"`       // last local transaction published
	Captured  string    `json:"captured"`  // log position read
	Published string    `json:"published"` // log position confirmed
	// UnpublishedBytes are between the two: of the log, not of the records.
	UnpublishedBytes uint64 `json:"unpublished_bytes"`
	// StalledSince is since when nothing could be published, with the topic's error.
	StalledSince *time.Time `json:"publish_stalled_since,omitempty"`
	PublishError string     `json:"publish_error,omitempty"`
	// ClockAhead is how far in the future the region's logical clock stands, which follows all regions' servers.
	ClockAhead float64 `json:"clock_ahead_seconds"`

	Vector      map[string]uint64 `json:"vector"`              // what this region has seen of the others
	Local       LocalCounts       `json:"local"`               // since the process started
	Peers       []Peer            `json:"peers"`               // by name
	History     History           `json:"history"`             // unstable operations
	Conflicts   []Conflict        `json:"conflicts,omitempty"` // decided here since the process started
	LostUpdates uint64            `json:"lost_updates"`        // in them, each counted once
	Parked      []Parked          `json:"parked,omitempty"`    // rows that constraints keep from being shown as they are
	// HeldSince is since when nothing of other regions has been applied, because parked rows, or rows without their parent, must be
	// looked at first and can't be, with the error.
	HeldSince   *time.Time    `json:"apply_held_since,omitempty"`
	HeldError   string        `json:"apply_held_error,omitempty"`
	RulesChange *RulesChange  `json:"rules_change,omitempty"` // where conflicts.next is set
	LastCommit  *time.Time    `json:"last_commit,omitempty"`
	Application AppliedCounts `json:"applied"`
}

// LocalCounts are what capture has read.
type LocalCounts struct {
	Transactions uint64 `json:"transactions"`
	Operations   uint64 `json:"operations"`
	Echoes       uint64 `json:"echoes"`
	Records      uint64 `json:"records"`
}

// AppliedCounts are what apply has written.
type AppliedCounts struct {
	Transactions uint64 `json:"transactions"`
	Rows         uint64 `json:"rows"`
	Batches      uint64 `json:"batches"`
	Barriers     uint64 `json:"barriers"`
	Retries      uint64 `json:"retries"`
	Settled      uint64 `json:"settled"` // batches that constraints had a part in
	Upkeep       uint64 `json:"upkeep"`  // looks at parked rows
}

// Peer is one other region.
type Peer struct {
	Region      string            `json:"region"`
	Applied     uint64            `json:"applied"`      // its last transaction that is in this database
	Stable      uint64            `json:"stable"`       // its last transaction that every region has seen
	Seen        map[string]uint64 `json:"seen"`         // what it's known to have seen
	Queued      int               `json:"queued"`       // its transactions that were read and not yet applied
	QueuedBytes int               `json:"queued_bytes"` // the records they came in
	LagSeconds  float64           `json:"lag_seconds"`
	Stopped     string            `json:"stopped,omitempty"` // why it can't go on
	// WaitsFor is a region that is stopped here or behind: the peer had seen transactions of it that aren't here yet.
	WaitsFor string `json:"waits_for,omitempty"`
	// WaitsForTopic are topics, and since when: the peer's next transaction needs operations of them to be decided, or applied.
	WaitsForTopic string     `json:"waits_for_topic,omitempty"`
	WaitsSince    *time.Time `json:"waits_for_topic_since,omitempty"`
	// ReadError is why the peer's topic can't be read at the moment.
	ReadError string `json:"read_error,omitempty"`
}

// History is the memory of unstable operations.
type History struct {
	Operations int `json:"operations"`
	Bytes      int `json:"bytes"`
	Limit      int `json:"limit"`
}

// Conflict is a count of decided conflicts.
type Conflict struct {
	Type   string `json:"type"`
	Table  string `json:"table"`
	Rule   string `json:"rule"`
	Result string `json:"result"`
	Count  uint64 `json:"count"`
}

// Parked is a count of parked rows.
type Parked struct {
	Table  string `json:"table"`
	Reason string `json:"reason"`
	Rows   int    `json:"rows"`
}

func statusOf(s node.Status) Status {
	out := Status{
		Cluster: s.Cluster, Region: s.Region, Origin: string(s.Origin), Phase: string(s.Phase), Since: s.Since, Ready: s.Ready(),
		Sessions: s.Sessions, Seq: s.Capture.State.Seq, Captured: s.Capture.Captured.String(), Published: s.Capture.Published.String(),
		Vector:      vector(s.Capture.State.Vector),
		Local:       LocalCounts{s.Capture.Transactions, s.Capture.Operations, s.Capture.Echoes, s.Capture.Records},
		Application: AppliedCounts{s.Applied.Transactions, s.Applied.Rows, s.Applied.Batches, s.Applied.Barriers, s.Applied.Retries, s.Applied.Settled, s.Applied.Upkeep},
		ClockAhead:  s.ClockAhead.Seconds(),
		History:     History{s.History.Operations, s.History.Bytes, s.History.Limit},
	}
	if c := &s.Capture; c.Captured.GTID == "" && c.Captured.Offset > c.Published.Offset {
		out.UnpublishedBytes = c.Captured.Offset - c.Published.Offset
	}
	if !s.StalledSince.IsZero() {
		out.StalledSince = &s.StalledSince
	}
	if s.PublishError != nil {
		out.PublishError = s.PublishError.Error()
	}
	if c := s.Succession; c != nil {
		out.RulesChange = &RulesChange{c.To, c.Awaited, c.Unturned, c.Remaining, c.Done()}
	}
	if s.Held.Error != nil {
		out.HeldSince, out.HeldError = &s.Held.Since, s.Held.Error.Error()
	}
	if s.Error != nil {
		out.Error = s.Error.Error()
	}
	if s.Reading != "" {
		out.WaitsFor = "topic " + s.Reading
	}
	if s.ReadError != nil {
		out.WaitsFor = "topic " + s.Reading + ": " + s.ReadError.Error()
	}
	if !s.Capture.LastCommit.IsZero() {
		out.LastCommit = &s.Capture.LastCommit
	}
	for i := range s.Peers {
		out.Peers = append(out.Peers, peerOf(&s.Peers[i]))
	}
	sort.Slice(out.Peers, func(i, j int) bool { return out.Peers[i].Region < out.Peers[j].Region })
	for l, n := range s.Conflicts {
		out.Conflicts = append(out.Conflicts, Conflict{string(l.Type), l.Table.String(), l.Rule, l.Result, n})
	}
	for _, n := range s.Lost {
		out.LostUpdates += n
	}
	sort.Slice(out.Conflicts, func(i, j int) bool {
		a, b := &out.Conflicts[i], &out.Conflicts[j]
		return a.Table+a.Type+a.Result < b.Table+b.Type+b.Result
	})
	for l, n := range s.Parked {
		out.Parked = append(out.Parked, Parked{l.Table.String(), string(l.Reason), n})
	}
	sort.Slice(out.Parked, func(i, j int) bool {
		a, b := &out.Parked[i], &out.Parked[j]
		return a.Table < b.Table || a.Table == b.Table && a.Reason < b.Reason
	})
	return out
}

func peerOf(p *node.Peer) Peer {
	out := Peer{
		Region: p.Origin.Region(), Applied: p.LastMarker.Seq, Stable: p.Stable, Seen: vector(p.HistoryKnown),
		Queued: p.Queued, QueuedBytes: p.QueuedBytes, LagSeconds: p.CurrentLag().Seconds(),
	}
	if p.WaitsFor != "" {
		out.WaitsFor = p.WaitsFor.Region()
	}
	if w := &p.WaitsForTopic; w.Topics != "" {
		out.WaitsForTopic, out.WaitsSince = w.Topics, &w.Since
	}
	if p.ReadError != nil {
		out.ReadError = p.ReadError.Error()
	}
	if p.Stopped != nil {
		out.Stopped = p.Stopped.Error()
	}
	return out
}

func vector(v change.Vector) map[string]uint64 {
	out := make(map[string]uint64, len(v))
	for _, e := range v {
		out[string(e.Origin)] = e.Seq
	}
	return out
}

// RulesChange is how far regions are on their way to other conflict rules.
type RulesChange struct {
	To       string   `json:"to"`                 // fingerprint of the next rules, as bridge tail and records have it
	Awaited  []string `json:"awaited,omitempty"`  // regions that haven't announced them
	Unturned []string `json:"unturned,omitempty"` // regions that publish under those before
	// Remaining are operations of the rules before that may still have to be decided here.
	Remaining int `json:"remaining"`
	// Done says that the next rules may be written in the place of those before.
	Done bool `json:"done"`
}
