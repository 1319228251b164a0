package chronicle

import "bridge/change"

// Change is what an event made of a column.
type Change struct {
	Column        string
	Before, After change.Value // Before is absent where the log doesn't tell it
}

// Changes are the columns that an event wrote: of an insert all, of an update those that it changed. Where the log doesn't
// tell what was before it, that's taken from the events that it had seen. A delete changes none.
func (s *Story) Changes(event int) (out []Change) {
	e := &s.Events[event]
	for c, after := range e.Image {
		if after.IsAbsent() {
			continue
		}
		name, before := e.Table.Columns[c].Name, change.Absent
		switch {
		case e.Kind == change.Insert:
		case e.Old != nil:
			before = e.Old[c]
		default:
			before = s.lastSeen(event, name)
		}
		if before != after {
			out = append(out, Change{name, before, after})
		}
	}
	return out
}

// lastSeen is what the latest event before this one that it had seen has in a column.
func (s *Story) lastSeen(event int, column string) change.Value {
	for i := event - 1; i >= 0; i-- {
		if e := &s.Events[i]; s.Events[event].Saw(&e.Entry) {
			if v := valueOf(e.Table, e.Image, column); !v.IsAbsent() {
				return v
			}
		}
	}
	return change.Absent
}
