package conflict

import (
	"slices"
	"strings"

	"bridge/change"
)

// appendText merges texts to which something is appended. A change that isn't an appending is an assignment.
type appendText struct{}

func (appendText) edit(before, after change.Value) edit {
	from, to := texts(before, after)
	suffix, ok := strings.CutPrefix(to, from)
	if !ok {
		return edit{kind: assigns}
	}
	return edit{kind: adds, data: suffix}
}

func (appendText) join(v change.Value, e *edit, later []*edit) (change.Value, bool) {
	text, ok := v.Text()
	if !ok {
		return v, false
	}
	at := len(text)
	for _, l := range later {
		at -= len(l.data.(string))
	}
	if at < 0 {
		return v, false
	}
	return change.Text(text[:at] + e.data.(string) + text[at:]), true
}

func (appendText) canonical(v change.Value) change.Value { return v }

// appendList is the same for lists.
type appendList struct{ list list }

func (a appendList) edit(before, after change.Value) edit {
	from, to := texts(before, after)
	had, ok1 := a.list.parse(from)
	has, ok2 := a.list.parse(to)
	if !ok1 || !ok2 || len(has) < len(had) || !slices.Equal(has[:len(had)], had) {
		return edit{kind: assigns}
	}
	return edit{kind: adds, data: has[len(had):]}
}

func (a appendList) join(v change.Value, e *edit, later []*edit) (change.Value, bool) {
	text, _ := v.Text()
	elements, ok := a.list.parse(text)
	if !ok || v.IsNull() {
		return v, false
	}
	at := len(elements)
	for _, l := range later {
		at -= len(l.data.([]string))
	}
	if at < 0 {
		return v, false
	}
	return change.Text(a.list.format(slices.Insert(slices.Clone(elements), at, e.data.([]string)...))), true
}

func (appendList) canonical(v change.Value) change.Value { return v }
