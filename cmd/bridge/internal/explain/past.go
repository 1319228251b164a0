package explain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"bridge/apply"
	"bridge/chronicle"
	"bridge/cmd/bridge/internal/engines"
	"bridge/cmd/bridge/internal/settings"
	"bridge/cmd/bridge/internal/shell"
	"bridge/cmd/bridge/internal/show"
	"bridge/cmd/bridge/internal/topics"
	"bridge/config"
	"bridge/conflict"
)

// pastFlags choose what of the topics is read.
type pastFlags struct {
	Since   string        `placeholder:"AGE|TIME" help:"Read what the topics got since: 90m, 24h, 7d, or 2026-01-31T12:00:00Z (default: all that they have)."`
	Timeout time.Duration `default:"30s" help:"Give up when no broker answers (${default})."`
}

// past is the topics of all regions, to be read once.
type past struct {
	*chronicle.Reader
	rules []string // the fingerprint of the configuration's
	close []func()
	// foreign are the transactions that were written under other rules.
	foreign int
}

// openPast opens them. They're read up to where they end now.
func openPast(ctx context.Context, c *config.Config, flags *pastFlags, rules *conflict.Rules) (*past, error) {
	since, err := shell.Moment("--since", flags.Since, time.Now())
	if err != nil {
		return nil, err
	}
	p := &past{rules: rules.Known()}
	local, err := engines.LocalizerOf(c)
	if err != nil {
		return nil, err
	}
	p.close = append(p.close, func() { local.Close(context.WithoutCancel(ctx)) }) //nolint:errcheck // it was only read from
	var all []chronicle.Topic
	for _, region := range settings.Regions(c) {
		log, err := topics.Open(c, region)
		if err != nil {
			p.Close()
			return nil, err
		}
		p.close = append(p.close, func() { log.Close() }) //nolint:errcheck // it was only read from
		all = append(all, chronicle.Topic{Region: region, Log: log})
	}
	limited, cancel := context.WithTimeout(ctx, flags.Timeout)
	defer cancel()
	if p.Reader, err = chronicle.Open(limited, c.Cluster, all, since, local); err != nil {
		p.Close()
		return nil, shell.Environment(fmt.Errorf("read the regions' topics: %w", err))
	}
	return p, nil
}

// Close ends what was opened.
func (p *past) Close() {
	for _, f := range p.close {
		f()
	}
}

// foreignRemark says what transactions that were written under other rules mean.
func foreignRemark(n int) string {
	return show.Count(n, "transaction") + " of those that were read were written under other rules than the configuration's: what became of the rows then may not be what these rules say."
}

// each calls f with all that there is to read.
func (p *past) each(ctx context.Context, f func(*chronicle.Passage)) error {
	for {
		passage, err := p.Next(ctx)
		if err != nil {
			if errors.Is(err, apply.ErrRefused) {
				err = fmt.Errorf("%w (the bridge of this region would stop at it, too)", err)
			}
			return shell.Environment(err)
		}
		if passage == nil {
			return nil
		}
		if !slices.Contains(p.rules, passage.Rules) {
			p.foreign += len(passage.Transactions)
		}
		f(passage)
	}
}
