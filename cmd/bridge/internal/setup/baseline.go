package setup

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"bridge/change"
	"bridge/cmd/bridge/internal/engines"
	"bridge/cmd/bridge/internal/settings"
	"bridge/cmd/bridge/internal/show"
	"bridge/cmd/bridge/internal/topics"
	"bridge/compare"
	"bridge/config"
	"bridge/internal/preflight"
	"bridge/stream"
	"bridge/stream/kafka"
	"bridge/wire"
)

// Regions must begin with the same rows: bridge ships what is written from each region's beginning in its log on
// (PostgreSQL's replication slot), and nothing from before it. So init reads every row once, in the snapshot that belongs there, and
// writes counts and digests to the region's topic: its baseline. Each region compares its own with those that the
// others have written, so the last one to be set up has compared with all. A baseline is exact: whether
// applications write meanwhile doesn't matter, because what they write is behind the beginnings and is
// shipped.

// brokerTimeout is how long init waits for a broker that doesn't answer.
const brokerTimeout = 30 * time.Second

// tellBaseline compares the region's baseline with the others', tells it in the region's topic, and says what it
// compared with.
func tellBaseline(ctx context.Context, c *config.Config, topic stream.Log, b *engines.Beginning) (said string, err error) {
	own, err := b.Baseline(ctx)
	if err != nil {
		return "", err
	}
	if _, err := compareBaselines(ctx, c, own); err != nil {
		return "", err
	}
	record := wire.StartRecord(c.Cluster, change.NewOrigin(c.Region, 1), b.Position, change.TimestampOf(time.Now()), own)
	if err := appendTo(ctx, topic, record); err != nil {
		return "", err
	}
	// Another region may have done the same at the same time: whoever looks last sees both.
	return compareBaselines(ctx, c, own)
}

func appendTo(ctx context.Context, topic stream.Log, record []byte) error {
	ctx, cancel := context.WithTimeout(ctx, brokerTimeout)
	defer cancel()
	if _, err := topic.Append(ctx, [][]byte{record}); err != nil {
		return fmt.Errorf("write the region's baseline to topic %s: %w", topic.Name(), err)
	}
	return nil
}

// checkUnused refuses a topic with another history than that of a region that never ran.
func checkUnused(ctx context.Context, c *config.Config, topic stream.Log) error {
	ctx, cancel := context.WithTimeout(ctx, brokerTimeout)
	defer cancel()
	h, next, err := topics.LastRecord(ctx, topic)
	if err != nil {
		return err
	}
	if h == nil && next == 0 {
		return nil
	}
	if h != nil {
		if err := topics.CheckAuthor(topic, next-1, h, c.Cluster, c.Region); err != nil {
			return err
		}
		if _, told, err := h.ParseBaseline(); told || err != nil {
			return err
		}
	}
	return fmt.Errorf("topic %s was written to before, but this database has never been set up: it's of an earlier life of region %s. "+
		"Delete the topic, and begin with new data in every region", topic.Name(), c.Region)
}

// mismatch says that regions don't begin alike. It's an error with findings.
type mismatch struct{ findings []preflight.Finding }

func (m *mismatch) Error() string {
	f := &m.findings[0]
	text := f.Object + " " + f.Text
	if n := len(m.findings) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return "the regions don't begin with the same data: " + text + "; this region isn't set up"
}

// mismatchFix loads this region's table: the other region is set up already, and what's loaded there is shipped.
func mismatchFix(here, there string) string {
	return fmt.Sprintf(`load the table here, in region %s, from region %s as it was when that was set up, and run "bridge init" again. `+
		`If that's gone, because %[2]s was written to since, or if its rows are the wrong ones: stop its bridge, drop its replication slot, `+
		`its schema bridge and its topic, and begin again with init there. "bridge check --peers FILE" tells which rows differ`, here, there)
}

