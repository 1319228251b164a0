package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"bridge/internal/preflight"
)

// checkCommand is "bridge check": it changes nothing, and goes on to the end whatever it finds.
type checkCommand struct {
	Timeout time.Duration `default:"30s" help:"Give up on a database or broker that doesn't answer (${default})."`
	Peers   []string      `placeholder:"FILE" help:"Configuration files of other regions: compare the tables' definitions with theirs, and, while no bridge runs, the rows."`
}

// checkResult is what --json shows.
type checkResult struct {
	Findings []preflight.Finding `json:"findings"`
	Tables   []string            `json:"tables"` // that will be replicated
}

// Run is called by kong.
func (cmd *checkCommand) Run(ctx context.Context, s *session) error {
	c, err := s.config()
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, cmd.Timeout)
	report, err := databaseOf(c).check(limited)
	if err != nil {
		report = &preflight.Report{Findings: []preflight.Finding{preflight.Failure("database", err)}}
	}
	cancel()
	if _, err := builtPolicies(c); err != nil {
		report.Findings = append(report.Findings, preflight.Failure("configuration", err))
	}
	report.Findings = append(report.Findings, dropNotes(c)...)
	report.Findings = append(report.Findings, checkTopics(ctx, c, report.Initialised, cmd.Timeout)...)
	if len(cmd.Peers) > 0 {
		found, err := checkPeers(ctx, s, c, cmd.Peers)
		if err != nil {
			return err
		}
		report.Findings = append(report.Findings, found...)
	}
	preflight.Sort(report.Findings)

	s.outcome = checkOutcome(report)
	if report.Failed() {
		return environmentError(errors.New(s.outcome.summary))
	}
	return nil
}

func checkOutcome(r *preflight.Report) outcome {
	result := checkResult{Findings: r.Findings}
	for _, t := range r.Tables {
		result.Tables = append(result.Tables, t.String())
	}
	found := map[preflight.Level]int{}
	for _, f := range r.Findings {
		found[f.Level]++
	}
	return outcome{
		summary: fmt.Sprintf("%s, %s, %s; %s to replicate", count(found[preflight.Error], "error"),
			count(found[preflight.Warning], "warning"), count(found[preflight.Note], "note"), count(len(r.Tables), "table")),
		result: result,
		human:  func(w io.Writer) error { return writeFindings(w, r.Findings) },
	}
}

func writeFindings(w io.Writer, findings []preflight.Finding) error {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%-7s  %s: %s\n", f.Level, f.Object, f.Text)
		if f.Fix != "" {
			fmt.Fprintf(&b, "         -> %s\n", f.Fix)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
