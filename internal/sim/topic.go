package sim

import "bridge/wire"

// topic is a model of one region's topic: records in order, for ever.
type topic struct {
	records [][]byte
	data    int // how many of them carry transactions
}

func (t *topic) append(record []byte) {
	t.records = append(t.records, record)
	if h, err := wire.Peek(record); err == nil && h.Kind == wire.Data {
		t.data++
	}
}
