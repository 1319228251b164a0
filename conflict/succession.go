package conflict

import (
	"slices"

	"bridge/change"
)

// Succession is what a region knows of the others' way to other conflict rules. Each announces them in its topic, when it can decide by
// them and its log carries what they need. A region that has applied what each other one had published up to its announcement may turn:
// publish under the new rules. So whatever competes with a transaction under the new rules was logged after its region was ready.
type Succession struct {
	to        string // the rules' fingerprint
	peers     []change.Origin
	announced map[change.Origin]uint64 // up to where each peer had published when it was first heard to announce the rules, or to have turned
	turned    map[change.Origin]uint64 // up to where each peer had published when it was first heard to have turned
}

// NewSuccession is to the rules with a fingerprint, of which nobody has announced anything.
func NewSuccession(to string, peers []change.Origin) *Succession {
	return &Succession{to: to, peers: peers, announced: map[change.Origin]uint64{}, turned: map[change.Origin]uint64{}}
}

// To is the fingerprint of the rules.
func (s *Succession) To() string { return s.to }

// Heard notes what a peer's record says: under which rules it has published up to seq and, if it announces any, for which others it's ready.
func (s *Succession) Heard(peer change.Origin, rules string, seq uint64, announces bool, next string) {
	s.published(peer, rules, seq)
	if announces {
		s.announce(peer, next, seq)
	}
}

// announce notes that a peer was ready for rules when it had published up to seq.
func (s *Succession) announce(peer change.Origin, rules string, seq uint64) {
	if _, known := s.announced[peer]; rules == s.to && !known {
		s.announced[peer] = seq
	}
}

// published notes under which rules a peer published up to seq.
func (s *Succession) published(peer change.Origin, rules string, seq uint64) {
	if _, known := s.turned[peer]; rules == s.to && !known {
		s.turned[peer] = seq
	}
	s.announce(peer, rules, seq)
}

// Due reports whether a region that has applied so much may turn.
func (s *Succession) Due(applied change.Vector) bool {
	return len(s.without(s.announced, applied)) == 0
}

// Awaited are the peers that haven't announced the rules.
func (s *Succession) Awaited() []change.Origin {
	return slices.DeleteFunc(slices.Clone(s.peers), func(o change.Origin) bool {
		_, has := s.announced[o]
		return has
	})
}

// Unturned are the peers of which something that was published under other rules may be to come, to a region that has applied so much.
func (s *Succession) Unturned(applied change.Vector) []change.Origin {
	return s.without(s.turned, applied)
}

// without are the peers of which a region hasn't applied all that they had published when they reached something.
func (s *Succession) without(reached map[change.Origin]uint64, applied change.Vector) []change.Origin {
	return slices.DeleteFunc(slices.Clone(s.peers), func(o change.Origin) bool {
		seq, has := reached[o]
		return has && applied.Get(o) >= seq
	})
}
