package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bridge/capture"
	"bridge/internal/mysql"
	"bridge/loopguard"
	"bridge/value"
)

// sequenceColumns are those of a MariaDB sequence, which the log shows as a table without a key.
var sequenceColumns = []string{"next_not_cached_value", "minimum_value", "maximum_value", "start_value", "increment", "cache_size", "cycle_option", "cycle_count"}

// resolve reads the rest of t's table map event. What makes rows of the table impossible to capture is
// t.err; the error returned is the catalog's.
func (ts *tables) resolve(ctx context.Context, t *table, from *catalog) error {
	if t.resolved {
		return nil
	}
	err := t.read(ctx, from, &ts.outward)
	if err != nil && !errors.Is(err, capture.ErrLog) {
		return err
	}
	t.resolved, t.err = true, err
	return nil
}

func (t *table) read(ctx context.Context, from *catalog, outward *capture.Outward) error {
	m, err := parseMetadata(t.name, t.body)
	if err != nil {
		return err
	}
	if len(m.names) != len(m.types) {
		return badLog("table %s: the log doesn't tell the columns' names, because binlog_row_metadata wasn't FULL when this was written. "+
			"SET GLOBAL binlog_row_metadata = FULL, put it into the server's option file, and join this region anew", t.name)
	}
	t.columns = make([]column, len(m.types))
	if err := t.describe(ctx, m, from); err != nil {
		return err
	}
	if err := t.nameNatives(ctx, from); err != nil {
		return err
	}
	switch t.role {
	case roleMarker:
		t.marker, err = t.find(loopguard.MarkerColumns)
		return err
	case roleBarrier:
		t.marker, err = t.find(barrierColumns)
		return err
	}
	if slices.EqualFunc(t.columns, sequenceColumns, func(c column, name string) bool { return c.name == name }) && len(m.key) == 0 {
		t.role = roleOther
		return nil
	}
	if err := t.setKey(ctx, m, from, outward.Others); err != nil {
		return err
	}
	return t.setShapes(from.flavor, outward)
}

// describe fills in the columns. The metadata lists each kind of fact for the columns that have it.
func (t *table) describe(ctx context.Context, m *metadata, from *catalog) error {
	var number, text, label, geometry int
	for i := range t.columns {
		c := &t.columns[i]
		c.name, c.typ, c.meta = m.names[i], m.types[i], m.metas[i]
		if isNumeric(c.typ) {
			c.unsigned = number/8 < len(m.signs) && m.signs[number/8]&(0x80>>(number%8)) != 0
			number++
		}
		c.unfoldMeta()
		var id uint64
		var known bool
		switch c.typ {
		case typeVarchar, typeVarString, typeString, typeBlob, typeCharPacked, typeBlobPacked:
			id, known = m.charsets.of(text)
			text++
		case typeEnum, typeSet:
			id, known = m.labelCharsets.of(label)
			label++
		case typeGeometry:
			if geometry < len(m.geometries) {
				c.geometry = m.geometries[geometry]
			}
			geometry++
			if from.mariadb() { // counts among the text columns there
				text++
			}
			continue
		default:
			continue
		}
		if !known {
			return badLog("table %s: the log doesn't tell the character set of column %q", t.name, c.name)
		}
		if c.charset = from.charsetOf(id); c.charset == nil {
			return badLog("table %s: the server doesn't tell the character set of collation %d, which column %q has", t.name, id, c.name)
		}
		c.collate = id
	}
	if err := t.readLabels(ctx, m, from); err != nil {
		return err
	}
	for i := range t.columns {
		if c := &t.columns[i]; c.typeName() == "" {
			return badLog("table %s: column %q has a type (%d) that bridge doesn't know. Of a date or time, it's the form of before MySQL 5.6: "+
				"run ALTER TABLE %s FORCE, on MariaDB with mysql56_temporal_format=ON", t.name, c.name, c.typ, mysql.QuoteTable(t.name))
		}
	}
	return nil
}

