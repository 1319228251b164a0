package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"bridge/stream"
)

// maxEmpty is how often a fetch may bring nothing although the topic has more, before that's an error.
const maxEmpty = 3

// Read waits for records from the offset on; see [stream.Log].
func (l *Log) Read(ctx context.Context, from int64) ([]stream.Record, error) {
	var records []stream.Record
	empty := 0
	for {
		var got fetched
		err := l.retry(ctx, "read", func(ctx context.Context) (err error) {
			got, err = l.fetch(ctx, from)
			return err
		})
		if err != nil {
			return nil, err
		}
		if records = got.records; len(records) > 0 {
			return records, nil
		}
		switch {
		case got.next > from: // control records only
			from, empty = got.next, 0
		case got.end > from:
			if empty++; empty > maxEmpty {
				return nil, fmt.Errorf("read, topic %q: no records at offset %d, though the topic ends at %d: was the topic compacted?",
					l.cfg.Topic, from, got.end)
			}
		}
	}
}

// fetched is what one fetch brought.
type fetched struct {
	records []stream.Record
	next    int64 // after the last record, also of those that aren't handed on
	end     int64 // of the topic (the high watermark)
}

func (l *Log) fetch(ctx context.Context, from int64) (fetched, error) {
	limited, cancel := context.WithTimeout(ctx, l.cfg.MaxWait+l.cfg.RequestTimeout)
	defer cancel()
	res, err := l.fetches.Fetch(limited, &kafka.FetchRequest{
		Topic: l.cfg.Topic, Offset: from,
		MinBytes: 1, MaxBytes: int64(l.cfg.FetchMaxBytes), MaxWait: l.cfg.MaxWait,
	})
	if err != nil {
		return fetched{}, l.routed(ctx, err)
	}
	if errors.Is(res.Error, kafka.OffsetOutOfRange) {
		return fetched{}, l.outOfRange(ctx, from)
	}
	if res.Error != nil {
		return fetched{}, res.Error
	}
	got := fetched{next: from, end: res.HighWatermark}
	if err := got.take(res.Records, from); err != nil {
		return fetched{}, err
	}
	return got, nil
}

// outOfRange is the error for an offset that the broker doesn't have.
func (l *Log) outOfRange(ctx context.Context, from int64) error {
	oldest, next, err := l.listOffsets(ctx)
	switch {
	case err != nil:
		return err
	case from < oldest:
		return fmt.Errorf("read, topic %q: %w: offset %d is gone, the topic has %d to %d: its retention was shorter than this region was away",
			l.cfg.Topic, stream.ErrOutOfRange, from, oldest, next)
	case from > next:
		return fmt.Errorf("read, topic %q: %w: there's no offset %d yet, the topic has %d to %d: it was created anew or lost its end",
			l.cfg.Topic, stream.ErrOutOfRange, from, oldest, next)
	}
	return kafka.OffsetNotAvailable // it's there by now
}

// take copies the records out of kafka-go's buffers. A batch may begin before the offset asked for,
// and control batches (the ends of someone's transactions) hold no records for us.
func (f *fetched) take(set kafka.RecordReader, from int64) error {
	batches := []protocol.RecordReader{set}
	if s, ok := set.(*protocol.RecordStream); ok {
		batches = s.Records
	}
	for _, batch := range batches {
		_, control := batch.(*protocol.ControlBatch)
		for {
			r, err := batch.ReadRecord()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("read batch at offset %d: %w", f.next, err)
			}
			err = f.add(r, from, control)
			if err != nil {
				return fmt.Errorf("read record at offset %d: %w", r.Offset, err)
			}
		}
	}
	return nil
}

func (f *fetched) add(r *kafka.Record, from int64, control bool) error {
	if r.Key != nil {
		defer r.Key.Close()
	}
	if r.Value != nil {
		defer r.Value.Close()
	}
	if r.Offset < from {
		return nil
	}
	f.next = max(f.next, r.Offset+1)
	if control {
		return nil
	}
	value, err := protocol.ReadAll(r.Value)
	if err != nil {
		return err
	}
	f.records = append(f.records, stream.Record{Offset: r.Offset, Time: r.Time, Value: value})
	return nil
}
