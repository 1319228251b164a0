package conflict

import (
	"maps"

	"bridge/change"
)

// document merges JSON objects member by member. Arrays are values.
type document struct{}

// patch is what an edit does to an object's members: a patch goes on inside, removed takes it away, anything else is
// its value.
type patch map[string]any

type removed struct{}

func (document) edit(before, after change.Value) edit {
	from, to := texts(before, after)
	x, ok1 := parseObject(from)
	y, ok2 := parseObject(to)
	if !ok1 || !ok2 {
		return edit{kind: assigns}
	}
	return edit{kind: adds, data: difference(x, y)}
}

func parseObject(text string) (map[string]any, bool) {
	v, _ := parseJSON(text)
	o, ok := v.(map[string]any)
	return o, ok
}

func difference(from, to map[string]any) patch {
	p := patch{}
	for k := range from {
		if _, ok := to[k]; !ok {
			p[k] = removed{}
		}
	}
	for k, after := range to {
		before, had := from[k]
		x, ok1 := before.(map[string]any)
		y, ok2 := after.(map[string]any)
		switch {
		case ok1 && ok2:
			if inner := difference(x, y); len(inner) > 0 {
				p[k] = inner
			}
		case !had || formatJSON(before) != formatJSON(after):
			p[k] = after
		}
	}
	return p
}

func (document) join(v change.Value, e *edit, later []*edit) (change.Value, bool) {
	text, _ := v.Text()
	o, ok := parseObject(text)
	if !ok {
		return v, false
	}
	o = e.data.(patch).on(o)
	for _, l := range later {
		o = l.data.(patch).on(o)
	}
	return change.Text(formatJSON(o)), true
}

func (document) canonical(v change.Value) change.Value {
	text, _ := v.Text()
	if o, ok := parseObject(text); ok {
		return change.Text(formatJSON(o))
	}
	return v
}

// on is o with the patch; o itself stays as it is.
func (p patch) on(o map[string]any) map[string]any {
	out := maps.Clone(o)
	if out == nil {
		out = map[string]any{}
	}
	for k, v := range p {
		switch v := v.(type) {
		case removed:
			delete(out, k)
		case patch:
			inner, _ := out[k].(map[string]any)
			out[k] = v.on(inner)
		default:
			out[k] = v
		}
	}
	return out
}
