package main

import (
	"context"
	"errors"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"bridge/admin"
	"bridge/capture"
	"bridge/config"
	"bridge/mend"
	"bridge/node"
	"bridge/stream"
	"bridge/stream/kafka"
	"bridge/visibility"
)

// runCommand is "bridge run".
type runCommand struct{}

// Run is called by kong. It ends with SIGTERM, or when something breaks that no retry can heal.
func (*runCommand) Run(ctx context.Context, s *session) error {
	c, err := s.config()
	if err != nil {
		return err
	}
	log := logger(&c.Log, s.stderr).With("region", c.Region)
	mender, err := menderOf(c, log)
	if err != nil {
		return err
	}
	policies, err := builtPolicies(c)
	if err != nil {
		return err
	}
	dropper := dropperOf(c, policies, log)
	n, err := newNode(c, log, policies, mender, dropper)
	if err != nil {
		return err
	}
	listener, err := admin.Listen(c.HTTP.Listen)
	if err != nil {
		return &failure{exitEnvironment, err}
	}
	log.Info("bridge starts", "cluster", c.Cluster, "http", listener.Addr().String(), "version", buildVersion().Version)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return admin.Serve(ctx, listener, n, admin.Options{PProf: c.HTTP.PProf, Version: buildVersion().Version, Retry: n.Retry})
	})
	if mender != nil {
		group.Go(func() error { return mender.Run(ctx) })
	}
	if dropper != nil {
		group.Go(func() error { return dropper.Run(ctx) })
	}
	group.Go(func() error {
		if err := n.Run(ctx); err != nil {
			return err
		}
		return context.Canceled // the admin server ends with the node
	})
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		log.Error("bridge stops", "error", err)
		return err
	}
	log.Info("bridge stopped")
	return nil
}

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
