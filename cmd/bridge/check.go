package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"bridge/change"
	"bridge/config"
	"bridge/internal/postgres"
	"bridge/internal/postgres/preflight"
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
	var report preflight.Report
	limited, cancel := context.WithTimeout(ctx, cmd.Timeout)
	report.Findings = checkReplicationConnection(limited, c)
	initialised := false
	if len(report.Findings) == 0 {
		found, err := checkDatabase(limited, c)
		if err != nil {
			report.Findings = append(report.Findings, finding("database", err))
		} else {
			report, initialised = *found, found.Initialised
		}
	}
	cancel()
	report.Findings = append(report.Findings, checkTopics(ctx, c, initialised, cmd.Timeout)...)
	if len(cmd.Peers) > 0 {
		found, err := s.checkPeers(ctx, c, cmd.Peers)
		if err != nil {
			return err
		}
		report.Findings = append(report.Findings, found...)
	}
	preflight.Sort(report.Findings)

	s.outcome = checkOutcome(&report)
	if report.Failed() {
		return &failure{exitEnvironment, errors.New(s.outcome.summary)}
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

func finding(object string, err error) preflight.Finding {
	return preflight.Finding{Level: preflight.Error, Object: object, Text: err.Error()}
}

// preflightSettings translates the configuration.
func preflightSettings(c *config.Config) preflight.Settings {
	return preflight.Settings{
		Cluster: c.Cluster, Region: c.Region, Regions: regionNames(c),
		Slot: c.Database.Slot, FailoverSlot: c.Database.FailoverSlot, Publication: c.Database.Publication,
		Connections: c.Database.ApplyConnections + ownConnections,
		Selected:    func(t change.TableName) bool { return c.Tables.Match(t.Schema, t.Name) },
	}
}

// ownConnections are what bridge holds besides apply's: one each for the region's lock, barriers and capture's look-ups,
// and one to spare for what it looks at now and then, or a command beside it.
const ownConnections = 4

func checkDatabase(ctx context.Context, c *config.Config) (*preflight.Report, error) {
	conn, err := connect(ctx, c, "check")
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return preflight.Run(ctx, conn, preflightSettings(c))
}

// checkReplicationConnection tries the second kind of connection that bridge needs: poolers refuse it,
// and so may pg_hba.conf. A database that can't be reached at all shows here, too.
func checkReplicationConnection(ctx context.Context, c *config.Config) []preflight.Finding {
	session := clientSession(c, "check")
	session.Replication = true
	pg, err := server(c).Config(session)
	if err != nil {
		return []preflight.Finding{finding("database", err)}
	}
	conn, err := pgconn.ConnectConfig(ctx, &pg.Config)
	if err == nil {
		conn.Close(context.WithoutCancel(ctx))
		return nil
	}
	plain, errPlain := connect(ctx, c, "check")
	if errPlain != nil {
		return []preflight.Finding{unreachable(errPlain)}
	}
	defer plain.Close(context.WithoutCancel(ctx))
	if !mayReplicate(ctx, plain) {
		return nil // preflight reports the missing right
	}
	return []preflight.Finding{{Level: preflight.Error, Object: "database",
		Text: "an ordinary connection works, one for replication doesn't: " + err.Error(),
		Fix:  "connect to the server itself, not to a pooler; and see pg_hba.conf"}}
}

func mayReplicate(ctx context.Context, conn *pgx.Conn) (may bool) {
	err := conn.QueryRow(ctx, `SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user`).Scan(&may)
	return err != nil || may
}

func unreachable(err error) preflight.Finding {
	f := finding("database", err)
	if server, ok := errors.AsType[*pgconn.PgError](err); ok && strings.HasPrefix(server.Code, "28") {
		f.Fix = `check user, password and pg_hba.conf; "bridge grants" prints how to create the role`
	} else if postgres.Classify(err) == postgres.Retry {
		f.Fix = "check address, port and firewall, and that the server runs"
	}
	return f
}
