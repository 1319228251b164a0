package conflict

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"bridge/change"
)

// set merges members. A merged set is sorted: the order in which members came differs between regions.
type set struct{ list list }

// members is what an edit does: true adds a member, false removes it.
type members map[string]bool

func membersOf(elements []string) members {
	m := members{}
	for _, e := range elements {
		m[e] = true
	}
	return m
}

func (s set) edit(before, after change.Value) edit {
	from, to := texts(before, after)
	had, ok1 := s.list.parse(from)
	has, ok2 := s.list.parse(to)
	if !ok1 || !ok2 {
		return edit{kind: assigns}
	}
	m := membersOf(has)
	for e := range membersOf(had) {
		if m[e] {
			delete(m, e) // it's there before and after
		} else {
			m[e] = false
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
	now := membersOf(elements)
	maps.Copy(now, e.data.(members))
	for _, l := range later {
		maps.Copy(now, l.data.(members))
	}
	maps.DeleteFunc(now, func(_ string, in bool) bool { return !in })
	return s.of(now), true
}

// of is a set sorted by the members' plain texts: an array and the JSON that it is in another engine have one order.
func (s set) of(m members) change.Value {
	type member struct{ plain, raw string }
	sorted := make([]member, 0, len(m))
	for raw := range m {
		sorted = append(sorted, member{s.list.plain(raw), raw})
	}
	slices.SortFunc(sorted, func(a, b member) int {
		return cmp.Or(strings.Compare(a.plain, b.plain), strings.Compare(a.raw, b.raw))
	})
	elements := make([]string, len(sorted))
	for i := range sorted {
		elements[i] = sorted[i].raw
	}
	return change.Text(s.list.format(elements))
}

func (s set) canonical(v change.Value) change.Value {
	text, ok := v.Text()
	elements, isList := s.list.parse(text)
	if !ok || !isList {
		return v
	}
	return s.of(membersOf(elements))
}
