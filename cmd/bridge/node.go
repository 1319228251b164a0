package main

import (
	"log/slog"

	"bridge/capture"
	"bridge/config"
	"bridge/mend"
	"bridge/node"
	"bridge/stream"
	"bridge/stream/kafka"
	"bridge/visibility"
)

// newNode builds the region's node from its configuration. mender and dropper may be nil.
func newNode(c *config.Config, log *slog.Logger, policies visibility.Policies, mender *mend.Mender, dropper *mend.Dropper) (*node.Node, error) {
	var peers []string
	for _, r := range regionNames(c) {
		if r != c.Region {
			peers = append(peers, r)
		}
	}
	engine, err := databaseOf(c).engine()
	if err != nil {
		return nil, err
	}
	rules, err := rulesOf(c)
	if err != nil {
		return nil, err
	}
	var awaiting, orphans func()
	if mender != nil {
		awaiting = mender.Wake
	}
	if dropper != nil {
		orphans = dropper.Wake
	}
	return node.New(node.Config{
		Awaiting: awaiting, Orphans: orphans,
		Cluster: c.Cluster, Region: c.Region, Peers: peers,
		Streams:   func(region string) (stream.Log, error) { return openTopic(c, region) },
		Engine:    engine,
		Rules:     rules,
		Policies:  policies,
		Retention: node.Retention{Age: c.Conflicts.Keep.Std(), Rows: c.Conflicts.KeepRows},
		Workers:   c.Database.ApplyConnections, HistoryBytes: int(c.History.MaxBytes),
		Limits: capture.Limits{Idle: c.Heartbeat.Std(), Message: kafka.MaxRecordBytes(int(c.KafkaOf(c.Region).MaxMessageBytes))},
		Log:    log,
	}), nil
}

// menderOf is what merges the columns that a decision leaves to be merged; nil where there are none.
func menderOf(c *config.Config, log *slog.Logger) (*mend.Mender, error) {
	rules, err := mendingOf(c)
	if err != nil || len(rules) == 0 {
		return nil, err
	}
	return mend.New(databaseOf(c).cases, rules, log), nil
}

// dropperOf is what gives up rows that lack a parent, in the one region that does it; nil in the others, and where no policy asks for it.
func dropperOf(c *config.Config, policies visibility.Policies, log *slog.Logger) *mend.Dropper {
	if c.Region != droppingRegion(c) || !policies.Drop() {
		return nil
	}
	return mend.NewDropper(databaseOf(c).cases, policies, log)
}
