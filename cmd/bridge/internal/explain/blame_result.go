package explain

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"bridge/casebook"
	"bridge/change"
	"bridge/chronicle"
	"bridge/cmd/bridge/internal/engines"
	"bridge/cmd/bridge/internal/show"
	"bridge/config"
	"bridge/conflict"
)

// BlameResult is what --json shows.
type BlameResult struct {
	Table  string       `json:"table"` // its name between the regions
	Key    []string     `json:"key"`
	Rule   string       `json:"rule"`
	Events []blameEvent `json:"events"` // in the order of timestamps
	Exists bool         `json:"exists"` // whether the events leave a row
	// Told is false when the log lacks what the rule needs to tell how the latest conflict ended.
	Told    bool          `json:"told"`
	Columns []blameColumn `json:"columns"` // why they're as they are
	// Whole is false when there may be events older than those that were read, concurrent with them.
	Whole bool `json:"whole"`
	// OtherRules says that some events were written under other rules than the configuration's.
	OtherRules bool `json:"other_rules"`
	// Differs are the columns in which the row is otherwise in this region's database.
	Differs  []string         `json:"differs,omitempty"`
	Present  bool             `json:"present"`  // whether the row is there
	Recorded []*casebook.Case `json:"recorded"` // conflicts of the row that this region has recorded, the oldest first
}

// blameEvent is one operation on the row. Events are numbered from 1.
type blameEvent struct {
	Number     int               `json:"number"`
	Time       time.Time         `json:"time"` // its timestamp, which decides
	Dot        string            `json:"dot"`
	Kind       string            `json:"kind"`
	Saw        map[string]uint64 `json:"saw"` // the last transaction of each other region that it had seen
	Concurrent []int             `json:"concurrent,omitempty"`
	Changes    []blameChange     `json:"changes,omitempty"`
	Fate       chronicle.Fate    `json:"fate"`
	By         int               `json:"by,omitempty"` // the event that it was superseded by or lost to
}

type blameChange struct {
	Column string  `json:"column"`
	Before *string `json:"before,omitempty"` // null or absent: NULL, or not told by the log
	After  *string `json:"after"`
	from   change.Value
	to     change.Value
}

// blameColumn says where a column's value comes from.
type blameColumn struct {
	Column string  `json:"column"`
	Value  *string `json:"value"`
	Known  bool    `json:"known"` // false: no operation that was read carries it
	// Events wrote it; with several, or with Merged, their changes were merged, onto the value Onto.
	Events []int   `json:"events,omitempty"`
	Merged bool    `json:"merged,omitempty"`
	Onto   *string `json:"onto,omitempty"`
	Before bool    `json:"before,omitempty"` // it's older than all that was read
	value  change.Value
	onto   change.Value
}

func newBlameResult(s *chronicle.Story, rule string) *BlameResult {
	key, _ := s.Key.Values()
	r := &BlameResult{
		Table: s.Key.Table.String(), Key: key, Rule: rule, Exists: s.Outcome.Exists, Whole: s.Whole,
		Told: !s.Episodes[len(s.Episodes)-1].Lacks, Columns: []blameColumn{}, Recorded: []*casebook.Case{},
	}
	for i := range s.Events {
		r.Events = append(r.Events, newBlameEvent(s, i))
	}
	for _, o := range s.Columns {
		r.Columns = append(r.Columns, blameColumn{
			Column: o.Column, Value: pointer(o.Value), Known: !o.Value.IsAbsent(), Events: numbers(o.Events),
			Merged: o.Merged, Onto: pointer(o.Onto), Before: o.Before, value: o.Value, onto: o.Onto,
		})
	}
	return r
}

func newBlameEvent(s *chronicle.Story, i int) blameEvent {
	e := &s.Events[i]
	out := blameEvent{
		Number: i + 1, Time: e.Tag.Time.Time(), Dot: e.Tag.Dot.String(), Kind: e.Kind.String(),
		Saw: show.Vector(e.Tag.Deps, e.Tag.Dot.Origin), Concurrent: numbers(e.Concurrent), Fate: e.Fate, By: e.By + 1,
	}
	for _, c := range s.Changes(i) {
		out.Changes = append(out.Changes, blameChange{c.Column, pointer(c.Before), pointer(c.After), c.Before, c.After})
	}
	return out
}

// numbers are events as people count them.
func numbers(events []int) (out []int) {
	for _, i := range events {
		out = append(out, i+1)
	}
	return out
}

func pointer(v change.Value) *string {
	if text, ok := v.Text(); ok {
		return &text
	}
	return nil
}

// lookUp adds what this region's database tells of the row.
func (r *BlameResult) lookUp(ctx context.Context, c *config.Config, s *chronicle.Story, rule *conflict.Rule) error {
	book, err := engines.Of(c).Cases(ctx)
	if err != nil {
		return err
	}
	defer book.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was only read from
	filter := casebook.Filter{Table: s.Key.Table, Key: r.Key, Oldest: true}
	err = book.Cases(ctx, filter, func(c *casebook.Case) error { r.Recorded = append(r.Recorded, c); return nil })
	if err != nil {
		return err
	}
	row, err := book.Row(ctx, rowOf(s))
	if errors.Is(err, casebook.ErrNoTable) {
		return nil
	}
	if err != nil {
		return err
	}
	r.compare(s, rule, row)
	return nil
}

// rowOf is the row as a case names it.
func rowOf(s *chronicle.Story) *casebook.Case {
	key, _ := s.Key.Values()
	c := &casebook.Case{Schema: s.Key.Table.Schema, Table: s.Key.Table.Name, Key: key}
	for i := range s.Events {
		e := &s.Events[i]
		v := casebook.Version{Image: casebook.Image{}}
		for _, image := range []change.Image{e.Old, e.Image} {
			for column, value := range image {
				if text := pointer(value); text != nil {
					v.Image[e.Table.Columns[column].Name] = text
				}
			}
		}
		c.Versions = append(c.Versions, v)
	}
	return c
}

// compare says in what the row in the database isn't what the events come to.
func (r *BlameResult) compare(s *chronicle.Story, rule *conflict.Rule, row *casebook.Row) {
	r.Present = row.Exists()
	if !r.Present || !r.Exists {
		return
	}
	here := make(change.Image, len(s.Outcome.Image))
	for i, c := range s.Outcome.Table.Columns {
		if text, ok := row.Values[c.Name]; !ok || s.Outcome.Image[i].IsAbsent() {
			here[i] = s.Outcome.Image[i] // not known
		} else if text == nil {
			here[i] = change.Null
		} else {
			here[i] = change.Text(*text)
		}
	}
	a, b := rule.Canonical(s.Outcome.Table, here), rule.Canonical(s.Outcome.Table, s.Outcome.Image)
	for i, c := range s.Outcome.Table.Columns {
		if a[i] != b[i] {
			r.Differs = append(r.Differs, c.Name)
		}
	}
}

func (r *BlameResult) summary() string {
	var lost []string
	for _, e := range r.Events {
		if e.Fate == chronicle.Lost {
			lost = append(lost, fmt.Sprint(e.Number))
		}
	}
	text := fmt.Sprintf("%s (%s): %s", r.Table, strings.Join(r.Key, ", "), show.Count(len(r.Events), "write"))
	if len(lost) > 0 {
		text += "; lost to concurrent ones: " + strings.Join(lost, ", ")
	}
	return text
}