// readLabels fills in those of ENUM and SET columns. They're in the column's character set.
func (t *table) readLabels(ctx context.Context, m *metadata, from *catalog) error {
	enums, sets := m.enums, m.sets
	for i := range t.columns {
		c := &t.columns[i]
		list := &enums
		switch c.typ {
		case typeEnum:
		case typeSet:
			list = &sets
		default:
			continue
		}
		if len(*list) == 0 {
			return badLog("table %s: the log doesn't tell the labels of column %q", t.name, c.name)
		}
		for _, label := range (*list)[0] {
			text, err := c.charset.append(ctx, nil, label, from)
			if err != nil {
				return valueError(t.name, c.name, err)
			}
			c.labels = append(c.labels, string(text))
		}
		*list = (*list)[1:]
	}
	return nil
}

// unfoldMeta takes apart what two bytes of metadata hold.
func (c *column) unfoldMeta() {
	first, second := c.meta&0xff, c.meta>>8
	switch c.typ {
	case typeNewDecimal: // precision, scale
		c.meta = first<<8 | second
	case typeBit: // bits beyond whole bytes, bytes
		c.meta = second*8 + first
	case typeString:
		switch first {
		case typeEnum, typeSet: // and the size of the number
			c.typ, c.meta = byte(first), second
			return
		}
		// The type's byte lends two bits, inverted, to a length over 255.
		c.meta = second | (first&0x30^0x30)<<4
	}
}

// nameNatives finds out which BINARY columns are of MariaDB's types that the log shows as such. The catalog has them
// as they are now. Where a column was changed from one into the other while its log is still to be read, its values
// come under the later type's name, with the same bytes: other regions turn them into their column's type or refuse
// them, by that name.
func (t *table) nameNatives(ctx context.Context, from *catalog) error {
	if !from.mariadb() || t.role != roleData || !slices.ContainsFunc(t.columns, mayBeNative) {
		return nil
	}
	types, err := from.columnTypes(ctx, t.name)
	if err != nil {
		return err
	}
	for i := range t.columns {
		c := &t.columns[i]
		if !mayBeNative(*c) {
			continue
		}
		switch typ := types[c.name]; {
		case typ == "uuid", typ == "inet4", typ == "inet6":
			c.native = typ
		case strings.HasPrefix(typ, "binary"):
		case strings.HasPrefix(typ, "uuid"): // of before 10.11.5, in another order of bytes
			return badLog("table %s: column %q is a UUID in the form of an older MariaDB: run ALTER TABLE %s FORCE, and join this region anew",
				t.name, c.name, mysql.QuoteTable(t.name))
		default:
			return badLog("table %s: whether column %q is of type binary, uuid or inet isn't in the log, and the catalog hasn't the column any more: "+
				"create an empty table of that name with the same columns until bridge has read past this position", t.name, c.name)
		}
	}
	return nil
}

func mayBeNative(c column) bool {
	return c.typ == typeString && c.charset != nil && c.charset.binary && (c.meta == 4 || c.meta == 16)
}

// setKey notes the primary key and how its values are made comparable.
func (t *table) setKey(ctx context.Context, m *metadata, from *catalog, others []value.Engine) error {
	switch {
	case len(m.key) == 0:
		return badLog("table %s has no primary key, so nothing names its rows: ALTER TABLE %s ADD PRIMARY KEY (…), and start again after "+
			"excluding the table, or join this region anew", t.name, mysql.QuoteTable(t.name))
	case m.prefixed:
		return badLog("table %s: its primary key has only the first characters of a column, so it doesn't tell rows apart as bridge needs: "+
			"make the key of whole columns", t.name)
	}
	for _, k := range m.key {
		if k >= len(t.columns) {
			return badLog("table %s: the log names a key column %d of %d", t.name, k, len(t.columns))
		}
		if err := from.checkKey(&t.columns[k], others); err != nil {
			return badLog("table %s, key column %q: %w", t.name, t.columns[k].name, err)
		}
		form, err := from.keyForm(ctx, &t.columns[k])
		if err != nil {
			return fmt.Errorf("table %s, key column %q: %w", t.name, t.columns[k].name, err)
		}
		if form != nil && t.forms == nil {
			t.forms = make([]keyForm, len(t.columns))
		}
		if form != nil {
			t.forms[k] = form
		}
	}
	t.key = m.key
	return nil
}
