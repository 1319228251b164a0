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
	Rows uint64
	// Definition and Content are digests, equal where the table's definition and rows are. What goes into them is
	// the writer's affair (compare.Baseline's).
	Definition, Content uint64
}

// StartRecord is the record that tells a region's baseline.
func StartRecord(cluster string, origin change.Origin, pos change.Position, wall change.Timestamp, baseline Baseline) []byte {
	b := NewBuilder(cluster, origin)
	content := binary.AppendUvarint(nil, uint64(len(baseline)))
	for _, t := range baseline {
		content = appendText(content, t.Schema)
		content = appendText(content, t.Name)
		content = binary.AppendUvarint(content, t.Rows)
		content = binary.BigEndian.AppendUint64(content, t.Definition)
		content = binary.BigEndian.AppendUint64(content, t.Content)
	}
	extensions := binary.AppendUvarint(nil, 1)
	extensions = binary.AppendUvarint(extensions, baselineExtension)
	extensions = appendText(extensions, string(content))
	return appendInt(b.appendHeader(nil, HeartbeatMessage, extensions, loopguard.State{}, pos), int64(wall))
}

// ParseBaseline is a header's baseline; false when the record isn't a [StartRecord]. It's the caller's.
func (h *Header) ParseBaseline() (Baseline, bool, error) {
	if h.start == "" {
		return nil, false, nil
	}
	r := reader{s: h.start}
	const least = 2 + 1 + 16 // bytes of a table
	n := r.count(1)
	if n > r.left()/least {
		r.corrupt("count exceeds the record")
		n = 0
	}
	baseline := make(Baseline, n)
	for i := range baseline {
		baseline[i] = TableBaseline{
			TableName: change.TableName{Schema: strings.Clone(r.text()), Name: strings.Clone(r.text())},
			Rows:      r.uint(), Definition: r.fixed(), Content: r.fixed(),
		}
	}
	if r.err == nil && r.left() > 0 {
		r.corrupt("more bytes than content")
	}
	if r.err != nil {
		return nil, true, fmt.Errorf("baseline: %w", r.err)
	}
	return baseline, true, nil
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
