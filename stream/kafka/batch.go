package kafka

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/segmentio/kafka-go/compress"
)

// The record batch format, version 2 (Kafka's protocol guide, "Record Batch"). Kafka's limit on
// messages is for a whole batch.
const (
	batchHeader     = 61 // bytes before the records
	lengthStarts    = 12 // where what batchLength counts begins
	crcStarts       = 21 // where what the CRC covers begins
	maxRecordHeader = 1 + 5 + 1 + 1 + 5 + 1 + 5
)

// recordSize is at least what a value takes in a batch.
func recordSize(value []byte) int { return maxRecordHeader + len(value) }

// MaxRecordBytes is how large a record can be that a topic with a limit on messages takes.
func MaxRecordBytes(maxMessageBytes int) int { return maxMessageBytes - batchHeader - maxRecordHeader }

// appendRecords writes the records of a batch, uncompressed and without keys or headers.
func appendRecords(to []byte, values [][]byte) []byte {
	for i, v := range values {
		length := 1 + 1 + varintSize(int64(i)) + 1 + varintSize(int64(len(v))) + len(v) + 1
		to = binary.AppendVarint(to, int64(length))
		to = append(to, 0, 0)                  // attributes, timestamp delta
		to = binary.AppendVarint(to, int64(i)) // offset delta
		to = binary.AppendVarint(to, -1)       // no key
		to = binary.AppendVarint(to, int64(len(v)))
		to = append(to, v...)
		to = append(to, 0) // no headers
	}
	return to
}

func varintSize(v int64) int {
	var b [binary.MaxVarintLen64]byte
	return binary.PutVarint(b[:], v)
}

// appendBatch writes the set of one batch as a produce request has it: its size, and the batch.
func appendBatch(to []byte, values [][]byte, codec codec, p *producer, now time.Time) ([]byte, error) {
	at := len(to) + 4
	to = append(to, make([]byte, 4+batchHeader)...)
	records := appendRecords(nil, values)
	if len(records) < worthCompressing {
		codec = uncompressed
	}
	to, err := codec.append(to, records)
	if err != nil {
		return nil, fmt.Errorf("compress batch: %w", err)
	}
	b, be := to[at:], binary.BigEndian
	be.PutUint32(to[at-4:], uint32(len(b)))
	be.PutUint32(b[8:], uint32(len(b)-lengthStarts))
	be.PutUint32(b[12:], ^uint32(0)) // partition leader epoch
	b[16] = 2                        // magic
	be.PutUint16(b[21:], uint16(codec.id))
	be.PutUint32(b[23:], uint32(len(values)-1)) // last offset delta
	be.PutUint64(b[27:], uint64(now.UnixMilli()))
	be.PutUint64(b[35:], uint64(now.UnixMilli()))
	be.PutUint64(b[43:], uint64(p.id))
	be.PutUint16(b[51:], uint16(p.epoch))
	be.PutUint32(b[53:], uint32(p.sequence))
	be.PutUint32(b[57:], uint32(len(values)))
	be.PutUint32(b[17:], crc32.Checksum(b[crcStarts:], castagnoli))
	return to, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// worthCompressing is the size from which on a batch is compressed. To compress a single transaction of some
// hundred bytes, and to decompress it, takes both sides longer than to send it: 0.2 ms of 0.8 from the append to the
// reader. When more comes, batches are larger.
const worthCompressing = 2 << 10

var uncompressed = codec{int8(compress.None), func(to, b []byte) ([]byte, error) { return append(to, b...), nil }}

// codec compresses the records of a batch.
type codec struct {
	id     int8
	append func(to, records []byte) ([]byte, error)
}

func (c Compression) codec() (codec, error) {
	switch c {
	case "", Zstd:
		return codec{int8(compress.Zstd), appendZstd}, nil
	case None:
		return uncompressed, nil
	case LZ4:
		return streamCodec(compress.Lz4), nil
	case Snappy:
		return streamCodec(compress.Snappy), nil
	case Gzip:
		return streamCodec(compress.Gzip), nil
	}
	return codec{}, fmt.Errorf("compression %q is not zstd, lz4, snappy, gzip or none", string(c))
}

// Rows of one table resemble each other: the fastest level gets nearly all of what zstd can, and a small window
// too, which the encoder holds in memory twice over.
var zstdEncoder = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(512<<10), zstd.WithEncoderCRC(false))
})

func appendZstd(to, records []byte) ([]byte, error) {
	e, err := zstdEncoder()
	if err != nil {
		return nil, err
	}
	return e.EncodeAll(records, to), nil
}

func streamCodec(c compress.Compression) codec {
	return codec{int8(c), func(to, records []byte) ([]byte, error) {
		out := bytes.NewBuffer(to)
		w := c.Codec().NewWriter(out)
		if _, err := w.Write(records); err != nil {
			w.Close()
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		return out.Bytes(), nil
	}}
}
