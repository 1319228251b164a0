// Package stream is the way between regions: one [Log] per region, which that region appends to and
// the others read. stream/kafka is the Log on Apache Kafka and what speaks its protocol;
// stream/embedded runs a broker in this process for demos and tests.
package stream

import (
	"context"
	"errors"
	"time"
)

// Record is one message of a region's topic.
type Record struct {
	Offset int64
	Time   time.Time // when the broker or the producer stamped it
	Value  []byte
}

// ErrOutOfRange is returned by [Log.Read] when the topic no longer has, or never had, the offset asked
// for. The text names topic, offset and the offsets it has.
var ErrOutOfRange = errors.New("offset out of range")

// ErrTooLarge is returned by [Log.Append] for a record over the broker's limit; nothing was appended.
var ErrTooLarge = errors.New("record exceeds the topic's message limit")

// Log is a region's topic: one partition, so a total order.
//
// A Log is safe for use by several goroutines. Errors that may heal (a broker away, no leader) are
// retried inside with backoff until ctx ends; those that come back need an operator.
type Log interface {
	// Append adds records in order and returns when all replicas have them: the offset of the first.
	// A retry after a lost acknowledgement may add some of them twice, as a contiguous repetition of a
	// suffix or all of the call's records: receivers drop duplicates by dot. When it returns an error,
	// a prefix of the records may have been added, and none after them.
	Append(ctx context.Context, records [][]byte) (first int64, err error)
	// Read waits for records from the offset on and returns at least one, and as many more as came with
	// it (some MB). A record's Value belongs to the caller.
	Read(ctx context.Context, from int64) ([]Record, error)
	// Bounds are the offsets of the oldest record and of the next one to be appended.
	Bounds(ctx context.Context) (oldest, next int64, err error)
	// Name is the topic's name, for messages.
	Name() string
	Close() error
}
