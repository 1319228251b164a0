package testserver_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

func TestKafkaComesBack(t *testing.T) {
	broker := servertest.Kafka(t, testserver.KafkaOptions{})
	client := &kafka.Client{Addr: kafka.TCP(broker.Addr())}
	created, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: "kept", NumPartitions: 1, ReplicationFactor: 1}}})
	if err != nil || created.Errors["kept"] != nil {
		t.Fatal(err, created)
	}
	ways := []struct {
		name string
		down func(context.Context) error
	}{
		{"stop", broker.Stop},
		{"kill", func(context.Context) error { broker.Kill(); return nil }},
	}
	for i, way := range ways {
		offset, err := produce(t.Context(), client, way.name)
		if err != nil || offset != int64(i) {
			t.Fatalf("before %s: offset %d, %v; want %d", way.name, offset, err, i)
		}
		if err := way.down(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := produce(t.Context(), client, "lost"); err == nil {
			t.Errorf("a broker that is down after %s took a record", way.name)
		}
		if err := broker.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if offset, err := produce(t.Context(), client, "last"); err != nil || offset != int64(len(ways)) {
		t.Errorf("at the end: offset %d, %v; want %d", offset, err, len(ways))
	}

	files := filepath.Dir(broker.LogPath())
	for range 2 {
		if err := broker.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(files); !os.IsNotExist(err) {
		t.Errorf("%s is still there after Close: %v", files, err)
	}
}

// produce appends a record. A partition has no leader for a moment after its topic was made, or the broker started.
func produce(ctx context.Context, client *kafka.Client, value string) (int64, error) {
	for {
		offset, err := tryProduce(ctx, client, value)
		if !errors.Is(err, kafka.NotLeaderForPartition) && !errors.Is(err, kafka.LeaderNotAvailable) && !errors.Is(err, protocol.ErrNoLeader) {
			return offset, err
		}
	}
}

func tryProduce(ctx context.Context, client *kafka.Client, value string) (int64, error) {
	response, err := client.Produce(ctx, &kafka.ProduceRequest{
		Topic: "kept", RequiredAcks: kafka.RequireAll,
		Records: kafka.NewRecordReader(kafka.Record{Value: kafka.NewBytes([]byte(value))})})
	if err != nil {
		return 0, err
	}
	if response.Error != nil {
		return 0, fmt.Errorf("broker: %w", response.Error)
	}
	return response.BaseOffset, nil
}

func TestKafkaDoesNotStart(t *testing.T) {
	_, err := testserver.StartKafka(t.Context(), testserver.KafkaOptions{Settings: map[string]string{"log.retention.ms": "soon"}})
	if err == nil || !strings.Contains(err.Error(), "log.retention.ms") {
		t.Errorf("with a bad setting: %v", err)
	}
}
