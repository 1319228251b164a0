package casebook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bridge/change"
	"bridge/visibility"
)

// Parked is a row that a constraint keeps this region's table from showing as it is: a row of bridge.parked. Its JSON has
// the names of that table's columns.
type Parked struct {
	Schema string   `json:"table_schema"`
	Table  string   `json:"table_name"`
	Key    []string `json:"key"` // the values of the key's columns, as the row has them
	// Image is the row as it would be shown, and Shown what's shown in its place; nil of a row that's hidden.
	Image Image `json:"image"`
	Shown Image `json:"shown,omitempty"`
	// The claim is the time and origin by which the row was ranked against its rivals.
	ClaimTime   time.Time         `json:"claim_time"`
	ClaimOrigin string            `json:"claim_origin"`
	Reason      visibility.Reason `json:"reason"`
	Constraint  string            `json:"constraint_name,omitempty"`
	ParkedAt    time.Time         `json:"parked_at"`
	// Lost are the deleted rows that the policy keep_parent of its foreign keys would have inserted again, each after those that it names itself. Some
	// may be there.
	Lost []*Lost `json:"lost,omitempty"`

	columns, keys []string // the image's and the key's, in their order
	form          []string // the key's values as bridge compares them
	document      string
}

// ParkedFilter chooses parked rows. Its zero value is all of them, the newest first.
type ParkedFilter struct {
	Table  change.TableName // an empty Schema or Name is any
	Key    []string         // the values of the key's columns, as the row has them; nil is any
	Reason visibility.Reason
	Limit  int // 0 is none
}

// Errors about parked rows.
var (
	ErrNotParked = errors.New(`no such row is parked in this region ("bridge parked list" lists them)`)
	// ErrSuperseded means that the row isn't bridge's to show any more.
	ErrSuperseded = errors.New("the table has a row with this key by now, which supersedes the parked one: the running bridge takes it out of bridge.parked")
	// ErrUntaken means that the database doesn't take a row: a constraint, or a value that doesn't fit.
	ErrUntaken = errors.New("the database doesn't take the row")
)

// NewParked reads a row of bridge.parked: its document, and when it was written by the database's clock.
func NewParked(document []byte, at time.Time) (*Parked, error) {
	v, err := visibility.ParseParked(document)
	if err != nil {
		return nil, err
	}
	p := &Parked{
		Schema: v.Key.Table.Schema, Table: v.Key.Table.Name, Reason: v.Reason, Constraint: v.Constraint, ParkedAt: at.UTC(),
		ClaimTime: v.Claim.Time.Time(), ClaimOrigin: string(v.Claim.Origin), document: string(document),
	}
	p.form, _ = v.Key.Values()
	for i := range v.Table.Columns {
		p.columns = append(p.columns, v.Table.Columns[i].Name)
	}
	var whole bool
	if p.Image, p.keys, p.Key, whole = readRow(&v.Row); !whole {
		return nil, fmt.Errorf("row of bridge.parked, of table %s: its key has NULL, or it has none", v.Key.Table)
	}
	for i := range v.Lost {
		l, err := newLost(&v.Lost[i])
		if err != nil {
			return nil, err
		}
		p.Lost = append(p.Lost, l)
	}
	if v.Shown != nil {
		p.Shown = Image{}
	}
	for i, value := range v.Shown {
		text, ok := value.Text()
		if p.Shown[p.columns[i]] = nil; ok {
			p.Shown[p.columns[i]] = &text
		}
	}
	return p, nil
}

// TableName is the table's, between the regions.
func (p *Parked) TableName() change.TableName {
	return change.TableName{Schema: p.Schema, Name: p.Table}
}

// Row names the row for people.
func (p *Parked) Row() string { return p.TableName().String() + " (" + strings.Join(p.Key, ", ") + ")" }

// Hidden reports whether the table shows nothing of the row.
func (p *Parked) Hidden() bool { return p.Shown == nil }

// Columns are the row's, in their order.
func (p *Parked) Columns() []string { return p.columns }

// KeyColumns are those of its key, in the order of Key.
func (p *Parked) KeyColumns() []string { return p.keys }

// Is reports whether the filter lets the row through.
func (f *ParkedFilter) Is(p *Parked) bool {
	return (f.Table.Schema == "" || f.Table.Schema == p.Schema) && (f.Table.Name == "" || f.Table.Name == p.Table) &&
		(f.Key == nil || slices.Equal(f.Key, p.Key) || slices.Equal(f.Key, p.form)) && (f.Reason == "" || f.Reason == p.Reason)
}

// FindParked is the parked row with a key. The error wraps [ErrNotParked].
func FindParked(ctx context.Context, book Book, table change.TableName, key []string) (found *Parked, err error) {
	err = book.Parked(ctx, ParkedFilter{Table: table, Key: key}, func(p *Parked) error { found = p; return nil })
	if err == nil && found == nil {
		err = fmt.Errorf("%s (%s): %w", table, strings.Join(key, ", "), ErrNotParked)
	}
	return found, err
}

// Obstacle is what stands in a parked row's way, as the database has it now.
type Obstacle struct {
	// Columns and Values are what the constraint is about: the row's unique value, or how it names its parent.
	Columns []string `json:"columns"`
	Values  []string `json:"values"`
	// Schema and Table are where the value is looked for, by At: the row's own table and the same columns, or its parent's.
	Schema string   `json:"table_schema"`
	Table  string   `json:"table_name"`
	At     []string `json:"at"`
	// Row is the row there that has the value, and Key its key; nil if there's none, which is what a foreign key lacks.
	Row Image    `json:"row"`
	Key []string `json:"key,omitempty"`
	// Parked are the other parked rows there with the value.
	Parked []*Parked `json:"parked,omitempty"`
	// Parent says that the constraint is a foreign key.
	Parent bool `json:"parent,omitempty"`
	// Computed says that the constraint is a unique key of expressions, or of the rows that meet a condition. Columns are those that it reads, and
	// the rest isn't known: rows with other values may be in the way.
	Computed bool `json:"computed,omitempty"`
}

// TableName is the table that the value is looked for in, between the regions.
func (o *Obstacle) TableName() change.TableName {
	return change.TableName{Schema: o.Schema, Name: o.Table}
}

// Found notes the row there that has the value, whose key has these columns.
func (o *Obstacle) Found(row *Row, key []string) {
	o.Row = row.Values
	for _, name := range key {
		if text := row.Values[name]; text != nil {
			o.Key = append(o.Key, *text)
		}
	}
}

// InTheWay tells what stands in a row's way; nil where that isn't another row, or the constraint isn't there any more.
func InTheWay(ctx context.Context, book Book, p *Parked) (*Obstacle, error) {
	if p.Reason == visibility.Refused {
		return nil, nil
	}
	o, err := book.Obstacle(ctx, p)
	if o == nil || o.Computed || err != nil {
		return o, err
	}
	err = book.Parked(ctx, ParkedFilter{Table: o.TableName()}, func(other *Parked) error {
		values, ok := other.ValuesOf(o.At)
		if ok && slices.Equal(values, o.Values) && other.Row() != p.Row() {
			o.Parked = append(o.Parked, other)
		}
		return nil
	})
	return o, err
}

// ValuesOf are a parked row's values of columns; ok is false where one is NULL, or none of the row's.
func (p *Parked) ValuesOf(columns []string) (values []string, ok bool) {
	return valuesOf(p.Image, columns)
}
