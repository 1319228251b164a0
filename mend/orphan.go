package mend

import (
	"context"
	"log/slog"
	"time"

	"bridge/casebook"
	"bridge/visibility"
)

// OrphanMender does what the policies of foreign keys say about rows whose parents were deleted at the same time: it gives the rows up
// ([visibility.DropChild]), or inserts the parents again ([visibility.KeepParent]).
//
// That can't be each region's own decision: one that sees the parent come back first would do another thing. So all regions hide the row, and one,
// always the same, writes in an ordinary local transaction of its own, which supersedes what was there everywhere.
type OrphanMender struct {
	open     func(context.Context) (casebook.Book, error)
	policies func() visibility.Policies
	log      *slog.Logger
	wake     chan struct{}
	told     map[string]bool // rows of which was said that nothing can be done
}

// NewOrphanMender makes a mender; open opens the region's book. policies are those that count now, by names between the regions.
func NewOrphanMender(open func(context.Context) (casebook.Book, error), policies func() visibility.Policies, log *slog.Logger) *OrphanMender {
	return &OrphanMender{open: open, policies: policies, log: log, wake: make(chan struct{}, 1)}
}

// Wake tells that rows are parked which may have to be mended. It doesn't block.
func (m *OrphanMender) Wake() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// orphansEvery is how often parked rows are looked at in any case.
const orphansEvery = time.Minute

// Run works until ctx ends. It begins when it's first woken: bridge looks at its parked rows when it starts, so they are as they should
// be by then. What fails is tried again: the rows stay parked.
func (m *OrphanMender) Run(ctx context.Context) error {
	pause := orphansEvery
	for {
		select {
		case <-m.wake:
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		pause = orphansEvery
		if err := m.session(ctx); err != nil && ctx.Err() == nil {
			m.log.Warn("rows that lack a parent can't be mended; will try again", "error", err)
			pause = retryAfter
		}
	}
}

func (m *OrphanMender) session(ctx context.Context) error {
	book, err := m.open(ctx)
	if err != nil {
		return err
	}
	defer book.Close(context.WithoutCancel(ctx)) //nolint:errcheck // every row was mended by itself
	return m.Step(ctx, book)
}

// Step does what's to be done now. Parents come first: a row of another policy stays, too, if its parent is kept for a sibling.
func (m *OrphanMender) Step(ctx context.Context, book casebook.Book) error {
	told := m.told
	m.told = map[string]bool{}
	o := newOrphans(book, m.policies())
	err := m.keep(ctx, o, told)
	if err == nil {
		err = m.drop(ctx, o, told)
	}
	if err != nil {
		m.told = told
	}
	return err
}

// isNews reports whether an operator isn't told yet of a row with which nothing can be done: once as long as it's parked. told are those that were before
// this step.
func (m *OrphanMender) isNews(told map[string]bool, p *casebook.Parked) bool {
	row := p.Row()
	news := !m.told[row] && !told[row]
	m.told[row] = true
	return news
}
