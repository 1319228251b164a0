package watch

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"bridge/admin"
	"bridge/cmd/bridge/internal/show"
)

func statusSummary(s *admin.Status) string {
	var stopped []string
	for i := range s.Peers {
		if s.Peers[i].Stopped != "" {
			stopped = append(stopped, s.Peers[i].Region)
		}
	}
	switch {
	case len(stopped) > 0:
		return "stopped peers: " + strings.Join(stopped, ", ")
	case s.HeldSince != nil:
		return "nothing is applied since " + s.HeldSince.UTC().Format(time.RFC3339)
	case !s.Ready && s.StalledSince != nil:
		return "nothing could be published since " + s.StalledSince.UTC().Format(time.RFC3339)
	case s.Ready:
		return "running, no peer is stopped"
	}
	if s.WaitsFor != "" {
		return "not ready: " + s.Phase + ", waits for " + s.WaitsFor
	}
	return "not ready: " + s.Phase
}

func writeStatusResult(w io.Writer, r *StatusResult, now time.Time) error {
	switch {
	case r.Status != nil:
		return writeStatus(w, r.Status, now)
	case r.Stored != nil:
		return writeStored(w, r.Stored)
	}
	return nil
}

// writeStatus is a running bridge's status for people.
func writeStatus(w io.Writer, s *admin.Status, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }
	line("region\t%s of cluster %s", s.Region, s.Cluster)
	line("phase\t%s for %s, session %d", s.Phase, now.Sub(s.Since).Round(time.Second), s.Sessions)
	if s.WaitsFor != "" {
		line("waits for\t%s", s.WaitsFor)
	}
	if s.Error != "" {
		line("last error\t%s", s.Error)
	}
	if s.Origin == "" { // no session: there's nothing to tell
		return t.Flush()
	}
	line("log\tread up to %s, published up to %s (%s behind)", s.Captured, s.Published, size(int(s.UnpublishedBytes)))
	if s.StalledSince != nil {
		line("publishing\tstalled for %s: %s", now.Sub(*s.StalledSince).Round(time.Second), s.PublishError)
	}
	if s.HeldSince != nil {
		line("applying\tnothing for %s, rows that constraints hide can't be looked at: %s", now.Sub(*s.HeldSince).Round(time.Second), s.HeldError)
	}
	if s.RulesChange != nil {
		line("rules\t%s", rulesChange(s.RulesChange))
	}
	line("transactions\tseq %d published%s", s.Seq, lastCommit(s, now))
	line("history\t%s not seen by every region, %s of %s (%.0f %%)",
		show.Count(s.History.Operations, "operation"), size(s.History.Bytes), size(s.History.Limit), 100*float64(s.History.Bytes)/float64(max(1, s.History.Limit)))
	if err := t.Flush(); err != nil {
		return err
	}
	if err := writePeers(w, s, now); err != nil {
		return err
	}
	if err := writeConflicts(w, s.Conflicts, s.LostUpdates); err != nil {
		return err
	}
	return writeParkedCounts(w, s.Parked)
}

func writeParkedCounts(w io.Writer, parked []admin.Parked) error {
	if len(parked) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\nparked rows of\treason\trows\n")
	for _, p := range parked {
		fmt.Fprintf(t, "%s\t%s\t%d\n", p.Table, p.Reason, p.Rows)
	}
	return t.Flush()
}

// rulesChange says what a change of conflict rules waits for.
func rulesChange(c *admin.RulesChange) string {
	switch {
	case len(c.Awaited) > 0:
		return "wait for " + strings.Join(c.Awaited, ", ") + " to be restarted with conflicts.next"
	case len(c.Unturned) > 0:
		return "changing to conflicts.next: " + strings.Join(c.Unturned, ", ") + " not yet"
	case !c.Done:
		return fmt.Sprintf("changed to conflicts.next; %s under the rules before may still have to be decided", show.Count(c.Remaining, "operation"))
	}
	return "changed to conflicts.next: it can be written as conflicts in this region's file"
}

func lastCommit(s *admin.Status, now time.Time) string {
	if s.LastCommit == nil {
		return ""
	}
	return fmt.Sprintf(", the last one committed %s ago", rounded(now.Sub(*s.LastCommit)))
}

