package history

import (
	"slices"

	"bridge/change"
)

// reach is how far the transactions go that were published under the same conflict rules.
type reach struct {
	last change.Version           // the last one in the order
	seqs map[change.Origin]uint64 // the last one of each origin
}

func (h *History) reach(rules string) *reach {
	r := h.reached[rules]
	if r == nil {
		r = &reach{seqs: map[change.Origin]uint64{}}
		h.reached[rules] = r
	}
	return r
}

func (r *reach) add(tag *change.Tag) {
	if v := tag.Version(); r.last.Compare(v) < 0 {
		r.last = v
	}
	r.seqs[tag.Dot.Origin] = max(r.seqs[tag.Dot.Origin], tag.Dot.Seq)
}

// neededBy reports whether a history that resumes c may need some of the transactions.
func (r *reach) neededBy(c *Cut) bool {
	if r.last.Compare(c.Since) >= 0 {
		return true
	}
	for o, seq := range r.seqs {
		if c.Known.Get(o) < seq {
			return true
		}
	}
	return false
}

// Others is how many operations were published under other conflict rules than those with these fingerprints. A large transaction counts as one.
func (h *History) Others(rules ...string) (n int) {
	is := func(tag *change.Tag) bool { return !slices.Contains(rules, tag.Rules) }
	for _, b := range h.bulks {
		if is(b.tag) {
			n++
		}
	}
	for _, t := range h.tables {
		for _, r := range t.rows {
			n += r.count(is)
		}
		n += t.truncates.count(is)
	}
	return n
}

// Rid reports whether nothing is held that was published under other conflict rules than these, nor would be by a history that resumes c.
func (h *History) Rid(c Cut, rules ...string) bool {
	for under, r := range h.reached {
		if !slices.Contains(rules, under) && r.neededBy(&c) {
			return false
		}
	}
	return h.Others(rules...) == 0
}

func (r Row) count(f func(*change.Tag) bool) (n int) {
	for i := range r {
		if f(r[i].Tag) {
			n++
		}
	}
	return n
}
