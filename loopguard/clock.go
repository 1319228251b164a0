package loopguard

import (
	"fmt"

	"bridge/change"
)

// State is all that a [Clock] knows. The tail of a region's own topic carries it, so that capture can
// resume from there.
type State struct {
	Seq    uint64           // of the last local transaction
	Last   change.Timestamp // the highest timestamp given or seen
	Vector change.Vector    // what the log has shown as applied from other origins
	Rules  string           // fingerprint of the conflict rules under which local transactions are published; empty for the default
}

// Clock derives the tags of a region's local transactions from its log, in commit order. It's a pure
// state machine: it reads no wall clock. The rules are DESIGN.md §2's, after Kulkarni et al., "Logical
// Physical Clocks" (2014), with the logical part folded into the microseconds.
type Clock struct {
	self  change.Origin
	state State
}

// NewClock resumes the clock of origin self at a state; the zero State begins its history.
func NewClock(self change.Origin, at State) *Clock {
	return &Clock{self: self, state: at}
}

// Self is the origin whose transactions the clock tags.
func (c *Clock) Self() change.Origin { return c.self }

// State is the clock as of the last event.
func (c *Clock) State() State { return c.state }

// Local tags the next local transaction. commit is the commit time in the log: it may repeat or step
// back, the tag's timestamp never does.
func (c *Clock) Local(commit change.Timestamp) change.Tag {
	c.state.Seq++
	c.state.Last = max(commit, c.state.Last+1)
	return change.Tag{
		Dot:  change.Dot{Origin: c.self, Seq: c.state.Seq},
		Time: c.state.Last,
		Deps: c.state.Vector,

		Rules: c.state.Rules,
	}
}

// Echo notes that the log showed a marker: everything of m.Origin up to m.Seq is in the database, and
// every local transaction after this point has seen it. A marker that goes back, or that names this
// region, means that the log isn't the one the clock's state came from.
func (c *Clock) Echo(m Marker) error {
	if m.Origin == c.self {
		return fmt.Errorf("bridge.progress has a marker of this region's own origin %s: another bridge applies into this database", c.self)
	}
	if had := c.state.Vector.Get(m.Origin); m.Seq < had {
		return fmt.Errorf("bridge.progress went back from %s:%d to seq %d: the table was edited or the log isn't this region's; see \"Begin anew\" in docs/operations.md",
			m.Origin, had, m.Seq)
	} else if m.Seq > had {
		c.state.Vector = c.state.Vector.With(m.Origin, m.Seq)
	}
	c.state.Last = max(c.state.Last, m.Time)
	return nil
}

// Turn has later local transactions published under other conflict rules. It's in the log, as all else is: so a bridge
// that reads the log again tags them as the one before it did.
func (c *Clock) Turn(t Turn) {
	if t.Is {
		c.state.Rules = t.Rules
	}
}

// Floor makes every later local timestamp exceed t. A barrier for rows that don't exist carries it.
func (c *Clock) Floor(t change.Timestamp) {
	c.state.Last = max(c.state.Last, t)
}
