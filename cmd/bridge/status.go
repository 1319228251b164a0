package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"bridge/admin"
	"bridge/config"
)

// statusCommand is "bridge status".
type statusCommand struct {
	Watch    bool          `short:"w" help:"Show it again and again until interrupted; with --json one line each time."`
	Interval time.Duration `default:"2s" help:"Time between two looks with --watch (${default})."`
	Timeout  time.Duration `default:"10s" help:"Give up on a bridge, database or broker that doesn't answer (${default})."`
}

// statusResult is what --json shows: Status of a bridge that answers, otherwise Stored.
type statusResult struct {
	Running bool          `json:"running"`
	Status  *admin.Status `json:"status,omitempty"`
	Stored  *storedState  `json:"stored,omitempty"`
}

// Run is called by kong. Its exit codes: 0 the bridge is ready, 1 it isn't or a peer is stopped, 3 it doesn't answer.
func (cmd *statusCommand) Run(ctx context.Context, s *session) error {
	c, err := s.config()
	if err != nil {
		return err
	}
	if cmd.Watch {
		return cmd.watch(ctx, s, c)
	}
	result, err := cmd.look(ctx, c)
	s.outcome = outcome{result: result, human: func(w io.Writer) error { return writeStatusResult(w, result, time.Now()) }}
	if err != nil {
		return &failure{exitEnvironment, err}
	}
	s.outcome.summary = statusSummary(result.Status)
	if !result.Status.Ready {
		return &failure{exitRuntime, errors.New(s.outcome.summary)}
	}
	return nil
}

// look asks the bridge or, when it doesn't answer, the database and the topics. The error says why it didn't.
func (cmd *statusCommand) look(ctx context.Context, c *config.Config) (*statusResult, error) {
	ctx, cancel := context.WithTimeout(ctx, cmd.Timeout)
	defer cancel()
	status, err := askBridge(ctx, c.HTTP.Listen)
	if err == nil && (status.Cluster != c.Cluster || status.Region != c.Region) {
		return &statusResult{}, fmt.Errorf("at http.listen %s answers the bridge of region %s, cluster %s: the configuration is region %s's of cluster %s",
			c.HTTP.Listen, status.Region, status.Cluster, c.Region, c.Cluster)
	}
	if err == nil {
		return &statusResult{Running: true, Status: status}, nil
	}
	return &statusResult{Stored: loadStored(ctx, c)}, fmt.Errorf("no bridge answers: %w", err)
}

// askBridge gets /status from a bridge on this machine.
func askBridge(ctx context.Context, listen string) (*admin.Status, error) {
	response, err := requestBridge(ctx, http.MethodGet, listen, "/status")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", response.Request.URL, response.Status)
	}
	status := new(admin.Status)
	if err := json.NewDecoder(response.Body).Decode(status); err != nil {
		return nil, fmt.Errorf("GET %s: the answer isn't a bridge's: %w", response.Request.URL, err)
	}
	return status, nil
}

// patience is how long a bridge on this machine may take to answer.
const patience = 3 * time.Second

// requestBridge asks a bridge that listens on this machine. The answer's body must be closed.
func requestBridge(ctx context.Context, method, listen, path string) (*http.Response, error) {
	if listen == "" {
		return nil, errors.New("http.listen is empty, so a bridge that runs can't be asked")
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, fmt.Errorf("http.listen: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost" // it listens on every address
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+net.JoinHostPort(host, port)+path, nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}} // without the environment's proxy
	return client.Do(request)
}

// watch shows the status until ctx ends. People see one screen, cleared each time.
func (cmd *statusCommand) watch(ctx context.Context, s *session, c *config.Config) error {
	s.outcome.streamed = true
	tick := time.NewTicker(cmd.Interval)
	defer tick.Stop()
	for {
		result, err := cmd.look(ctx, c)
		if ctx.Err() != nil {
			return nil
		}
		if err := s.writeLook(result, err); err != nil {
			return fmt.Errorf("print the status: %w", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *session) writeLook(result *statusResult, problem error) error {
	if s.cli.JSON {
		return json.NewEncoder(s.stdout).Encode(result)
	}
	var screen bytes.Buffer
	if isTerminal(s.stdout) {
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
	_, err := s.stdout.Write(screen.Bytes())
	return err
}
