package conflict

import (
	"cmp"
	"strconv"
	"strings"

	"bridge/change"
)

// extreme keeps the most or the least that was written. A change the other way is an assignment, for who makes it
// has seen the extreme and means to leave it.
type extreme struct{ sign int }

func (x extreme) edit(before, after change.Value) edit {
	from, to := texts(before, after)
	if x.sign*compareValues(to, from) < 0 {
		return edit{kind: assigns}
	}
	return edit{kind: adds, data: after}
}

func (x extreme) join(v change.Value, e *edit, _ []*edit) (change.Value, bool) {
	text, ok := v.Text()
	if !ok {
		return v, false
	}
	other := e.data.(change.Value)
	to, _ := other.Text()
	switch by := x.sign * compareValues(to, text); {
	case by > 0, by == 0 && to > text: // equal numbers may be written differently
		return other, true
	}
	return v, true
}

func (extreme) canonical(v change.Value) change.Value { return v }

// compareValues orders numbers by value and all else (dates, times, text) by bytes.
func compareValues(a, b string) int {
	x, ok1 := parseDecimal(a)
	y, ok2 := parseDecimal(b)
	if ok1 && ok2 {
		return x.compare(y)
	}
	f, err1 := strconv.ParseFloat(a, 64)
	g, err2 := strconv.ParseFloat(b, 64)
	if err1 == nil && err2 == nil {
		return cmp.Compare(f, g)
	}
	return strings.Compare(a, b)
}
