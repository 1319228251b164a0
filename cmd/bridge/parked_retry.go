package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// parkedRetryCommand is "bridge parked retry".
type parkedRetryCommand struct{}

// Run is called by kong.
func (*parkedRetryCommand) Run(ctx context.Context, s *session) error {
	c, err := s.config()
	if err != nil {
		return err
	}
	// Whose bridge it is must be known before it's told to do something.
	status, err := askBridge(ctx, c.HTTP.Listen)
	if err == nil && (status.Cluster != c.Cluster || status.Region != c.Region) {
		err = fmt.Errorf("at http.listen %s answers the bridge of region %s, cluster %s", c.HTTP.Listen, status.Region, status.Cluster)
	}
	if err == nil {
		err = tellBridge(ctx, c.HTTP.Listen, "/parked/retry")
	}
	if err != nil {
		return &failure{exitEnvironment, fmt.Errorf("no bridge of this region can be told: %w; one that starts looks at its parked rows by itself", err)}
	}
	s.outcome.result = map[string]any{"asked": true}
	s.outcome.summary = `the bridge looks at its parked rows again: "bridge parked list" shows which are left`
	return nil
}

// tellBridge posts to a bridge on this machine.
func tellBridge(ctx context.Context, listen, path string) error {
	response, err := requestBridge(ctx, http.MethodPost, listen, path)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	if response.StatusCode/100 == 2 {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10)) // may say more than the status
	return fmt.Errorf("POST %s: %s %s", response.Request.URL, response.Status, strings.TrimSpace(string(text)))
}
