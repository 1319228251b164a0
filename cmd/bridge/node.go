package main

import (
	"log/slog"

	"bridge/capture"
	"bridge/cmd/bridge/internal/engines"
	"bridge/cmd/bridge/internal/settings"
	"bridge/cmd/bridge/internal/topics"
	"bridge/config"
	"bridge/mend"
	"bridge/node"
	"bridge/stream"
	"bridge/stream/kafka"
	"bridge/visibility"
)

// newNode builds the region's node from its configuration. mender and orphans may be nil.
func newNode(c *config.Config, log *slog.Logger, mender *mend.Mender, orphans *mend.OrphanMender) (*node.Node, error) {
	var peers []string
	for _, r := range settings.Regions(c) {
		if r != c.Region {
			peers = append(peers, r)
		}
	}
	engine, err := engines.Of(c).Engine()
	if err != nil {
		return nil, err
	}
	rules, err := settings.Rules(c)
	if err != nil {
		return nil, err
	}
	var awaiting, orphaned func()
	if mender != nil {
		awaiting = mender.Wake
	}
	if orphans != nil {
		orphaned = orphans.Wake
	}
	return node.New(node.Config{
		Awaiting: awaiting, Orphans: orphaned,
		Cluster: c.Cluster, Region: c.Region, Peers: peers,
		Streams:   func(region string) (stream.Log, error) { return topics.Open(c, region) },
		Engine:    engine,
		Rules:     rules,
		Policies:  settings.PoliciesByRules(c),
		Retention: node.Retention{Age: c.Conflicts.Keep.Std(), Rows: c.Conflicts.KeepRows},
		Workers:   c.Database.ApplyConnections, HistoryBytes: int(c.History.MaxBytes),
		Limits: capture.Limits{Idle: c.Heartbeat.Std(), Message: kafka.MaxRecordBytes(int(c.KafkaOf(c.Region).MaxMessageBytes))},
		Log:    log,
	}), nil
}

// menderOf is what merges the columns that a decision leaves to be merged; nil where there are none.
func menderOf(c *config.Config, log *slog.Logger) (*mend.Mender, error) {
	rules, err := settings.Merges(c)
	if err != nil || len(rules) == 0 {
		return nil, err
	}
	return mend.New(engines.Of(c).Cases, rules, log), nil
}

// orphanMenderOf is what gives up rows that lack a parent, or inserts that again, in the one region that does it; nil in the others, and where no
// policy asks for it. policies are those that count now.
func orphanMenderOf(c *config.Config, policies func() visibility.Policies, log *slog.Logger) *mend.OrphanMender {
	if c.Region != settings.MendingRegion(c) || !settings.Policies(c).AreMended() && !settings.NextPolicies(c).AreMended() {
		return nil
	}
	return mend.NewOrphanMender(engines.Of(c).Cases, policies, log)
}
