package wire

import (
	"encoding/binary"
	"fmt"
	"strings"

	"bridge/change"
	"bridge/loopguard"
)

// baselineExtension is the extension that carries a [Baseline]. Whoever doesn't know it sees a heartbeat of a
// region that has published nothing yet, which is also what it is.
const baselineExtension = 64

// Baseline is what a region's tables held where its stream begins: as of [Header.Position], before its first
// transaction. Regions that replicate with each other must begin with the same. It's in the first record of a
// region's topic; when a region is set up again before it ever ran, the later one counts.
type Baseline []TableBaseline

// TableBaseline is one table of a [Baseline].
type TableBaseline struct {
	change.TableName
	Engine string // as [change.Table] has it
	Rows   uint64
	// Definition and Content are digests, equal where the engine and the table's definition, and the rows, are.
	// What goes into them is the writer's affair (compare.Digest's).
	Definition, Content uint64
	Columns             []ColumnBaseline // by name
}

// ColumnBaseline is one column of a [TableBaseline].
type ColumnBaseline struct {
	Name string
	Type string // as the engine declares it
	Key  bool
	// Altered says that the region stores something else in the column than other engines' values, where these don't
	// fit. A key column is never altered.
	Altered bool
	// Content is a digest of the column's values in all rows.
	Content uint64
}

// StartRecord is the record that tells a region's baseline.
func StartRecord(cluster string, origin change.Origin, pos change.Position, wall change.Timestamp, baseline Baseline) []byte {
	b := NewBuilder(cluster, origin)
	content := binary.AppendUvarint(nil, uint64(len(baseline)))
	for _, t := range baseline {
		content = appendTableBaseline(content, &t)
	}
	extensions := binary.AppendUvarint(nil, 1)
	extensions = binary.AppendUvarint(extensions, baselineExtension)
	extensions = appendText(extensions, string(content))
	return appendInt(b.appendHeader(nil, HeartbeatMessage, extensions, loopguard.State{}, pos), int64(wall))
}

func appendTableBaseline(b []byte, t *TableBaseline) []byte {
	b = appendText(b, t.Schema)
	b = appendText(b, t.Name)
	b = appendText(b, t.Engine)
	b = binary.AppendUvarint(b, t.Rows)
	b = binary.BigEndian.AppendUint64(b, t.Definition)
	b = binary.BigEndian.AppendUint64(b, t.Content)
	b = binary.AppendUvarint(b, uint64(len(t.Columns)))
	for i := range t.Columns {
		c := &t.Columns[i]
		b = appendText(b, c.Name)
		b = appendText(b, c.Type)
		b = append(b, c.mark())
		b = binary.BigEndian.AppendUint64(b, c.Content)
	}
	return b
}

// The marks of columns; 0 is of the others.
const (
	keyMark     = 1
	alteredMark = 2
)

func (c *ColumnBaseline) mark() byte {
	switch {
	case c.Key:
		return keyMark
	case c.Altered:
		return alteredMark
	}
	return 0
}

// ParseBaseline is a header's baseline; false when the record isn't a [StartRecord]. It's the caller's.
func (h *Header) ParseBaseline() (Baseline, bool, error) {
	if h.start == "" {
		return nil, false, nil
	}
	const least = 3 + 1 + 16 + 1 // bytes of a table
	r := reader{s: h.start}
	baseline := make(Baseline, r.atMost(least))
	for i := range baseline {
		baseline[i] = r.tableBaseline()
	}
	if r.err == nil && r.left() > 0 {
		r.corrupt("more bytes than content")
	}
	if r.err != nil {
		return nil, true, fmt.Errorf("baseline: %w", r.err)
	}
	return baseline, true, nil
}

func (r *reader) tableBaseline() (t TableBaseline) {
	t = TableBaseline{
		TableName: change.TableName{Schema: strings.Clone(r.text()), Name: strings.Clone(r.text())},
		Engine:    strings.Clone(r.text()), Rows: r.uint(), Definition: r.fixed(), Content: r.fixed(),
	}
	const least = 2 + 1 + 8 // bytes of a column
	if n := r.atMost(least); n > 0 {
		t.Columns = make([]ColumnBaseline, n)
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		c.Name, c.Type = strings.Clone(r.text()), strings.Clone(r.text())
		switch r.u8() {
		case 0:
		case keyMark:
			c.Key = true
		case alteredMark:
			c.Altered = true
		default:
			r.corrupt("a column with an unknown mark")
		}
		c.Content = r.fixed()
	}
	return t
}

// atMost is a count of things of so many bytes at least, of which there can't be more than the record has room for.
func (r *reader) atMost(least int) int {
	n := r.count(1)
	if n > r.left()/least {
		r.corrupt("count exceeds the record")
		return 0
	}
	return n
}

// fixed is a u64 of eight bytes, big end first.
func (r *reader) fixed() uint64 {
	if r.err != nil || r.left() < 8 {
		r.corrupt("cut short")
		return 0
	}
	r.at += 8
	return binary.BigEndian.Uint64([]byte(r.s[r.at-8 : r.at]))
}