func writePeers(w io.Writer, s *admin.Status, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\npeer\tapplied\tqueued\tsize\tlag\tstable\thas seen of ours\t\n")
	for i := range s.Peers {
		p := &s.Peers[i]
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\t%d\t%d\t\n", p.Region, p.Applied, p.Queued, size(p.QueuedBytes), seconds(p.LagSeconds), p.Stable, p.Seen[s.Origin])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	var b strings.Builder
	for i := range s.Peers {
		b.WriteString(peerTroubles(&s.Peers[i], now))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// peerTroubles are lines on what keeps a peer's transactions from being applied.
func peerTroubles(p *admin.Peer, now time.Time) string {
	var b strings.Builder
	if p.Stopped != "" {
		fmt.Fprintf(&b, "%s is STOPPED: %s\n", p.Region, p.Stopped)
	}
	if p.WaitsFor != "" {
		fmt.Fprintf(&b, "%s waits for %s, of which it had seen what isn't here yet\n", p.Region, p.WaitsFor)
	}
	if p.WaitsSince != nil {
		fmt.Fprintf(&b, "%s waits for topic %s, which has operations that its next transaction needs, for %s\n", p.Region, p.WaitsForTopic, now.Sub(*p.WaitsSince).Round(time.Second))
	}
	if p.ReadError != "" {
		fmt.Fprintf(&b, "%s can't be read at the moment: %s\n", p.Region, p.ReadError)
	}
	return b.String()
}

func writeConflicts(w io.Writer, conflicts []admin.Conflict, lost uint64) error {
	if len(conflicts) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\nconflict\ttable\trule\toutcome\tcount\n")
	for _, c := range conflicts {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\n", c.Type, c.Table, c.Rule, c.Result, c.Count)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s\n", show.Count(lost, "lost update"))
	return err
}

// seconds is a lag for people.
func seconds(s float64) string {
	return rounded(time.Duration(s * float64(time.Second))).String()
}

// rounded leaves what matters: milliseconds up to ten seconds.
func rounded(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(time.Second)
}

// size is a number of bytes for people.
func size(n int) string {
	const kib, mib, gib = 1 << 10, 1 << 20, 1 << 30
	switch {
	case n >= gib:
		return fmt.Sprintf("%.1f GiB", float64(n)/gib)
	case n >= mib:
		return fmt.Sprintf("%.1f MiB", float64(n)/mib)
	case n >= kib:
		return fmt.Sprintf("%.1f KiB", float64(n)/kib)
	}
	return fmt.Sprintf("%d B", n)
}

// writeStored is what's known of a region whose bridge doesn't answer.
func writeStored(w io.Writer, s *storedState) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "region\t%s of cluster %s\n", s.Region, s.Cluster)
	if d := s.Database; d != nil && d.Slot == "" {
		fmt.Fprintf(t, "log\tends at %s\n", d.LogEnd)
	} else if d != nil {
		used := "nobody reads it"
		if d.SlotActive {
			used = "a process reads it"
		}
		fmt.Fprintf(t, "slot %s\tconfirmed up to %s, %s behind the end of the log, %s\n", d.Slot, d.Confirmed, size(int(d.SlotLagBytes)), used)
		if d.KeptBytes > 0 {
			fmt.Fprintf(t, "\tit keeps %s of log on the server's disk (%s)\n", size(int(d.KeptBytes)), d.WALStatus)
		}
	}
	for _, p := range s.Topics {
		if p.Error != "" {
			fmt.Fprintf(t, "topic %s\t%s\n", p.Topic, p.Error)
			continue
		}
		fmt.Fprintf(t, "topic %s\tends at offset %d, seq %d", p.Topic, p.Next, p.Seq)
		if p.Region != s.Region && s.Database != nil {
			fmt.Fprintf(t, "; applied here up to seq %d, %d behind", p.Applied, p.Behind)
		}
		fmt.Fprintln(t)
	}
	for _, e := range s.Errors {
		fmt.Fprintf(t, "problem\t%s\n", e)
	}
	return t.Flush()
}
