package setup

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"bridge/cmd/bridge/internal/settings"
	"bridge/cmd/bridge/internal/topics"
	"bridge/config"
	"bridge/internal/preflight"
	"bridge/stream/kafka"
)

// checkTopics looks at every region's topic: this one's must be right, the others' are theirs to mend.
func checkTopics(ctx context.Context, c *config.Config, initialised bool, timeout time.Duration) (findings []preflight.Finding) {
	sharedDown := false
	for _, region := range settings.Regions(c) {
		shared := c.Regions[region].Kafka == nil
		if shared && sharedDown {
			continue // it would say the same again
		}
		limited, cancel := context.WithTimeout(ctx, timeout)
		found, unreachable := checkTopic(limited, c, region, initialised)
		cancel()
		findings = append(findings, found...)
		sharedDown = sharedDown || shared && unreachable
	}
	return findings
}

func checkTopic(ctx context.Context, c *config.Config, region string, initialised bool) (findings []preflight.Finding, unreachable bool) {
	object := "topic " + c.Topic(region)
	log, err := topics.Open(c, region)
	if err != nil {
		return []preflight.Finding{preflight.Failure(object, err)}, false
	}
	defer log.Close()
	problems, err := log.CheckTopic(ctx, topics.Settings(c, region))
	if err != nil {
		f := preflight.Failure(object, err)
		f.Fix = "check the brokers' addresses (" + strings.Join(c.KafkaOf(region).Brokers, ", ") + "), kafka.tls and kafka.sasl"
		return []preflight.Finding{f}, true
	}
	for _, p := range problems {
		f := preflight.Finding{Level: preflight.Error, Object: object, Text: strings.TrimPrefix(p.What, fmt.Sprintf("topic %q ", log.Name())), Fix: p.Fix}
		switch missing := topics.NeedsInit(p); {
		case region != c.Region:
			f.Level = preflight.Warning
			f.Fix += " in region " + region
		case missing && !initialised:
			f.Level, f.Init = preflight.Note, true
		}
		findings = append(findings, f)
	}
	if !slices.ContainsFunc(problems, topics.NeedsInit) {
		findings = append(findings, checkTail(ctx, c, log, region)...)
	}
	return findings, false
}

// checkTail reads the topic's last record: it's there to be read, and it's the region's own.
func checkTail(ctx context.Context, c *config.Config, log *kafka.Log, region string) []preflight.Finding {
	object := "topic " + log.Name()
	h, next, err := topics.LastRecord(ctx, log)
	if err != nil {
		return []preflight.Finding{preflight.Failure(object, err)}
	}
	if h == nil {
		return nil
	}
	if err := topics.CheckAuthor(log, next-1, h, c.Cluster, region); err != nil {
		f := preflight.Failure(object, err)
		f.Fix = "give each cluster and region its own name, or set kafka.topic_prefix"
		return []preflight.Finding{f}
	}
	return nil
}
