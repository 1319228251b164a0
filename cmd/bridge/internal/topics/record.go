package topics

import (
	"context"
	"fmt"
	"strings"

	"bridge/stream"
	"bridge/stream/kafka"
	"bridge/wire"
)

// LastRecord reads the header of a topic's last record, nil if there's none, and the offset after it.
func LastRecord(ctx context.Context, log stream.Log) (*wire.Header, int64, error) {
	oldest, next, err := log.Bounds(ctx)
	if err != nil || next == oldest {
		return nil, next, err
	}
	records, err := log.Read(ctx, next-1)
	if err != nil {
		return nil, next, err
	}
	last := &records[len(records)-1]
	h, err := wire.Peek(last.Value)
	if err != nil {
		return nil, next, fmt.Errorf("topic %s offset %d: %w", log.Name(), last.Offset, err)
	}
	return &h, last.Offset + 1, nil
}

// CheckAuthor refuses a record that isn't the region's own.
func CheckAuthor(log stream.Log, offset int64, h *wire.Header, cluster, region string) error {
	if h.Cluster == cluster && h.Origin.Region() == region {
		return nil
	}
	return fmt.Errorf("topic %s offset %d was written by %s of cluster %s, not by region %s of cluster %s: topics must not be shared",
		log.Name(), offset, h.Origin, h.Cluster, region, cluster)
}

// NeedsInit finds a topic that isn't there or can't be used.
func NeedsInit(p kafka.Problem) bool { return strings.Contains(p.Fix, "bridge init") }