// compareBaselines compares a region's baseline with those of the others that are to be had, and says with which.
// The error is a *mismatch when they differ.
func compareBaselines(ctx context.Context, c *config.Config, own wire.Baseline) (said string, err error) {
	var equal, pending, silent []string
	var findings []preflight.Finding
	found := map[change.TableName]bool{} // once per table will do
	for _, region := range settings.Regions(c) {
		if region == c.Region {
			continue
		}
		their, state, err := loadBaseline(ctx, c, region)
		switch {
		case err != nil:
			return "", fmt.Errorf("compare the data with region %s's (--no-verify goes without): %w", region, err)
		case state == notBegun:
			pending = append(pending, region)
			continue
		case state == begunSilently:
			silent = append(silent, region)
			continue
		}
		for _, d := range compare.BaselineDifferences(c.Region, own, region, their) {
			if found[d.Table] {
				continue
			}
			found[d.Table] = true
			findings = append(findings, preflight.Finding{Level: preflight.Error, Object: d.Table.String(), Text: d.Text, Fix: mismatchFix(c.Region, region)})
		}
		equal = append(equal, region)
	}
	if len(findings) > 0 {
		return "", &mismatch{findings}
	}
	return describeBaselines(own, equal, pending, silent), nil
}

func describeBaselines(own wire.Baseline, equal, pending, silent []string) string {
	rows := uint64(0)
	for i := range own {
		rows += own[i].Rows
	}
	parts := []string{show.Count(rows, "row") + " in " + show.Count(len(own), "table")}
	add := func(what string, regions []string) {
		if len(regions) > 0 {
			parts = append(parts, what+" "+strings.Join(regions, ", "))
		}
	}
	add("the same as in", equal)
	add("to be compared when it's set up:", pending)
	add("NOT compared, since it doesn't tell what it began with (see bridge check --peers):", silent)
	return strings.Join(parts, "; ")
}

// What a region's topic tells of its baseline.
const (
	notBegun      = iota // nothing: the region isn't set up
	begunSilently        // the records don't go back to it, or it was set up without
	begun
)

func loadBaseline(ctx context.Context, c *config.Config, region string) (wire.Baseline, int, error) {
	ctx, cancel := context.WithTimeout(ctx, brokerTimeout)
	defer cancel()
	topic, err := topics.Open(c, region)
	if err != nil {
		return nil, 0, err
	}
	defer topic.Close() //nolint:errcheck // it was only read from
	problems, err := topic.CheckTopic(ctx, topics.Settings(c, region))
	if err != nil {
		return nil, 0, err
	}
	if slices.ContainsFunc(problems, topics.NeedsInit) {
		return nil, notBegun, nil
	}
	return firstBaseline(ctx, c, topic, region)
}

// firstBaseline reads a topic from its beginning as long as there are baselines, and returns the last of them.
func firstBaseline(ctx context.Context, c *config.Config, topic *kafka.Log, region string) (baseline wire.Baseline, state int, err error) {
	at, next, err := topic.Bounds(ctx)
	if err != nil || next == 0 {
		return nil, notBegun, err
	}
	state = begunSilently
	for at < next {
		records, err := topic.Read(ctx, at)
		if err != nil {
			return nil, 0, err
		}
		for i := range records {
			h, err := wire.Peek(records[i].Value)
			if err != nil {
				return nil, 0, fmt.Errorf("topic %s offset %d: %w", topic.Name(), records[i].Offset, err)
			}
			if err := topics.CheckAuthor(topic, records[i].Offset, &h, c.Cluster, region); err != nil {
				return nil, 0, err
			}
			found, told, err := h.ParseBaseline()
			if err != nil {
				return nil, 0, fmt.Errorf("topic %s offset %d: %w", topic.Name(), records[i].Offset, err)
			}
			if !told {
				return baseline, state, nil
			}
			baseline, state, at = found, begun, records[i].Offset+1
		}
	}
	return baseline, state, nil
}
