package visibility

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"bridge/change"
)

// Reason is why a candidate isn't shown as it is.
type Reason string

// The reasons.
const (
	ByUnique Reason = "unique"      // another row holds one of its unique values
	ByParent Reason = "foreign_key" // the parent that it names isn't there
	Refused  Reason = "refused"     // this database doesn't take it: a check, a column that mustn't be NULL, a value out of range
)

// Parked is a candidate that the table doesn't show, or shows altered. It's a row of bridge.parked.
type Parked struct {
	Row
	Claim      Claim
	Reason     Reason
	Constraint string // its name in this database
	// Shown is what the table shows instead; nil of a row that's hidden.
	Shown change.Image
	// Lost are, as far as they're known, the deleted rows that the row names by foreign keys of the policy [KeepParent], each after those that it
	// names itself by such keys, and so on. Some of them may be there again.
	Lost []Lost
}

// Lost is a row that was deleted, as its delete found it.
type Lost struct {
	Row
	Dot  change.Dot // of the delete's transaction
	Time change.Timestamp
}

// Version is the delete's.
func (l *Lost) Version() change.Version { return change.Version{Time: l.Time, Origin: l.Dot.Origin} }

// document is a parked row as JSON: all that ParseParked needs.
type document struct {
	documentRow
	Shown  []documentValue `json:"shown,omitempty"`
	Time   int64           `json:"claim_time"`
	Origin string          `json:"claim_origin"`
	After  uint32          `json:"claim_after,omitempty"`
	Reason Reason          `json:"reason"`
	Broken string          `json:"constraint,omitempty"`
	Lost   []documentLost  `json:"lost,omitempty"`
}

type documentRow struct {
	Row     []byte           `json:"row"` // of the key
	Schema  string           `json:"schema"`
	Name    string           `json:"name"`
	Columns []documentColumn `json:"columns"`
	Full    bool             `json:"full,omitempty"`
	Image   []documentValue  `json:"image"`
}

type documentLost struct {
	documentRow
	Time   int64  `json:"time"`
	Origin string `json:"origin"`
	Seq    uint64 `json:"seq"`
}

type documentColumn struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Key  bool   `json:"key,omitempty"`
}

// documentValue is a text, or bytes where it isn't UTF-8, or neither: NULL.
type documentValue struct {
	Text  *string `json:"t,omitempty"`
	Bytes []byte  `json:"b,omitempty"`
}

// Document is the parked row for bridge.parked.document; [ParseParked] reads it.
func (p *Parked) Document() ([]byte, error) {
	d := document{
		documentRow: rowDocument(&p.Row), Shown: documentImage(p.Shown),
		Time: int64(p.Claim.Time), Origin: string(p.Claim.Origin), After: p.Claim.After, Reason: p.Reason, Broken: p.Constraint,
	}
	for i := range p.Lost {
		l := &p.Lost[i]
		d.Lost = append(d.Lost, documentLost{rowDocument(&l.Row), int64(l.Time), string(l.Dot.Origin), l.Dot.Seq})
	}
	out, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("write down parked row %s: %w", p.Key, err)
	}
	return out, nil
}

func rowDocument(r *Row) documentRow {
	d := documentRow{Row: []byte(r.Key.Row), Schema: r.Table.Schema, Name: r.Table.Name, Full: r.Table.Full, Image: documentImage(r.Image)}
	for i := range r.Table.Columns {
		c := &r.Table.Columns[i]
		d.Columns = append(d.Columns, documentColumn{c.Name, c.Type, c.Key})
	}
	return d
}

func documentImage(image change.Image) []documentValue {
	if image == nil {
		return nil
	}
	out := make([]documentValue, len(image))
	for i, v := range image {
		if text, ok := v.Text(); ok && utf8.ValidString(text) {
			out[i].Text = &text
		} else if ok {
			out[i].Bytes = []byte(text)
		}
	}
	return out
}

// ParseParked reads what [Parked.Document] wrote.
func ParseParked(text []byte) (Parked, error) {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return Parked{}, fmt.Errorf("row of bridge.parked is not bridge's: %w", err)
	}
	row, err := d.parse()
	if err != nil {
		return Parked{}, err
	}
	p := Parked{Row: row, Reason: d.Reason, Constraint: d.Broken, Shown: parseImage(d.Shown)}
	p.Claim = Claim{change.Version{Time: change.Timestamp(d.Time), Origin: change.Origin(d.Origin)}, d.After, p.Key}
	if p.Shown != nil && len(p.Shown) != len(p.Image) {
		return Parked{}, fmt.Errorf("row %s of bridge.parked has %d values of %d columns", p.Key, len(p.Shown), len(p.Image))
	}
	for i := range d.Lost {
		l := &d.Lost[i]
		row, err := l.parse()
		if err != nil {
			return Parked{}, err
		}
		p.Lost = append(p.Lost, Lost{row, change.Dot{Origin: change.Origin(l.Origin), Seq: l.Seq}, change.Timestamp(l.Time)})
	}
	return p, nil
}

func (d *documentRow) parse() (Row, error) {
	var columns []change.Column
	for _, c := range d.Columns {
		columns = append(columns, change.Column{Name: c.Name, Type: c.Type, Key: c.Key})
	}
	t := change.NewTable(change.TableName{Schema: d.Schema, Name: d.Name}, columns, d.Full)
	r := Row{Key: change.Key{Table: t.TableName, Row: string(d.Row)}, Table: t, Image: parseImage(d.Image)}
	if len(r.Image) != len(columns) {
		return Row{}, fmt.Errorf("row %s of bridge.parked has %d values of %d columns", r.Key, len(r.Image), len(columns))
	}
	return r, nil
}

func parseImage(values []documentValue) change.Image {
	if values == nil {
		return nil
	}
	image := make(change.Image, len(values))
	for i, v := range values {
		switch {
		case v.Text != nil:
			image[i] = change.Text(*v.Text)
		case v.Bytes != nil:
			image[i] = change.Text(string(v.Bytes))
		default:
			image[i] = change.Null
		}
	}
	return image
}
