package visibility

import (
	"encoding/binary"
	"sync"

	"bridge/change"
)

// Places remembers what rows take of a computed key, by the values of the columns that it reads: a settlement asks for the same rows again and
// again. It keeps the last so many, of short values. It's safe for concurrent use.
type Places[P any] struct {
	mu    sync.Mutex
	known map[string]P
}

// Get is the place of a row with these values, if it's known.
func (p *Places[P]) Get(values []change.Value) (found P, ok bool) {
	key := Joined(values)
	p.mu.Lock()
	defer p.mu.Unlock()
	found, ok = p.known[key]
	return found, ok
}

// Put notes it.
func (p *Places[P]) Put(values []change.Value, found P) {
	const enough, long = 1 << 10, 1 << 10 // places, bytes
	key := Joined(values)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || len(p.known) >= enough {
		p.known = map[string]P{}
	}
	if len(key) < long {
		p.known[key] = found
	}
}

// Joined is values as one text, which others don't have. What isn't a text is as NULL.
func Joined(values []change.Value) string {
	var b []byte
	for _, v := range values {
		if text, ok := v.Text(); ok {
			b = binary.AppendUvarint(b, uint64(len(text))+1)
			b = append(b, text...)
		} else {
			b = append(b, 0)
		}
	}
	return string(b)
}
