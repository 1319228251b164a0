package casebook

import (
	"cmp"
	"hash/maphash"
	"slices"
	"time"

	"bridge/apply"
)

// Stats are the cases of a time by kind.
type Stats struct {
	Since  time.Time `json:"since"`
	Before time.Time `json:"before"`
	Cases  int       `json:"cases"`
	Open   int       `json:"open"` // not resolved by a person
	// Lost is how many updates (inserts, updates, deletes) aren't in their rows though whoever won hadn't seen them: each
	// counts once, however many cases it's in.
	Lost        int     `json:"lost_updates"`
	LostPerHour float64 `json:"lost_updates_per_hour"`
	Groups      []Group `json:"groups"` // the most losses first
}

// Group are the cases of one kind.
type Group struct {
	Table string `json:"table"`
	Type  string `json:"type"`
	Rule  string `json:"rule"`
	Cases int    `json:"cases"`
	Open  int    `json:"open"`
	Lost  int    `json:"lost_updates"`
}

// Tally adds cases up, oldest first. It holds some bytes for each lost update.
type Tally struct {
	stats  Stats
	groups map[Group]*Group
	seed   maphash.Seed
	lost   map[uint64]struct{}
}

// NewTally makes a tally of the cases between two times.
func NewTally(since, before time.Time) *Tally {
	return &Tally{
		stats: Stats{Since: since.UTC(), Before: before.UTC()}, groups: map[Group]*Group{}, seed: maphash.MakeSeed(), lost: map[uint64]struct{}{},
	}
}

// Add counts a case.
func (t *Tally) Add(c *Case) {
	kind := Group{Table: c.TableName().String(), Type: c.Type, Rule: c.Rule}
	g := t.groups[kind]
	if g == nil {
		g = &kind
		t.groups[kind] = g
	}
	g.Cases++
	if c.Resolution == nil {
		g.Open++
	}
	for i := range c.Versions {
		if v := &c.Versions[i]; v.Fate == apply.FateLost && t.isNew(c, v) {
			g.Lost++
		}
	}
}

// isNew reports whether a version is lost for the first time.
func (t *Tally) isNew(c *Case, v *Version) bool {
	var h maphash.Hash
	h.SetSeed(t.seed)
	for _, part := range append([]string{c.Schema, c.Table, v.Dot().String()}, c.Key...) {
		maphash.WriteComparable(&h, part)
	}
	sum := h.Sum64()
	_, had := t.lost[sum]
	t.lost[sum] = struct{}{}
	return !had
}

// Stats are the sums.
func (t *Tally) Stats() Stats {
	s := t.stats
	for _, g := range t.groups {
		s.Groups = append(s.Groups, *g)
		s.Cases, s.Open, s.Lost = s.Cases+g.Cases, s.Open+g.Open, s.Lost+g.Lost
	}
	slices.SortFunc(s.Groups, func(a, b Group) int {
		return cmp.Or(b.Lost-a.Lost, b.Cases-a.Cases, cmp.Compare(a.Table, b.Table), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Rule, b.Rule))
	})
	if hours := s.Before.Sub(s.Since).Hours(); hours > 0 {
		s.LostPerHour = float64(s.Lost) / hours
	}
	return s
}
