package sim

import "bridge/wire"

// topic is a model of one region's topic: records in order, for ever.
type topic struct {
	world   *world
	absent  int // the step until which nobody can read in it again; what comes new is read all the same, if the lane isn't cut
	records [][]byte
	data    int // how many of them carry transactions
}

// away reports whether the topic can't be read again now.
func (t *topic) away() bool { return t.world.step < t.absent }

func (t *topic) append(record []byte) {
	t.records = append(t.records, record)
	if h, err := wire.Peek(record); err == nil && h.Kind == wire.Data {
		t.data++
	}
}
