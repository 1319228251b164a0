package conflict

import (
	"maps"
	"slices"

	"bridge/change"
)

// set merges members. A merged set is sorted: the order in which members came differs between regions.
type set struct{ list list }

// members is what an edit does: true adds a member, false removes it.
type members map[string]bool

func (s set) edit(before, after change.Value) edit {
	from, to := texts(before, after)
	had, ok1 := s.list.parse(from)
	has, ok2 := s.list.parse(to)
	if !ok1 || !ok2 {
		return edit{kind: assigns}
	}
	m := members{}
	for _, e := range had {
		m[e] = false
	}
	for _, e := range has {
		m[e] = true
	}
	for _, e := range had {
		if m[e] {
			delete(m, e) // it's there before and after
		}
	}
	return edit{kind: adds, data: m}
}

func (s set) join(v change.Value, e *edit, later []*edit) (change.Value, bool) {
	text, _ := v.Text()
	elements, ok := s.list.parse(text)
	if !ok || v.IsNull() {
		return v, false
	}
	now := members{}
	for _, e := range elements {
		now[e] = true
	}
	maps.Copy(now, e.data.(members))
	for _, l := range later {
		maps.Copy(now, l.data.(members))
	}
	maps.DeleteFunc(now, func(_ string, in bool) bool { return !in })
	return s.of(now), true
}

// of is a sorted set.
func (s set) of(m members) change.Value {
	return change.Text(s.list.format(slices.Sorted(maps.Keys(m))))
}

func (s set) canonical(v change.Value) change.Value {
	text, ok := v.Text()
	elements, isList := s.list.parse(text)
	if !ok || !isList {
		return v
	}
	m := members{}
	for _, e := range elements {
		m[e] = true
	}
	return s.of(m)
}
