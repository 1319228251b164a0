package main

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"bridge/admin"
	"bridge/cmd/bridge/internal/heap"
	"bridge/cmd/bridge/internal/shell"
	"bridge/node"
	"bridge/visibility"
)

// runCommand is "bridge run".
type runCommand struct{}

// heapFloor is in bytes: with it most bridges stay below 100 MB resident, and above it they're as large as without.
const heapFloor = 64 << 20

// Run is called by kong. It ends with SIGTERM, or when something breaks that no retry can heal.
func (*runCommand) Run(ctx context.Context, s *shell.Session) error {
	c, err := s.Config()
	if err != nil {
		return err
	}
	log := shell.Logger(&c.Log, s.Stderr).With("region", c.Region)
	mender, err := menderOf(c, log)
	if err != nil {
		return err
	}
	heap.Floor(heapFloor)
	var n *node.Node
	orphans := orphanMenderOf(c, func() visibility.Policies { return n.PoliciesInForce() }, log)
	n, err = newNode(c, log, mender, orphans)
	if err != nil {
		return err
	}
	listener, err := admin.Listen(c.HTTP.Listen)
	if err != nil {
		return shell.Environment(err)
	}
	log.Info("bridge starts", "cluster", c.Cluster, "http", listener.Addr().String(), "version", buildVersion().Version)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return admin.Serve(ctx, listener, n, admin.Options{PProf: c.HTTP.PProf, Version: buildVersion().Version, Retry: n.Retry})
	})
	if mender != nil {
		group.Go(func() error { return mender.Run(ctx) })
	}
	if orphans != nil {
		group.Go(func() error { return orphans.Run(ctx) })
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
