package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/initproducerid"

	"bridge/stream"
)

// producer is who appends, as the broker knows it for dropping repetitions.
type producer struct {
	known    bool
	id       int64
	epoch    int16
	sequence int32 // of the next record
}

func (p *producer) advance(records int) {
	p.sequence = int32((int64(p.sequence) + int64(records)) & math.MaxInt32)
}

// Append adds records in order; see [stream.Log]. They go out as one batch, or as several when one
// would exceed the topic's message limit.
func (l *Log) Append(ctx context.Context, records [][]byte) (first int64, err error) {
	if len(records) == 0 {
		return 0, fmt.Errorf("append, topic %q: no records", l.cfg.Topic)
	}
	if err := l.checkSizes(records); err != nil {
		return 0, err
	}
	select {
	case l.appending <- struct{}{}:
		defer func() { <-l.appending }()
	case <-ctx.Done():
		return 0, l.interrupted(ctx, "append", nil)
	}
	for added := 0; added < len(records); {
		n := l.fits(records[added:])
		offset, err := l.appendBatch(ctx, records[added:added+n])
		if err != nil {
			return 0, err
		}
		if added == 0 {
			first = offset
		}
		added += n
	}
	return first, nil
}

func (l *Log) checkSizes(records [][]byte) error {
	for i, r := range records {
		if size := batchHeader + recordSize(r); size > l.cfg.MaxMessageBytes {
			return l.tooLarge(fmt.Sprintf("record %d of %d takes %d bytes, the limit is %d", i, len(records), size, l.cfg.MaxMessageBytes))
		}
	}
	return nil
}

func (l *Log) tooLarge(what string) error {
	return fmt.Errorf("append, topic %q: %w: %s: raise max.message.bytes of the topic, and the limit configured for bridge with it",
		l.cfg.Topic, stream.ErrTooLarge, what)
}

// fits is how many of the records one batch can hold, at least one.
func (l *Log) fits(records [][]byte) int {
	size := batchHeader
	for i, r := range records {
		if size += recordSize(r); size > l.cfg.MaxMessageBytes && i > 0 {
			return i
		}
	}
	return len(records)
}

const appendOp = "append"

// appendBatch appends records as one batch and returns the first's offset.
func (l *Log) appendBatch(ctx context.Context, records [][]byte) (offset int64, err error) {
	var set []byte // the batch as it was sent first: a repetition must be the same
	err = l.retry(ctx, appendOp, func(ctx context.Context) (err error) {
		if !l.producer.known {
			if err := l.initProducer(ctx); err != nil {
				return err
			}
			set = nil
		}
		if set == nil {
			if set, err = appendBatch(nil, records, l.codec, &l.producer, time.Now()); err != nil {
				return err
			}
		}
		offset, err = l.produce(ctx, set)
		if forgotten(err) {
			l.producer.known = false // the next try is a new producer's
			return fmt.Errorf("broker has lost track of this producer: %w", errors.Join(kafka.NetworkException, err))
		}
		return err
	})
	if err != nil {
		// Whether the batch is in is unknown: its sequence numbers must not name other records.
		l.producer.known = false
		return 0, err
	}
	l.producer.advance(len(records))
	return offset, nil
}

func (l *Log) produce(ctx context.Context, set []byte) (offset int64, err error) {
	res, err := l.requests.RawProduce(ctx, &kafka.RawProduceRequest{
		Topic:        l.cfg.Topic,
		RequiredAcks: kafka.RequireAll,
		RawRecords:   protocol.RawRecordSet{Reader: bytes.NewReader(set)},
	})
	if err != nil {
		return 0, l.routed(ctx, err)
	}
	if errors.Is(res.Error, kafka.MessageSizeTooLarge) || errors.Is(res.Error, kafka.RecordListTooLarge) {
		return 0, l.tooLarge(fmt.Sprintf("the broker refused a batch of %d bytes", len(set)-4))
	}
	return res.BaseOffset, res.Error
}

// routed is err, or the reason behind it where kafka-go says that it knows no such topic only because it
// has reached no broker.
func (l *Log) routed(ctx context.Context, err error) error {
	if !isMissing(err) {
		return err
	}
	if cause := l.route(ctx); cause != nil {
		return cause
	}
	return kafka.LeaderNotAvailable
}

// forgotten reports whether the broker doesn't know the producer or its sequence (any more).
func forgotten(err error) bool {
	return errors.Is(err, kafka.OutOfOrderSequenceNumber) || errors.Is(err, kafka.DuplicateSequenceNumber) ||
		errors.Is(err, kafka.InvalidProducerEpoch) || errors.Is(err, kafka.InvalidProducerIDMapping) ||
		errors.Is(err, kafka.UnknownProducerId)
}

// initProducerRequest is kafka-go's without the method that makes it look for a transaction
// coordinator, which a producer without transactions doesn't need.
type initProducerRequest initproducerid.Request

func (*initProducerRequest) ApiKey() protocol.ApiKey { return protocol.InitProducerId }

func (l *Log) initProducer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.RequestTimeout)
	defer cancel()
	res, err := l.transport.RoundTrip(ctx, l.addr, &initProducerRequest{ProducerID: -1, ProducerEpoch: -1, TransactionTimeoutMs: math.MaxInt32})
	if err != nil {
		return l.reached(ctx, err)
	}
	r := res.(*initproducerid.Response)
	if r.ErrorCode != 0 {
		return kafka.Error(r.ErrorCode)
	}
	l.producer = producer{known: true, id: r.ProducerID, epoch: r.ProducerEpoch}
	return nil
}

// reached is err, or the reason why no broker can be reached.
func (l *Log) reached(ctx context.Context, err error) error {
	if cause := l.route(ctx); cause != nil {
		return cause
	}
	return err
}
