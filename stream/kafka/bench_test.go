package kafka_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"bridge/stream/kafka"
)

// BenchmarkAppend is the time to an acknowledgement, one small record at a time.
func BenchmarkAppend(b *testing.B) {
	l, _ := open(b, broker(b))
	ctx, record := b.Context(), [][]byte{make([]byte, 300)}
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := l.Append(ctx, record); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkAppendRead is the time from the start of an append until a waiting reader has the record.
func BenchmarkAppendRead(b *testing.B) {
	server := broker(b)
	l, _ := open(b, server)
	reader, _ := open(b, server)
	ctx, record, seen := b.Context(), [][]byte{make([]byte, 300)}, make(chan time.Time)
	go func() {
		for at := int64(0); ; {
			records, err := reader.Read(ctx, at)
			if err != nil {
				return
			}
			now := time.Now()
			for _, r := range records {
				at = r.Offset + 1
				seen <- now
			}
		}
	}()
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := l.Append(ctx, record); err != nil {
			b.Fatal(err)
		}
		took = append(took, (<-seen).Sub(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkThroughput appends, and reads back, records of half a mebibyte that compress like rows do.
func BenchmarkThroughput(b *testing.B) {
	record := make([]byte, 512<<10)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range record {
		if record[i] = ' '; i%3 == 0 {
			record[i] = byte('0' + r.IntN(64))
		}
	}
	for _, codec := range []kafka.Compression{kafka.Zstd, kafka.LZ4, kafka.None} {
		b.Run(string(codec), func(b *testing.B) {
			l, _ := open(b, broker(b), func(c *kafka.Config) { c.Compression = codec })
			b.SetBytes(int64(len(record)))
			at := int64(0)
			for b.Loop() {
				if _, err := l.Append(b.Context(), [][]byte{record}); err != nil {
					b.Fatal(err)
				}
				records, err := l.Read(b.Context(), at)
				if err != nil {
					b.Fatal(err)
				}
				at += int64(len(records))
			}
		})
	}
}
