// Package watch is what shows regions at work: "bridge status", "bridge tail", "bridge compare".
package watch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"bridge/admin"
	"bridge/cmd/bridge/internal/shell"
	"bridge/config"
)

// Status is "bridge status".
type Status struct {
	Watch    bool          `short:"w" help:"Show it again and again until interrupted; with --json one line each time."`
	Interval time.Duration `default:"2s" help:"Time between two looks with --watch (${default})."`
	Timeout  time.Duration `default:"10s" help:"Give up on a bridge, database or broker that doesn't answer (${default})."`
}

// StatusResult is what --json shows: Status of a bridge that answers, otherwise Stored.
type StatusResult struct {
	Running bool          `json:"running"`
	Status  *admin.Status `json:"status,omitempty"`
	Stored  *storedState  `json:"stored,omitempty"`
}

// Run is called by kong. Its exit codes: 0 the bridge is ready, 1 it isn't or a peer is stopped, 3 it doesn't answer.
func (cmd *Status) Run(ctx context.Context, s *shell.Session) error {
	c, err := s.Config()
	if err != nil {
		return err
	}
	if cmd.Watch {
		return cmd.watch(ctx, s, c)
	}
	result, err := cmd.look(ctx, c)
	s.Outcome = shell.Outcome{Result: result, Human: func(w io.Writer) error { return writeStatusResult(w, result, time.Now()) }}
	if err != nil {
		return shell.Environment(err)
	}
	s.Outcome.Summary = statusSummary(result.Status)
	if !result.Status.Ready {
		return shell.Runtime(errors.New(s.Outcome.Summary))
	}
	return nil
}

// look asks the bridge or, when it doesn't answer, the database and the topics. The error says why it didn't.
func (cmd *Status) look(ctx context.Context, c *config.Config) (*StatusResult, error) {
	ctx, cancel := context.WithTimeout(ctx, cmd.Timeout)
	defer cancel()
	status, err := admin.Ask(ctx, c.HTTP.Listen)
	if err == nil && (status.Cluster != c.Cluster || status.Region != c.Region) {
		return &StatusResult{}, fmt.Errorf("at http.listen %s answers the bridge of region %s, cluster %s: the configuration is region %s's of cluster %s",
			c.HTTP.Listen, status.Region, status.Cluster, c.Region, c.Cluster)
	}
	if err == nil {
		return &StatusResult{Running: true, Status: status}, nil
	}
	return &StatusResult{Stored: loadStored(ctx, c)}, fmt.Errorf("no bridge answers: %w", err)
}

// watch shows the status until ctx ends. People see one screen, cleared each time.
func (cmd *Status) watch(ctx context.Context, s *shell.Session, c *config.Config) error {
	s.Outcome.Streamed = true
	tick := time.NewTicker(cmd.Interval)
	defer tick.Stop()
	for {
		result, err := cmd.look(ctx, c)
		if ctx.Err() != nil {
			return nil
		}
		if err := writeLook(s, result, err); err != nil {
			return fmt.Errorf("print the status: %w", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func writeLook(s *shell.Session, result *StatusResult, problem error) error {
	if s.Flags.JSON {
		return json.NewEncoder(s.Stdout).Encode(result)
	}
	var screen bytes.Buffer
	if shell.IsTerminal(s.Stdout) {
		screen.WriteString("\x1b[H\x1b[2J") // home, clear
	}
	if err := writeStatusResult(&screen, result, time.Now()); err != nil {
		return err
	}
	if problem != nil {
		fmt.Fprintln(&screen, problem)
	} else {
		fmt.Fprintln(&screen, statusSummary(result.Status))
	}
	_, err := s.Stdout.Write(screen.Bytes())
	return err
}
