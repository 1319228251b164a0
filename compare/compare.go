package compare

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"bridge/change"
)

// Options are what the operator chooses.
type Options struct {
	// Selected says which tables to compare; nil is all that the regions replicate.
	Selected func(change.TableName) bool
	// Timeout bounds the rounds in which suspects are looked at again, not the scan; 0 is 2 minutes.
	Timeout time.Duration
	// AtRest says that nothing is on its way: no bridge runs. Topics aren't looked at then, and may be nil.
	AtRest bool
	// Keep bounds the suspects of a table that are looked at again; 0 is 10,000.
	Keep int
	// Progress, if set, is told of each table when its scan has ended.
	Progress func(*TableResult)
}

// Verdict says what was found out about a table or all of them.
type Verdict string

// The verdicts.
const (
	Equal     Verdict = "equal"
	Different Verdict = "different"
	Undecided Verdict = "undecided" // rows differ that may be on their way
)

// Result is what [Run] has found out. Its JSON is part of the command's interface.
type Result struct {
	Verdict Verdict        `json:"verdict"`
	Regions []string       `json:"regions"`
	Tables  []*TableResult `json:"tables"` // by name
	// Reason says why rows are undecided.
	Reason string `json:"reason,omitempty"`
}

// TableResult is what was found out about one table.
type TableResult struct {
	Table   string           `json:"table"`
	Verdict Verdict          `json:"verdict"`
	Rows    map[string]int64 `json:"rows,omitempty"` // by region, when it was scanned
	// Definition lists in what the definitions differ.
	Definition []string `json:"definition,omitempty"`
	// Limits lists which values of one region's columns another engine's can't hold.
	Limits []string `json:"limits,omitempty"`
	Key    []string `json:"key,omitempty"` // the key columns
	// Different are the rows that differ for good, Undecided those that differ and may be on their way.
	Different []Difference `json:"different,omitempty"`
	Undecided []Difference `json:"undecided,omitempty"`
	// AtLeast says that there were more suspects than are looked at again.
	AtLeast bool `json:"at_least,omitempty"`

	name change.TableName
}

// Difference is one row that isn't the same everywhere.
type Difference struct {
	Key []string `json:"key"`
	// Groups are the regions that have the row, those with equal content together.
	Groups [][]string `json:"groups,omitempty"`
	// Missing are the regions that don't have it.
	Missing []string `json:"missing,omitempty"`

	form []string // the key, as it sorts
}

// Run compares the members' tables. The error is of what couldn't be read.
func Run(ctx context.Context, members []Member, o Options) (*Result, error) {
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Minute
	}
	if o.Keep == 0 {
		o.Keep = 10_000
	}
	regions := make([]Region, len(members))
	for i, m := range members {
		regions[i] = m.Region
		if slices.Contains(names(regions[:i]), m.Name()) {
			return nil, fmt.Errorf("region %s was given twice", m.Name())
		}
	}
	tables, err := load(ctx, regions)
	if err != nil {
		return nil, err
	}
	result := &Result{Regions: names(regions), Tables: []*TableResult{}}
	var subjects []*subject
	for _, name := range slices.SortedFunc(maps.Keys(tables), compareNames) {
		if o.Selected != nil && !o.Selected(name) {
			continue
		}
		d := tables[name]
		t := &TableResult{Table: name.String(), name: name, Definition: d.differences(result.Regions), Limits: d.limits(result.Regions)}
		result.Tables = append(result.Tables, t)
		s, err := scanTable(ctx, members, d, t, o.Keep)
		if err != nil {
			return nil, err
		}
		if s != nil {
			subjects = append(subjects, s)
		}
		if o.Progress != nil {
			o.Progress(t)
		}
	}
	limited, cancel := context.WithTimeoutCause(ctx, o.Timeout, fmt.Errorf("gave up after %s", o.Timeout))
	defer cancel()
	result.Reason, err = settle(limited, members, subjects, o.AtRest)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	result.judge(subjects)
	return result, nil
}

func compareNames(a, b change.TableName) int {
	return slices.Compare([]string{a.Schema, a.Name}, []string{b.Schema, b.Name})
}

// scanTable scans one table in the regions that have it; nil when its rows can't be compared.
func scanTable(ctx context.Context, members []Member, d definitions, t *TableResult, keep int) (*subject, error) {
	var there []Member
	var regions []Region
	for _, m := range members {
		if d[m.Name()] != nil {
			there, regions = append(there, m), append(regions, m.Region)
		}
	}
	s := d.selection(t.name, names(regions))
	if s == nil {
		return nil, nil
	}
	found, err := scan(ctx, regions, s, keep)
	if err != nil {
		return nil, err
	}
	t.Rows, t.Key, t.AtLeast = found.rows, s.Key, found.more
	return &subject{Selection: s, members: there, suspects: found.suspects, result: t}, nil
}

// judge gives the verdicts when all has been looked at.
func (r *Result) judge(subjects []*subject) {
	for _, s := range subjects {
		for _, x := range s.suspects {
			s.result.Undecided = append(s.result.Undecided, s.difference(x))
		}
		inOrder := func(a, b Difference) int { return s.Compare(a.form, b.form) }
		slices.SortFunc(s.result.Different, inOrder)
		slices.SortFunc(s.result.Undecided, inOrder)
	}
	r.Verdict = Equal
	for _, t := range r.Tables {
		switch {
		case len(t.Definition) > 0 || len(t.Different) > 0:
			t.Verdict, r.Verdict = Different, Different
		case len(t.Undecided) > 0 || t.AtLeast:
			t.Verdict = Undecided
			if r.Verdict == Equal {
				r.Verdict = Undecided
			}
		default:
			t.Verdict = Equal
		}
	}
	if r.Verdict == Undecided && r.Reason == "" {
		r.Reason = "more rows were on their way than are looked at again: compare again when less is written"
	}
}

// difference says which regions have which row.
func (s *subject) difference(x *suspect) Difference {
	d := Difference{Key: x.key, form: x.key}
	if i := slices.IndexFunc(x.own, func(own []string) bool { return own != nil }); i >= 0 {
		d.Key = x.own[i] // forms aren't for reading
	}
	groups := map[string]int{}
	for i, l := range x.looks { // none if the time was over before
		m := s.members[i]
		at, known := groups[l.hash]
		switch {
		case !l.there:
			d.Missing = append(d.Missing, m.Name())
		case known:
			d.Groups[at] = append(d.Groups[at], m.Name())
		default:
			groups[l.hash] = len(d.Groups)
			d.Groups = append(d.Groups, []string{m.Name()})
		}
	}
	return d
}

// key is a row's name, for maps and messages.
func (s *Selection) key(values []string) change.Key {
	columns, image := make([]change.Column, len(values)), make(change.Image, len(values))
	for i, v := range values {
		columns[i], image[i] = change.Column{Name: s.Key[i], Key: true}, change.Text(v)
	}
	k, err := change.KeyOf(change.NewTable(s.TableName, columns, false), image, nil)
	if err != nil {
		panic("compare: a key of texts isn't one: " + err.Error())
	}
	return k
}
