package capture

import (
	"bridge/change"
	"bridge/naming"
	"bridge/value"
)

// Outward says in which form a region's rows go to the others. The zero Outward sends them as the log has them.
type Outward struct {
	// Names are the tables' and columns' names between the regions.
	Names naming.Names
	// Others are the engines of the other regions, but for this one's. Keys must name rows alike under the equality of
	// each, or the source refuses them.
	Others []value.Engine
	// Policy is what becomes here of other regions' values that a column can't hold, by local names; nil refuses
	// them all. A column with another policy may hold something else than its origin sent.
	Policy func(table change.TableName, column string) value.Policy
}

// Table is a table of the local log as the other regions know it, and the columns of which an unchanged value
// must not be sent: what this region stores there may not be what another sent, or may be written in another way,
// and sending it back would change the row where it came from, which nobody did. Key columns are never among them.
func (o *Outward) Table(local *change.Table) (stream *change.Table, withheld []int, err error) {
	if stream, err = o.Names.StreamTable(local); err != nil {
		return nil, nil, err
	}
	for i, c := range local.Columns {
		if !c.Key && (o.altered(local, c) || o.rewritten(local, c)) {
			withheld = append(withheld, i)
		}
	}
	return stream, withheld, nil
}

// Altered are the columns of a table with a policy that changes what doesn't fit. Which of their values an
// application has changed is told by complete old images alone: a table with such a column needs them.
func (o *Outward) Altered(local *change.Table) (columns []string) {
	for _, c := range local.Columns {
		if !c.Key && o.altered(local, c) {
			columns = append(columns, c.Name)
		}
	}
	return columns
}

func (o *Outward) altered(t *change.Table, c change.Column) bool {
	return o.Policy != nil && o.Policy(t.TableName, c.Name) != value.RefuseValue
}

// rewritten reports whether a column has one way of writing what columns of other engines may write in several.
func (o *Outward) rewritten(t *change.Table, c change.Column) bool {
	if len(o.Others) == 0 {
		return false
	}
	typ, err := value.OnWire(value.Engine(t.Engine), c.Type)
	return err == nil && (typ.Class == value.UUID || typ.Class == value.Inet || typ.Class == value.Array)
}

// Withhold takes those columns out of an update's new image that the update didn't change.
func Withhold(columns []int, old, row change.Image) {
	for _, i := range columns {
		if !old[i].IsAbsent() && row[i] == old[i] {
			row[i] = change.Absent
		}
	}
}
