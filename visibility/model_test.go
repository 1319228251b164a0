package visibility

import (
	"context"
	"fmt"
	"slices"

	"bridge/change"

	"pgregory.net/rapid"
)

// plain holds equal texts for equal values.
type plain struct{}

func (plain) Form(_ context.Context, _ change.TableName, _, text string) (string, error) {
	return text, nil
}

func mark(t *Table, r *Row) (Marks, error) { return Mark(context.Background(), plain{}, t, r) }

// The tables of these tests: teams, that name a leader among people; people, that name a team and a mentor.
var (
	teamShape   = change.NewTable(change.TableName{Schema: "public", Name: "team"}, columnsOf("leader", "name", "mail"), false)
	personShape = change.NewTable(change.TableName{Schema: "public", Name: "person"}, columnsOf("team", "mentor", "mail", "nick"), false)
)

func columnsOf(names ...string) []change.Column {
	columns := []change.Column{{Name: "id", Type: "integer", Key: true}}
	for _, n := range names {
		columns = append(columns, change.Column{Name: n, Type: "text"})
	}
	return columns
}

// catalogOf has the policies that are asked for.
func catalogOf(mail, nick Loser, child ForeignPolicy, nulls bool) Catalog {
	team := &Table{Shape: teamShape, Unique: []Unique{{Name: "team_mail", Columns: []string{"mail"}, UniquePolicy: UniquePolicy{Loser: mail, Column: "mail"}}}}
	person := &Table{Shape: personShape, Unique: []Unique{
		{Name: "person_mail", Columns: []string{"mail"}, NullsEqual: nulls, UniquePolicy: UniquePolicy{Loser: mail, Column: "mail"}},
		{Name: "person_nick", Columns: []string{"team", "nick"}, UniquePolicy: UniquePolicy{Loser: nick, Column: "nick"}},
	}}
	person.Foreign = []Foreign{
		{Name: "of_team", Columns: []string{"team"}, Parent: teamShape.TableName, Refers: team.Refer([]string{"id"}), Policy: child},
		{Name: "of_mentor", Columns: []string{"mentor"}, Parent: personShape.TableName, Refers: person.Refer([]string{"id"}), Policy: child},
	}
	team.Foreign = []Foreign{{Name: "of_leader", Columns: []string{"leader"}, Parent: personShape.TableName, Refers: person.Refer([]string{"id"})}}
	return Catalog{teamShape.TableName: team, personShape.TableName: person}
}

// rowOf is a row; "" is NULL.
func rowOf(t *change.Table, values ...string) *Row {
	image := make(change.Image, len(values))
	for i, v := range values {
		if image[i] = change.Text(v); v == "" {
			image[i] = change.Null
		}
	}
	key, err := change.KeyOf(t, image, nil)
	if err != nil {
		panic(err)
	}
	return &Row{Key: key, Table: t, Image: image}
}

// candidateOf is a candidate that the table doesn't show yet.
func candidateOf(c Catalog, time change.Timestamp, row *Row) *Candidate {
	out := &Candidate{Key: row.Key, Table: c[row.Key.Table], Row: row, Claim: Claim{Version: change.Version{Time: time, Origin: change.NewOrigin("eu", 1)}, Key: row.Key}}
	var err error
	if out.Marks, err = mark(out.Table, row); err != nil {
		panic(err)
	}
	return out
}

// drawWorld draws all the candidates that there are.
func drawWorld(t *rapid.T) (Catalog, []*Candidate) {
	losers := rapid.SampledFrom([]Loser{Park, Park, Null, Rename})
	c := catalogOf(losers.Draw(t, "mail"), losers.Draw(t, "nick"), rapid.SampledFrom([]ForeignPolicy{ParkChild, NullChild}).Draw(t, "child"), rapid.Bool().Draw(t, "nulls equal"))
	few := func(name string) string {
		return rapid.SampledFrom([]string{"", "1", "2", "3", "1~3", "2~2"}).Draw(t, name)
	}
	var all []*Candidate
	for id := range rapid.IntRange(0, 3).Draw(t, "teams") {
		row := rowOf(teamShape, fmt.Sprint(id+1), few("leader"), "t", few("mail"))
		all = append(all, candidateOf(c, change.Timestamp(rapid.IntRange(1, 4).Draw(t, "time")), row))
	}
	for id := range rapid.IntRange(0, 5).Draw(t, "people") {
		row := rowOf(personShape, fmt.Sprint(id+1), few("team"), few("mentor"), few("mail"), few("nick"))
		all = append(all, candidateOf(c, change.Timestamp(rapid.IntRange(1, 4).Draw(t, "time")), row))
	}
	for _, candidate := range all {
		switch rapid.IntRange(0, 9).Draw(t, "fate") {
		case 0:
			candidate.Row, candidate.Marks = nil, Marks{}
		case 1:
			candidate.Refuses = "check"
		}
	}
	return c, all
}

// sceneOf decides candidates, all parents being sought.
func sceneOf(c Catalog, all []*Candidate, mark Marker) (*Scene, error) {
	s := NewScene(c)
	for _, candidate := range all {
		one := *candidate
		s.Add(&one)
		for _, v := range one.Marks.Names {
			s.Sought[v] = true
		}
	}
	return s, s.Decide(mark)
}

// Equal reports whether two rows have the same values.
func (m *Marks) Equal(o *Marks) bool {
	return slices.Equal(m.Holds, o.Holds) && slices.Equal(m.Names, o.Names) && slices.Equal(m.Offers, o.Offers)
}
