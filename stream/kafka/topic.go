package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// Settings are what a region's topic should be like. Zero fields leave it to the brokers, save for
// MaxMessageBytes.
type Settings struct {
	ReplicationFactor int           // copies of the topic
	MinInSyncReplicas int           // copies that must have a record before it's acknowledged
	Retention         time.Duration // how long a region may be away; negative keeps records forever
	MaxMessageBytes   int           // default: the Log's
}

// Problem is one way in which a topic isn't as it should be.
type Problem struct {
	What string // with the value found and the value wanted
	Fix  string // a command or an action
}

// String is both parts.
func (p Problem) String() string { return p.What + ": " + p.Fix }

const (
	cleanupPolicy = "cleanup.policy"
	retention     = "retention.ms"
	minInSync     = "min.insync.replicas"
	maxMessage    = "max.message.bytes"
	unclean       = "unclean.leader.election.enable"
)

// EnsureTopic creates the topic with one partition if it's absent, and returns when the brokers show it. One
// that exists is left as it is: see [Log.CheckTopic].
func (l *Log) EnsureTopic(ctx context.Context, s Settings) error {
	entries := l.entries(s)
	return l.retry(ctx, "create topic", func(ctx context.Context) error {
		if err := l.route(ctx); !isMissing(err) {
			return err
		}
		err := l.createTopic(ctx, s, entries)
		if errors.Is(err, kafka.InvalidConfiguration) {
			// Some brokers know no elections (the embedded one); CheckTopic sees to the value.
			entries = slices.DeleteFunc(entries, func(e kafka.ConfigEntry) bool { return e.ConfigName == unclean })
			err = l.createTopic(ctx, s, entries)
		}
		if errors.Is(err, kafka.TopicAlreadyExists) {
			err = nil
		}
		if err != nil {
			return err
		}
		l.transport.CloseIdleConnections() // forget that there was no topic
		return l.route(ctx)                // a busy broker shows a new topic only after a while
	})
}

func (l *Log) entries(s Settings) []kafka.ConfigEntry {
	entries := []kafka.ConfigEntry{
		{ConfigName: cleanupPolicy, ConfigValue: "delete"},
		{ConfigName: maxMessage, ConfigValue: strconv.Itoa(l.maxMessage(s))},
		{ConfigName: unclean, ConfigValue: "false"},
	}
	if s.Retention != 0 {
		entries = append(entries, kafka.ConfigEntry{ConfigName: retention, ConfigValue: strconv.FormatInt(retentionMillis(s), 10)})
	}
	if s.MinInSyncReplicas > 0 {
		entries = append(entries, kafka.ConfigEntry{ConfigName: minInSync, ConfigValue: strconv.Itoa(s.MinInSyncReplicas)})
	}
	return entries
}

func (l *Log) maxMessage(s Settings) int {
	if s.MaxMessageBytes > 0 {
		return s.MaxMessageBytes
	}
	return l.cfg.MaxMessageBytes
}

func retentionMillis(s Settings) int64 {
	if s.Retention < 0 {
		return -1
	}
	return max(1, s.Retention.Milliseconds())
}

func (l *Log) createTopic(ctx context.Context, s Settings, entries []kafka.ConfigEntry) error {
	replicas := s.ReplicationFactor
	if replicas == 0 {
		replicas = -1
	}
	// kafka-go waits for the topic to show up, without an end of its own.
	ctx, cancel := context.WithTimeout(ctx, 2*l.cfg.RequestTimeout)
	defer cancel()
	res, err := l.requests.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: l.cfg.Topic, NumPartitions: 1, ReplicationFactor: replicas, ConfigEntries: entries,
	}}})
	if err != nil {
		return err
	}
	return res.Errors[l.cfg.Topic]
}

// CheckTopic reports every way in which the topic isn't as bridge needs it or as s says. The error
// is for a topic that can't be looked at; a missing one is a Problem.
func (l *Log) CheckTopic(ctx context.Context, s Settings) ([]Problem, error) {
	var problems []Problem
	err := l.retry(ctx, "check topic", func(ctx context.Context) (err error) {
		problems, err = l.checkTopic(ctx, s)
		return err
	})
	return problems, err
}

