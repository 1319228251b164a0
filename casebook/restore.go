package casebook

import (
	"fmt"
	"strings"
	"time"

	"bridge/apply"
	"bridge/change"
	"bridge/conflict"
	"bridge/visibility"
)

// Lost is a deleted row which a parked one names, as its delete found it.
type Lost struct {
	Schema string   `json:"table_schema"`
	Table  string   `json:"table_name"`
	Key    []string `json:"key"` // the values of the key's columns, as the row had them
	Image  Image    `json:"image"`
	// The delete's transaction.
	Origin    string    `json:"origin"`
	Seq       uint64    `json:"seq"`
	DeletedAt time.Time `json:"deleted_at"`

	keys []string // the key's columns, in their order
	form []string // the key's values as bridge compares them
}

// TableName is the table's, between the regions.
func (l *Lost) TableName() change.TableName { return change.TableName{Schema: l.Schema, Name: l.Table} }

// Row names the row for people.
func (l *Lost) Row() string { return l.TableName().String() + " (" + strings.Join(l.Key, ", ") + ")" }

// KeyColumns are those of its key, in the order of Key.
func (l *Lost) KeyColumns() []string { return l.keys }

// ValuesOf are the row's values of columns; ok is false where one is NULL, or none of the row's.
func (l *Lost) ValuesOf(columns []string) (values []string, ok bool) {
	return valuesOf(l.Image, columns)
}

// Again is the row to be inserted, as far as the table has columns for it. row is what there is of the table.
func (l *Lost) Again(row *Row) Change { return Change{Insert, fitted(l.Image, row, nil)} }

// restored is a case's outcome: a deleted row was inserted again for the sake of one that names it, as the foreign key's policy says.
const restored = "restored"

// NewRestored is the case of a deleted row that is inserted again, for the sake of a parked one: its delete is lost.
func NewRestored(p *Parked, l *Lost) *Case {
	return &Case{
		Type: string(conflict.DeleteConcurrent), Schema: l.Schema, Table: l.Table, Key: l.form, Rule: "constraint " + p.Constraint, Outcome: restored, Origin: l.Origin, Seq: l.Seq,
		Versions: []Version{{Origin: l.Origin, Seq: l.Seq, Time: l.DeletedAt, Kind: change.Delete.String(), Before: l.Image, Fate: apply.FateLost}},
		Result:   &apply.RecordedResult{Exists: true, Image: l.Image},
	}
}

// restoreStory tells of a row that was inserted again.
func (c *Case) restoreStory() (story []string) {
	for i := range c.Versions {
		v := &c.Versions[i]
		story = append(story, fmt.Sprintf("%s deleted the row at %s. Another one that names it had been written at the same time, and the policy of the %s is keep_parent: "+
			"this region inserted the row again, in all regions, as the delete had found it.", v.Dot(), v.Time.UTC().Format("2006-01-02 15:04:05.000000"), c.Rule))
	}
	return append(story, "It can be deleted again, once nothing names it any more.")
}

// tellLost says what's known of the deleted rows that a parked one names.
func (p *Parked) tellLost() (story []string) {
	for _, l := range p.Lost {
		story = append(story, fmt.Sprintf("%s was deleted by %s:%d at %s UTC; by the policy keep_parent one region inserts it again, as it was then, unless it's there.",
			l.Row(), l.Origin, l.Seq, l.DeletedAt.Format("2006-01-02 15:04:05.000000")))
	}
	return story
}

// newLost reads a deleted row of a parked one's document.
func newLost(v *visibility.Lost) (*Lost, error) {
	l := &Lost{Schema: v.Key.Table.Schema, Table: v.Key.Table.Name, Origin: string(v.Dot.Origin), Seq: v.Dot.Seq, DeletedAt: v.Time.Time()}
	l.form, _ = v.Key.Values()
	var whole bool
	if l.Image, l.keys, l.Key, whole = readRow(&v.Row); !whole {
		return nil, fmt.Errorf("row of bridge.parked: a deleted row of table %s: its key has NULL, or it has none", v.Key.Table)
	}
	return l, nil
}

// readRow takes a row of a document apart: its values by column, its key's columns, and their values. whole says that none of these is NULL.
func readRow(r *visibility.Row) (image Image, keys, key []string, whole bool) {
	image = Image{}
	for i := range r.Table.Columns {
		c := &r.Table.Columns[i]
		text, ok := r.Image[i].Text()
		if image[c.Name] = nil; ok {
			image[c.Name] = &text
		}
		if c.Key && ok {
			keys, key = append(keys, c.Name), append(key, text)
		}
	}
	return image, keys, key, len(key) == len(r.Table.Keys) && len(key) > 0
}
