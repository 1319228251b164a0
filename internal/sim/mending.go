package sim

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"

	"bridge/mend"
	"bridge/visibility"
)

// mending is the part of a process that does what policies say about children which lack their parents, in one region: the shipped mender, over a
// model of its book. It's held at each look into the database, and at each write, so that anything can happen in between.
type mending struct {
	region *region
	mender *mend.OrphanMender
	woken  bool
	wrote  int // transactions
	next   func() (struct{}, bool)
	stop   func()
	failed error
}

// startMending begins anew, in the region that mends.
func (r *region) startMending() {
	r.endMending()
	w := r.world
	if r.index > 0 || !w.plan.isMended() || w.fault == NoMending {
		return
	}
	r.mending = &mending{region: r, mender: mend.NewOrphanMender(nil, r.namedPolicies, slog.New(slog.DiscardHandler))}
}

// namedPolicies are those that count, as a configuration names them.
func (r *region) namedPolicies() visibility.Policies {
	named := visibility.Policies{}
	for _, t := range r.world.tables {
		p := visibility.TablePolicies{Foreign: map[string]visibility.ForeignPolicy{}}
		for _, k := range r.world.foreignOf(t.TableName) {
			p.Foreign[k.name()] = r.policies().children[k.index]
		}
		named[t.TableName] = p
	}
	return named
}

func (r *region) endMending() {
	if r.mending != nil && r.mending.stop != nil {
		r.mending.stop()
	}
	r.mending = nil
}

// mend goes on mending; now and then a minute is over.
func (r *region) mend() {
	if m := r.mending; m != nil && r.world.step >= r.asleep {
		m.woken = m.woken || r.world.rng.IntN(20) == 0
		m.step()
	}
}

// errDied ends what a dead process was about.
var errDied = errors.New("the process died")

// step goes on to the next look, or write, and reports whether there was something to do.
func (m *mending) step() bool {
	if m == nil || m.next == nil && !m.woken {
		return false
	}
	if m.next == nil {
		m.woken = false
		m.next, m.stop = iter.Pull(func(yield func(struct{}) bool) {
			m.failed = m.mender.Step(context.Background(), &book{mending: m, yield: yield})
		})
	}
	if _, more := m.next(); more {
		return true
	}
	m.next, m.stop = nil, nil
	m.woken = m.woken || m.failed != nil // it will try again
	return true
}

// finish does all that's to be done, as when the minute is over after which parked rows are looked at in any case, and reports whether it wrote.
func (m *mending) finish() bool {
	if m == nil {
		return false
	}
	before := m.wrote
	m.end() // what's under way looked at what was there then
	for m.woken = true; m.woken && m.region.world.violation == nil; m.end() {
		m.step()
	}
	return m.wrote > before
}

// end ends what's under way.
func (m *mending) end() {
	for m.next != nil {
		m.step()
		if r := m.region; len(r.open) > 0 { // its own transaction, which others are to see
			r.proceed(r.open[0])
		}
	}
}

// hold lets others have their turn. It's an error when the process died meanwhile.
func (b *book) hold() error {
	if !b.yield(struct{}{}) {
		return errDied
	}
	return nil
}

// commit commits a transaction of the mender's as one of an application's, and waits until it's seen.
func (b *book) commit(o *open, away ...visibility.Parked) error {
	r := b.mending.region
	w := r.world
	o.logged = true
	l := r.localRecord(o)
	for i := range away {
		l.away = append(l.away, away[i].Key)
		o.session.unparks = append(o.session.unparks, away[i].Key)
	}
	o.session.commit(l)
	r.db.flushed = len(r.db.log)
	b.mending.wrote++
	w.stats.Mended++
	w.trace("%s mends at log %d: %s, away %v", r, o.session.place-1, described(o.operations), l.away)
	r.open = append(r.open, o)
	if !w.plan.lingers {
		r.proceed(o)
	}
	for slices.Contains(r.open, o) {
		if err := b.hold(); err != nil {
			return err
		}
	}
	return nil
}
