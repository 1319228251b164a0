package compare

import (
	"context"
	"fmt"

	"bridge/change"
	"bridge/stream"
	"bridge/wire"
)

// told is what a region's topic has told last.
type told struct {
	change.Position
	Origin change.Origin
	Seq    uint64
	Vector change.Vector
}

// reached reports whether the region had come to p.
func (t *told) reached(p change.Position) bool { return t.Offset >= p.Offset }

// await reads the end of a topic until it tells what cond asks for. A busy topic isn't read whole: it's always
// the newest record that is looked at.
func await(ctx context.Context, log stream.Log, region string, cond func(*told) bool) (*told, error) {
	looked := int64(-1) // the newest offset that was
	for {
		oldest, next, err := log.Bounds(ctx)
		if err != nil {
			return nil, err
		}
		from := next // waits for the next record
		if next > oldest && next-1 > looked {
			from = next - 1
		}
		records, err := log.Read(ctx, from)
		if err != nil {
			return nil, err
		}
		last := &records[len(records)-1]
		looked = last.Offset
		h, err := wire.Peek(last.Value)
		if err != nil {
			return nil, fmt.Errorf("topic %s offset %d: %w", log.Name(), last.Offset, err)
		}
		if h.Origin.Region() != region {
			return nil, fmt.Errorf("topic %s offset %d was written by %s, not by region %s: two regions must not share a topic",
				log.Name(), last.Offset, h.Origin, region)
		}
		if t := (&told{h.Position, h.Origin, h.State.Seq, h.State.Vector}); cond(t) {
			return t, nil
		}
	}
}
