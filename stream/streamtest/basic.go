package streamtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"bridge/stream"
	"bridge/stream/kafka"
)

func orderAndOffsets(f *fixture) {
	l := f.open()
	f.bounds(l, 0, 0)
	if l.Name() != f.topic {
		f.Errorf("Name is %q", l.Name())
	}
	var want []string
	for _, n := range []int{1, 2, 7, 1, 500} {
		values := numbered(len(want), n)
		if first := f.append(l, values...); first != int64(len(want)) {
			f.Fatalf("first offset %d, want %d", first, len(want))
		}
		want = append(want, values...)
	}
	f.bounds(l, 0, int64(len(want)))
	// From the middle of a batch as well as from its start.
	for _, from := range []int{0, 1, 2, 9, 11, 300, len(want) - 1} {
		if got := f.read(l, int64(from), len(want)-from); !slices.Equal(got, want[from:]) {
			f.Fatalf("from %d: other values came back", from)
		}
	}
	records, err := l.Read(f.ctx, 0)
	if err != nil {
		f.Fatal(err)
	}
	if age := time.Since(records[0].Time); age < -time.Hour || age > time.Hour {
		f.Errorf("record's time is %s", records[0].Time)
	}
}

func codecs(f *fixture) {
	c := f.config()
	var want []string
	for i, codec := range []kafka.Compression{kafka.Zstd, kafka.LZ4, kafka.Snappy, kafka.Gzip, kafka.None, ""} {
		c.Compression = codec
		values := append(numbered(i*10, 10), random(20_000), strings.Repeat("x", 100_000), "")
		f.append(f.openWith(c), values...)
		want = append(want, values...)
	}
	if got := f.read(f.open(), 0, len(want)); !slices.Equal(got, want) {
		f.Error("other values came back")
	}
}

func readWakesOnAppend(f *fixture) {
	reader, writer := f.open(), f.open()
	for i := range int64(5) {
		got := make(chan []stream.Record, 1)
		go func() {
			records, err := reader.Read(f.ctx, i)
			if err != nil {
				f.Error(err)
			}
			got <- records
		}()
		f.append(writer, "wake up")
		select {
		case records := <-got:
			if len(records) != 1 || string(records[0].Value) != "wake up" || records[0].Offset != i {
				f.Fatalf("got %+v", records)
			}
		case <-f.ctx.Done():
			f.Fatal("the read slept on")
		}
	}
}

func readEndsWithContext(f *fixture) {
	l := f.open()
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(f.ctx)
	done := make(chan error, 1)
	go func() { _, err := l.Read(ctx, 0); done <- err }()
	cancel(reason)
	if err := f.wait(done); !errors.Is(err, reason) || !strings.Contains(err.Error(), f.topic) {
		f.Errorf("got %v", err)
	}
	f.append(l, "still alive")
	f.read(l, 0, 1)
}

func closeEndsCalls(f *fixture) {
	l := f.open()
	done := make(chan error, 1)
	go func() { _, err := l.Read(f.ctx, 0); done <- err }()
	l.Close()
	if err := f.wait(done); err == nil {
		f.Error("Read of a closed log returned without error")
	}
	if _, err := l.Append(f.ctx, [][]byte{{1}}); err == nil {
		f.Error("Append to a closed log returned without error")
	}
}

func (f *fixture) wait(done <-chan error) error {
	f.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(Limit / 2):
		f.Fatal("call didn't end")
		return nil
	}
}

func beyondTheEnd(f *fixture) {
	l := f.open()
	f.append(l, numbered(0, 3)...)
	f.outOfRange(l, 4)
	f.outOfRange(l, 1000)
}

func (f *fixture) outOfRange(l stream.Log, from int64) {
	f.Helper()
	_, err := l.Read(f.ctx, from)
	if !errors.Is(err, stream.ErrOutOfRange) || !strings.Contains(err.Error(), f.topic) {
		f.Errorf("read from %d: got %v", from, err)
	}
}

func beforeTheOldest(f *fixture) {
	l := f.open()
	for i := range 10 {
		f.append(l, numbered(i*10, 10)...)
	}
	req := kmsg.NewDeleteRecordsRequest()
	req.TimeoutMillis = 10_000
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = 0, 55
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic, topic.Partitions = f.topic, append(topic.Partitions, p)
	req.Topics = append(req.Topics, topic)
	res := f.request(&req).(*kmsg.DeleteRecordsResponse)
	if code := res.Topics[0].Partitions[0].ErrorCode; code != 0 {
		f.Fatalf("delete records: error code %d", code)
	}
	f.bounds(l, 55, 100)
	f.outOfRange(l, 0)
	f.outOfRange(l, 54)
	// The batch that holds 55 begins at 50.
	if got := f.read(l, 55, 45); !slices.Equal(got, numbered(55, 45)) {
		f.Error("other values came back")
	}
}

func missingTopic(f *fixture) {
	c := f.config()
	c.MissingTopicTimeout = time.Millisecond
	l, err := kafka.Open(c)
	if err != nil {
		f.Fatal(err)
	}
	defer l.Close()
	_, errRead := l.Read(f.ctx, 0)
	_, errAppend := l.Append(f.ctx, [][]byte{{1}})
	_, _, errBounds := l.Bounds(f.ctx)
	for _, err := range []error{errRead, errAppend, errBounds} {
		if err == nil || !strings.Contains(err.Error(), f.topic) || f.ctx.Err() != nil {
			f.Errorf("got %v", err)
		}
	}
	problems, err := l.CheckTopic(f.ctx, kafka.Settings{})
	if err != nil || len(problems) != 1 {
		f.Errorf("CheckTopic: %v, %v", problems, err)
	}
}

func manyPartitions(f *fixture) {
	req := kmsg.NewCreateTopicsRequest()
	req.TimeoutMillis = 10_000
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = f.topic, 3, -1
	policy := kmsg.NewCreateTopicsRequestTopicConfig()
	compact, small := "compact", "2000"
	policy.Name, policy.Value = "cleanup.policy", &compact
	size := kmsg.NewCreateTopicsRequestTopicConfig()
	size.Name, size.Value = "max.message.bytes", &small
	topic.Configs = append(topic.Configs, policy, size)
	req.Topics = append(req.Topics, topic)
	f.request(&req)
	problems, err := f.open().CheckTopic(f.ctx, kafka.Settings{})
	if err != nil {
		f.Fatal(err)
	}
	for _, want := range []string{"3 partitions", "cleanup.policy=compact", "max.message.bytes=2000"} {
		if !slices.ContainsFunc(problems, func(p kafka.Problem) bool { return strings.Contains(p.What, want) && p.Fix != "" }) {
			f.Errorf("nothing about %s in %v", want, problems)
		}
	}
}