func (l *Log) checkTopic(ctx context.Context, s Settings) ([]Problem, error) {
	meta, err := l.requests.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{l.cfg.Topic}})
	if err != nil {
		return nil, err
	}
	if len(meta.Topics) != 1 || isMissing(meta.Topics[0].Error) {
		return []Problem{{fmt.Sprintf("topic %q doesn't exist", l.cfg.Topic), `run "bridge init"`}}, nil
	}
	t := &meta.Topics[0]
	if t.Error != nil {
		return nil, t.Error
	}
	problems := l.checkLayout(t, s)
	values, err := l.describe(ctx)
	if err != nil {
		return nil, err
	}
	return append(problems, l.checkValues(values, s)...), nil
}

func (l *Log) checkLayout(t *kafka.Topic, s Settings) (problems []Problem) {
	if n := len(t.Partitions); n != 1 {
		problems = append(problems, Problem{
			fmt.Sprintf("topic %q has %d partitions, a region's log is a total order and needs exactly 1", l.cfg.Topic, n),
			"name another topic, or delete this one and run \"bridge init\"",
		})
	}
	for _, p := range t.Partitions {
		if n := len(p.Replicas); n < s.ReplicationFactor {
			problems = append(problems, Problem{
				fmt.Sprintf("topic %q has %d replicas, wanted are %d", l.cfg.Topic, n, s.ReplicationFactor),
				"add replicas with kafka-reassign-partitions.sh",
			})
		}
	}
	return problems
}

func (l *Log) describe(ctx context.Context) (map[string]string, error) {
	res, err := l.requests.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{{ResourceType: kafka.ResourceTypeTopic, ResourceName: l.cfg.Topic}},
	})
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, r := range res.Resources {
		if r.Error != nil {
			return nil, r.Error
		}
		for _, e := range r.ConfigEntries {
			values[e.ConfigName] = e.ConfigValue
		}
	}
	return values, nil
}

// checkValues compares the topic's settings. One that the broker doesn't tell isn't judged.
func (l *Log) checkValues(values map[string]string, s Settings) (problems []Problem) {
	wrong := func(name, want, why string) {
		problems = append(problems, Problem{
			fmt.Sprintf("topic %q has %s=%s, %s", l.cfg.Topic, name, values[name], why), l.alter(name, want),
		})
	}
	if v := values[cleanupPolicy]; strings.Contains(v, "compact") {
		wrong(cleanupPolicy, "delete", "compaction would drop records")
	}
	if values[unclean] == "true" {
		wrong(unclean, "false", "an unclean election loses acknowledged records")
	}
	if n, ok := number(values, maxMessage); ok && n < int64(l.maxMessage(s)) {
		wrong(maxMessage, strconv.Itoa(l.maxMessage(s)), fmt.Sprintf("bridge is configured for records of %d bytes", l.maxMessage(s)))
	}
	if n, ok := number(values, minInSync); ok && n < int64(s.MinInSyncReplicas) {
		wrong(minInSync, strconv.Itoa(s.MinInSyncReplicas), fmt.Sprintf("wanted are %d", s.MinInSyncReplicas))
	}
	if n, ok := number(values, retention); ok && s.Retention != 0 && shorter(n, retentionMillis(s)) {
		wrong(retention, strconv.FormatInt(retentionMillis(s), 10), fmt.Sprintf("wanted are %d: a region that is away for longer can't catch up any more", retentionMillis(s)))
	}
	if n, ok := number(values, "retention.bytes"); ok && n >= 0 && s.Retention != 0 {
		wrong("retention.bytes", "-1", "records may go before their time")
	}
	return problems
}

// shorter compares retentions; negative is forever.
func shorter(have, want int64) bool {
	return have >= 0 && (want < 0 || have < want)
}

func number(values map[string]string, name string) (int64, bool) {
	n, err := strconv.ParseInt(values[name], 10, 64)
	return n, err == nil
}

func (l *Log) alter(name, value string) string {
	return fmt.Sprintf("kafka-configs.sh --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config %s=%s",
		l.brokers(), l.cfg.Topic, name, value)
}
