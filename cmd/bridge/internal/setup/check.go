package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"bridge/cmd/bridge/internal/engines"
	"bridge/cmd/bridge/internal/shell"
	"bridge/cmd/bridge/internal/show"
	"bridge/internal/preflight"
)

// Check is "bridge check": it changes nothing, and goes on to the end whatever it finds.
type Check struct {
	Timeout time.Duration `default:"30s" help:"Give up on a database or broker that doesn't answer (${default})."`
	Peers   []string      `placeholder:"FILE" help:"Configuration files of other regions: compare the tables' definitions with theirs, and, while no bridge runs, the rows."`
}

// checkResult is what --json shows.
type checkResult struct {
	Findings []preflight.Finding `json:"findings"`
	Tables   []string            `json:"tables"` // that will be replicated
}

// Run is called by kong.
func (cmd *Check) Run(ctx context.Context, s *shell.Session) error {
	c, err := s.Config()
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, cmd.Timeout)
	report, err := engines.Of(c).Check(limited)
	if err != nil {
		report = &preflight.Report{Findings: []preflight.Finding{preflight.Failure("database", err)}}
	}
	cancel()
	report.Findings = append(report.Findings, mendNotes(c)...)
	report.Findings = append(report.Findings, checkTopics(ctx, c, report.Initialised, cmd.Timeout)...)
	if len(cmd.Peers) > 0 {
		found, err := checkPeers(ctx, s, c, cmd.Peers)
		if err != nil {
			return err
		}
		report.Findings = append(report.Findings, found...)
	}
	preflight.Sort(report.Findings)

	s.Outcome = checkOutcome(report)
	if report.Failed() {
		return shell.Environment(errors.New(s.Outcome.Summary))
	}
	return nil
}

func checkOutcome(r *preflight.Report) shell.Outcome {
	result := checkResult{Findings: r.Findings}
	for _, t := range r.Tables {
		result.Tables = append(result.Tables, t.String())
	}
	found := map[preflight.Level]int{}
	for _, f := range r.Findings {
		found[f.Level]++
	}
	return shell.Outcome{
		Summary: fmt.Sprintf("%s, %s, %s; %s to replicate", show.Count(found[preflight.Error], "error"),
			show.Count(found[preflight.Warning], "warning"), show.Count(found[preflight.Note], "note"), show.Count(len(r.Tables), "table")),
		Result: result,
		Human:  func(w io.Writer) error { return writeFindings(w, r.Findings) },
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
