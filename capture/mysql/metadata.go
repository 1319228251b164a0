package mysql

import (
	"bridge/change"
)

// The fields of a table map event's optional metadata.
const (
	metaSigns           = 1
	metaDefaultCharset  = 2
	metaColumnCharset   = 3
	metaNames           = 4
	metaSetLabels       = 5
	metaEnumLabels      = 6
	metaGeometry        = 7
	metaSimpleKey       = 8
	metaPrefixKey       = 9
	metaLabelsDefault   = 10 // the charset of ENUM and SET, by default
	metaLabelsCharset   = 11
	metaVisibility      = 12
	metaVectorDimension = 13
)

// metadata is a table map event taken apart, each field in the order of the columns that have it.
type metadata struct {
	types []byte
	metas []uint16
	names []string
	signs []byte
	key   []int

	charsets, labelCharsets collations
	enums, sets             [][][]byte
	geometries              []uint64
	prefixed                bool // a column of the primary key counts with its first characters only
}

// collations are those of one group of columns: one for each, or a default and those that differ.
type collations struct {
	each   []uint64
	common uint64
	other  map[uint64]uint64
	known  bool
}

func (cs *collations) of(n int) (uint64, bool) {
	if id, ok := cs.other[uint64(n)]; ok {
		return id, true
	}
	if n < len(cs.each) {
		return cs.each[n], true
	}
	return cs.common, cs.known && cs.each == nil
}

// parseMetadata reads a table map event from its flags on.
func parseMetadata(name change.TableName, body []byte) (*metadata, error) {
	m := &metadata{}
	c := cursor{rest: body}
	c.uint16()
	c.name()
	c.name()
	count := c.packed()
	m.types = c.sized(count)
	metas := cursor{rest: c.packedBytes()}
	c.sized((count + 7) / 8) // which columns may be NULL: nothing depends on it
	m.metas = make([]uint16, len(m.types))
	for i, typ := range m.types {
		switch metaBytes(typ) {
		case 1:
			m.metas[i] = uint16(metas.byte())
		case 2:
			m.metas[i] = metas.uint16()
		}
		if typ == typeTypedArray {
			return nil, badLog("table %s: the log shows the hidden column of a multi-valued index, which bridge can't read: drop the index", name)
		}
	}
	for len(c.rest) > 0 && !c.short {
		field := c.byte()
		if err := m.field(field, c.packedBytes()); err != nil {
			return nil, err
		}
	}
	c.short = c.short || metas.short
	return m, c.done("table map event")
}

func (m *metadata) field(field byte, value []byte) error {
	c := cursor{rest: value}
	switch field {
	case metaSigns:
		m.signs = value
	case metaDefaultCharset:
		m.charsets = c.defaultCollations()
	case metaColumnCharset:
		m.charsets = collations{each: c.packedList()}
	case metaLabelsDefault:
		m.labelCharsets = c.defaultCollations()
	case metaLabelsCharset:
		m.labelCharsets = collations{each: c.packedList()}
	case metaNames:
		for len(c.rest) > 0 {
			m.names = append(m.names, string(c.take(int(c.byte()))))
		}
	case metaSetLabels:
		m.sets = c.labels()
	case metaEnumLabels:
		m.enums = c.labels()
	case metaGeometry:
		m.geometries = c.packedList()
	case metaSimpleKey:
		for _, i := range c.packedList() {
			m.key = append(m.key, int(i))
		}
	case metaPrefixKey:
		for len(c.rest) > 0 {
			m.key = append(m.key, int(c.packed()))
			m.prefixed = c.packed() > 0 || m.prefixed
		}
	case metaVisibility, metaVectorDimension: // nothing depends on them
	default:
		return badLog("table map event has metadata of the unknown kind %d: this server is newer than bridge knows", field)
	}
	return c.done("table map event")
}

func (c *cursor) packedList() []uint64 {
	list := []uint64{}
	for len(c.rest) > 0 {
		list = append(list, c.packed())
	}
	return list
}

func (c *cursor) defaultCollations() collations {
	cs := collations{known: true, common: c.packed(), other: make(map[uint64]uint64)}
	for len(c.rest) > 0 {
		n := c.packed()
		cs.other[n] = c.packed()
	}
	return cs
}

func (c *cursor) labels() [][][]byte {
	var all [][][]byte
	for len(c.rest) > 0 {
		labels := [][]byte{}
		for n := c.packed(); n > 0 && !c.short; n-- {
			labels = append(labels, c.packedBytes())
		}
		all = append(all, labels)
	}
	return all
}
