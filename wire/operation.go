package wire

import (
	"encoding/binary"
	"fmt"
	"math"

	"bridge/change"
)

// SizeOf is at least the number of bytes that the operation takes in a record, without its table's
// definition. An operation can't be split: one above the topic's limit can't be published.
func SizeOf(op *change.Operation) int {
	size := 1 + binary.MaxVarintLen32 + textSize(op.Key.Row)
	for _, r := range [...]change.Image{op.New, op.Old} {
		size += (len(r) + 3) / 4
		for i := range r {
			if s, ok := r[i].Text(); ok {
				size += textSize(s)
			}
		}
	}
	return size
}

func (b *Builder) appendOperation(op *change.Operation) error {
	if err := check(op); err != nil {
		return err
	}
	flags := byte(op.Kind)
	if op.Table == b.lastTable {
		flags |= flagSameTable
	}
	if !keyIsImplied(op) {
		flags |= flagKey
	}
	if op.New != nil && !allText(op.New) {
		flags |= flagNewStates
	}
	if op.Old != nil {
		flags |= flagOld
		if op.New != nil || !allText(op.Old) {
			flags |= flagOldStates // unchanged columns aren't repeated
		}
	}
	b.body = append(b.body, flags)
	if flags&flagSameTable == 0 {
		index, err := b.tableIndex(op.Table)
		if err != nil {
			return err
		}
		b.body = binary.AppendUvarint(b.body, uint64(index))
	}
	if flags&flagKey != 0 {
		b.body = appendText(b.body, op.Key.Row)
	}
	if op.New != nil {
		b.body = appendImage(b.body, op.New, nil, flags&flagNewStates != 0)
	}
	if op.Old != nil {
		b.body = appendImage(b.body, op.Old, op.New, flags&flagOldStates != 0)
	}
	b.values += len(op.New) + len(op.Old)
	return nil
}

// check refuses operations that couldn't be read back as they are.
func check(op *change.Operation) error {
	if op.Table == nil {
		return fmt.Errorf("%s of %s without a table", op.Kind, op.Key)
	}
	wantNew, mayOld := false, false
	switch op.Kind {
	case change.Insert:
		wantNew = true
	case change.Update:
		wantNew, mayOld = true, true
	case change.Delete:
		mayOld = true
	case change.Truncate:
	default:
		return fmt.Errorf("%s of %s can't be encoded", op.Kind, op.Key)
	}
	columns := len(op.Table.Columns)
	switch {
	case op.Key.Table != op.Table.TableName:
		return fmt.Errorf("%s of table %s has a key of table %s", op.Kind, op.Table, op.Key.Table)
	case (op.Key.Row == "") != (op.Kind == change.Truncate):
		return fmt.Errorf("%s of table %s with the key %s", op.Kind, op.Table, op.Key)
	case (op.New != nil) != wantNew, op.Old != nil && !mayOld:
		return fmt.Errorf("%s of %s with the wrong images (old %t, new %t)", op.Kind, op.Key, op.Old != nil, op.New != nil)
	case op.New != nil && len(op.New) != columns, op.Old != nil && len(op.Old) != columns:
		return fmt.Errorf("%s of %s: images of %d and %d columns, the table has %d", op.Kind, op.Key, len(op.Old), len(op.New), columns)
	}
	return nil
}

func keyIsImplied(op *change.Operation) bool {
	switch r := keyImage(op); {
	case r != nil:
		return isPlainKey(op.Table, r, op.Key.Row)
	default:
		return op.Kind == change.Truncate
	}
}

// keyImage is the image that the operation's key may be left out for.
func keyImage(op *change.Operation) change.Image {
	if op.Kind == change.Delete {
		return op.Old
	}
	return op.New
}

func (b *Builder) tableIndex(t *change.Table) (int, error) {
	index, ok := b.tables[t.Fingerprint()]
	if !ok {
		if len(t.Columns) > math.MaxUint16 {
			return 0, fmt.Errorf("table %s has %d columns", t, len(t.Columns))
		}
		index = len(b.tables)
		b.tables[t.Fingerprint()] = index
		b.defs = appendTable(b.defs, t)
	}
	b.lastTable = t
	return index, nil
}

// definition is how many bytes the table's definition will add to the record.
func (b *Builder) definition(t *change.Table) int {
	if t == b.lastTable {
		return 0
	}
	if _, ok := b.tables[t.Fingerprint()]; ok {
		return 0
	}
	size := textSize(t.Schema) + textSize(t.Name) + 1 + uvarintSize(len(t.Columns))
	if t.Engine != "" {
		size += textSize(t.Engine)
	}
	for i := range t.Columns {
		size += textSize(t.Columns[i].Name) + textSize(t.Columns[i].Type) + 1
	}
	return size
}

func appendTable(to []byte, t *change.Table) []byte {
	to = appendText(to, t.Schema)
	to = appendText(to, t.Name)
	to = append(to, flagIf(t.Full, flagFull)|flagIf(t.Engine != "", flagEngine))
	if t.Engine != "" {
		to = appendText(to, t.Engine)
	}
	to = binary.AppendUvarint(to, uint64(len(t.Columns)))
	for i := range t.Columns {
		c := &t.Columns[i]
		to = appendText(to, c.Name)
		to = appendText(to, c.Type)
		to = append(to, flagIf(c.Key, flagIsKey))
	}
	return to
}

func flagIf(set bool, flag byte) byte {
	if set {
		return flag
	}
	return 0
}

func allText(r change.Image) bool {
	for i := range r {
		if _, ok := r[i].Text(); !ok {
			return false
		}
	}
	return true
}

// appendImage writes an image; a text that's the same in the image beside is written as such.
func appendImage(to []byte, r, beside change.Image, states bool) []byte {
	if !states {
		for i := range r {
			s, _ := r[i].Text()
			to = appendText(to, s)
		}
		return to
	}
	at := len(to)
	for range (len(r) + 3) / 4 {
		to = append(to, 0)
	}
	for i := range r {
		state := byte(stateText)
		s, ok := r[i].Text()
		switch {
		case r[i].IsAbsent():
			state = stateAbsent
		case !ok:
			state = stateNull
		case beside != nil && r[i] == beside[i]:
			state = stateAsNew
		default:
			to = appendText(to, s)
		}
		to[at+i/4] |= state << (i % 4 * 2)
	}
	return to
}
