package node

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"bridge/apply"
	"bridge/capture"
	"bridge/change"
	"bridge/conflict"
	"bridge/stream"
	"bridge/visibility"
)

// Config is what a node is made of.
type Config struct {
	Cluster string
	Region  string
	// Peers are the other regions' names. Streams opens a region's topic; the node closes it.
	Peers   []string
	Streams func(region string) (stream.Log, error)
	Engine  Engine
	Rules   *conflict.Rules
	// Policies say what becomes of rows that constraints don't let be shown, by the fingerprint of the rules with which they count.
	Policies map[string]visibility.Policies
	// Awaiting is [apply.Config]'s.
	Awaiting func()
	// Orphans is [apply.Watch]'s.
	Orphans func()

	Workers      int // apply connections
	HistoryBytes int // limit of unstable operations in memory
	Limits       capture.Limits
	Retention    Retention
	RetryStopped time.Duration // how long after a stop a peer is tried again
	Log          *slog.Logger
}

// Node is one region at work.
type Node struct {
	Config
	mu       sync.Mutex
	phase    Phase
	since    time.Time
	lastErr  error
	sessions int
	current  *session
	reading  stream.Log // of a session that starts: the topic under way

	// What the sessions have done: each goes on counting.
	captureReport *capture.Report
	applyReport   *apply.Report
}

// Phase is what a node is doing.
type Phase string

// The phases of a node.
const (
	Starting Phase = "starting" // connecting, rebuilding history
	Standby  Phase = "standby"  // another bridge is the region's; this one waits
	Running  Phase = "running"
	Retrying Phase = "retrying" // something broke that may heal; a new session starts soon
	Stopped  Phase = "stopped"
)

// New makes a node; [Node.Run] starts it.
func New(c Config) *Node {
	return &Node{
		Config: c, phase: Starting, since: time.Now(),
		captureReport: &capture.Report{}, applyReport: apply.NewReport(),
	}
}

// Run works until ctx ends, which gives nil, or until something breaks that no retry can heal.
func (n *Node) Run(ctx context.Context) error {
	const minPause, maxPause = 200 * time.Millisecond, 15 * time.Second
	pause := minPause
	for {
		n.enter(Starting, nil)
		began := time.Now()
		err := n.session(ctx)
		if ctx.Err() != nil {
			n.enter(Stopped, nil)
			return nil
		}
		if !n.Engine.Heals(err) {
			n.enter(Stopped, err)
			return err
		}
		if time.Since(began) > time.Minute {
			pause = minPause
		}
		n.enter(Retrying, err)
		n.Log.Warn("region starts again", "cause", err, "in", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			n.enter(Stopped, nil)
			return nil
		}
		pause = min(2*pause, maxPause)
	}
}

func (n *Node) enter(p Phase, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.phase != p {
		n.phase, n.since = p, time.Now()
	}
	if err != nil || p == Running {
		n.lastErr = err
	}
	if p != Running {
		n.current = nil
	}
	n.reading = nil
}

// reads notes which topic a session that starts is reading.
func (n *Node) reads(log stream.Log) {
	n.mu.Lock()
	n.reading = log
	n.mu.Unlock()
}

// session runs from becoming the region's bridge to the first thing that breaks.
func (n *Node) session(ctx context.Context) (err error) {
	lease, err := n.Engine.Lead(ctx, func() {
		n.enter(Standby, nil)
		n.Log.Info("another bridge serves this region; waiting as standby")
	})
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := closing()
		defer cancel()
		err = errors.Join(err, lease.Close(ctx))
	}()
	n.enter(Starting, nil)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-lease.Lost():
			cancel(ErrLeaseLost)
		case <-ctx.Done():
		}
	}()
	s, err := n.open(ctx)
	if err != nil {
		return orLost(ctx, err)
	}
	defer s.close()
	n.mu.Lock()
	n.current = s
	n.sessions++
	n.mu.Unlock()
	n.enter(Running, nil)
	n.Log.Info("region is running", "origin", s.self, "seq", s.tail.state.Seq, "position", s.tail.position.String(),
		"vector", s.tail.state.Vector.String())
	return orLost(ctx, s.run(ctx))
}

// orLost is the loss of the lease, if that ended ctx, and otherwise err: what else broke then broke by it.
func orLost(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, ErrLeaseLost) {
		return cause
	}
	return err
}

// ErrLeaseLost ends a session: another bridge may be the region's by now.
var ErrLeaseLost = errors.New("the connection that holds this region's lock was lost")

// closing is a context to end things with, whatever has happened to the session's own.
func closing() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 5*time.Second)
}

// members are the origins of all regions. Peers are taken to be in their first incarnation.
func (n *Node) members(self change.Origin) []change.Origin {
	out := []change.Origin{self}
	for _, p := range n.Peers {
		out = append(out, change.NewOrigin(p, 1))
	}
	return out
}
