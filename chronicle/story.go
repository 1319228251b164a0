package chronicle

import (
	"slices"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
)

// Story is what became of a row, and why it is as it is.
type Story struct {
	Key      change.Key
	Events   []Event          // in the operations' order
	Outcome  conflict.Outcome // of the last episode
	Episodes []Episode
	Columns  []Origin // where the row's values come from, in the order of Outcome.Table; none if there's no row
	// Whole says that the operations that were read are all that there can be of the row since the first of them.
	Whole bool

	begin []int // the first event of each episode
}

// Event is an operation of the row.
type Event struct {
	history.Entry
	Episode    int
	Concurrent []int // the events that it hadn't seen and that hadn't seen it
	Fate       Fate
	// By is the event that superseded it, or that it lost to; -1 for others.
	By int
}

// Fate is what became of an operation.
type Fate string

// The fates.
const (
	Stands     Fate = "stands"     // something of it is in the row as it is, or it's why there is none
	Superseded Fate = "superseded" // it was in the row until a later operation that had seen it
	Lost       Fate = "lost"       // nothing of it came into the row: a concurrent operation won
	Unknown    Fate = "unknown"    // the log lacks what the rule needs to tell
)

// Origin is where a column's value comes from.
type Origin struct {
	Column string
	Value  change.Value // absent where no operation that was read tells it
	// Events wrote it: one, or several whose changes were merged.
	Events []int
	// Before says that it's older than all that was read. With neither, what was read doesn't tell.
	Before bool
	// Merged says that the Events' changes were merged onto an earlier value of the column, Onto.
	Merged bool
	Onto   change.Value
}

// Tell makes a story of all of a row's operations that were read, which are in their order. unread is
// [Reader.Unread]'s.
func Tell(key change.Key, ops history.Row, rules *conflict.Rules, unread change.Vector) *Story {
	s := &Story{Key: key, Episodes: Episodes(key, ops, rules), Whole: true}
	for n := range s.Episodes {
		s.begin = append(s.begin, len(s.Events))
		for _, e := range s.Episodes[n].Ops {
			s.Whole = s.Whole && e.Tag.Seen().Covers(unread)
			s.Events = append(s.Events, Event{Entry: e, Episode: n, By: -1})
		}
	}
	for n := range s.Episodes {
		s.fates(n)
	}
	if len(s.Episodes) == 0 {
		return s
	}
	s.Outcome = s.Episodes[len(s.Episodes)-1].Outcome
	for c := range s.Outcome.Image {
		o := s.origin(c)
		for _, i := range o.Events {
			s.Events[i].Fate, s.Events[i].By = Stands, -1
		}
		s.Columns = append(s.Columns, o)
	}
	return s
}

// origin walks back, episode by episode, to the one that made the value of a column of the outcome.
func (s *Story) origin(c int) Origin {
	column := s.Outcome.Table.Columns[c].Name
	o := Origin{Column: column, Value: s.Outcome.Image[c], Onto: change.Absent}
	rule := s.Episodes[len(s.Episodes)-1].Rule
	value := spelled(rule, &s.Outcome, column)
	for n := len(s.Episodes) - 1; n >= 0; n-- {
		e := &s.Episodes[n]
		if spelled(rule, &e.Outcome, column) != value {
			return o // a later operation shows the column otherwise than this left it
		}
		source := e.sources()[column]
		for _, i := range source.Ops {
			o.Events = append(o.Events, s.begin[n]+i)
		}
		if len(source.Ops) > 0 {
			if source.Base {
				o.Onto = valueOf(e.Base.Table, e.Base.Image, column)
			}
			o.Merged = source.Base || len(source.Ops) > 1
			return o
		}
	}
	o.Before = true
	return o
}

// sources are where the values of the episode's outcome come from, by column.
func (e *Episode) sources() map[string]conflict.Source {
	rule := e.Rule
	if !e.Contested() {
		rule = conflict.LastWriteWins
	}
	out := map[string]conflict.Source{}
	for c, source := range rule.Sources(e.Ops, e.Base, &e.Outcome) {
		out[e.Outcome.Table.Columns[c].Name] = source
	}
	return out
}

// spelled is a column's value in the rule's spelling; absent if there's no row.
func spelled(rule *conflict.Rule, o *conflict.Outcome, column string) change.Value {
	if !o.Exists {
		return change.Absent
	}
	return valueOf(o.Table, rule.Canonical(o.Table, o.Image), column)
}

// valueOf is a row's value of a column, absent if it has none of the name.
func valueOf(t *change.Table, image change.Image, column string) change.Value {
	for c := range image {
		if t.Columns[c].Name == column {
			return image[c]
		}
	}
	return change.Absent
}

// fates says what became of an episode's events until its end, and of those that stood then, in the next one.
func (s *Story) fates(n int) {
	e := &s.Episodes[n]
	events := s.Events[s.begin[n] : s.begin[n]+len(e.Ops)]
	stands := map[int]bool{}
	winner := 0
	for i := range events {
		if events[i].Compare(&e.Outcome.Winner) == 0 {
			winner, stands[i] = i, true
		}
	}
	for _, source := range e.sources() {
		for _, i := range source.Ops {
			stands[i] = true
		}
	}
	for i := range events {
		events[i].Concurrent = concurrent(events, i, s.begin[n])
		switch next := s.begin[n] + len(e.Ops); {
		case e.Lacks:
			events[i].Fate = Unknown
		case !stands[i]:
			events[i].Fate, events[i].By = Lost, s.begin[n]+winner
			if j := slices.IndexFunc(events, func(later Event) bool { return later.Compare(&events[i].Entry) > 0 && later.Saw(&events[i].Entry) }); j >= 0 {
				events[i].Fate, events[i].By = Superseded, s.begin[n]+j
			}
		case next < len(s.Events):
			events[i].Fate, events[i].By = Superseded, next
		default:
			events[i].Fate = Stands
		}
	}
}

// concurrent are those of an episode's events that hadn't seen its event i, nor it them. begin is added to each.
func concurrent(events []Event, i, begin int) (out []int) {
	for j := range events {
		if j != i && !events[i].Saw(&events[j].Entry) && !events[j].Saw(&events[i].Entry) {
			out = append(out, begin+j)
		}
	}
	return out
}
