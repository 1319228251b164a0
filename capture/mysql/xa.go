package mysql

import (
	"context"
	"fmt"
	"path"
	"slices"

	library "github.com/go-mysql-org/go-mysql/mysql"

	"bridge/capture"
	"bridge/capture/spool"
	"bridge/internal/mysql"
)

// prepared are the XA transactions that the log has prepared and not yet decided. The log has their rows
// at XA PREPARE, a group of its own, while they count from the XA COMMIT on, another one.
type prepared struct {
	*spool.Spool
	byID map[string]*spool.Spill
}

func newPrepared(dir string, limit int64) *prepared {
	return &prepared{Spool: spool.New(dir, limit), byID: make(map[string]*spool.Spill)}
}

// drop forgets a transaction that's rolled back.
func (p *prepared) drop(xid string) error {
	sp := p.byID[xid]
	if sp == nil {
		return nil
	}
	delete(p.byID, xid)
	return p.Release(sp)
}

// prepare takes the event that ends an XA transaction's rows: prepared, or committed in one phase.
func (s *Source) prepare(e event) (capture.Event, error) {
	c := cursor{rest: e.body}
	onePhase := c.byte() != 0
	format := c.uint32()
	global, branch := int(c.uint32()), int(c.uint32())
	xid := xaID(format, c.take(global), c.take(branch))
	if err := c.done("XA PREPARE event"); err != nil {
		return capture.Event{}, err
	}
	sp := s.group.keep
	if sp == nil {
		return capture.Event{}, badLog("XA PREPARE of %s without its XA START", xid)
	}
	s.group.keep = nil
	if onePhase {
		s.replay(sp)
		return capture.Event{}, nil
	}
	if err := s.xa.drop(xid); err != nil { // one that an earlier server had left undecided
		return capture.Event{}, err
	}
	s.xa.byID[xid] = sp
	return s.commit()
}

// commitPrepared gives out a prepared transaction. One that was prepared before this source began is
// looked for in the log.
func (s *Source) commitPrepared(ctx context.Context, xid string) (capture.Event, error) {
	sp := s.xa.byID[xid]
	if sp == nil && !s.group.past {
		return capture.Event{}, s.lookBack(ctx, xid)
	}
	if sp == nil {
		return s.commit()
	}
	s.back = 0
	delete(s.xa.byID, xid)
	if s.group.past {
		if err := s.xa.Release(sp); err != nil {
			return capture.Event{}, err
		}
		return s.commit()
	}
	s.replay(sp)
	return capture.Event{}, nil
}

// replay gives out the events of a committed XA transaction. At their end the group is complete.
func (s *Source) replay(sp *spool.Spill) {
	s.nested = append(s.nested, &replay{spool: s.xa.Spool, spill: sp, reader: sp.Reader()})
}

type replay struct {
	spool  *spool.Spool
	spill  *spool.Spill
	reader *spool.Reader
}

func (r *replay) next() (event, error) { return nextEvent(r.reader) }
func (r *replay) close() error         { return r.spool.Release(r.spill) }

// leave ends the innermost feed.
func (s *Source) leave() (capture.Event, error) {
	last := s.nested[len(s.nested)-1]
	s.nested = s.nested[:len(s.nested)-1]
	if err := last.close(); err != nil {
		return capture.Event{}, err
	}
	if _, ok := last.(*replay); ok {
		return s.commit()
	}
	return capture.Event{}, nil
}

// lookBack begins again at an earlier file, to find the XA PREPARE of a transaction that's committed now.
// What comes up to this group is read for its prepared transactions only. It goes further back each time,
// twice as far as the time before.
func (s *Source) lookBack(ctx context.Context, xid string) error {
	files, err := s.catalog.logFiles(ctx)
	if err != nil {
		return err
	}
	at := mysql.DecodePosition(s.group.began)
	here := slices.IndexFunc(files, func(f string) bool { return path.Base(f) == at.FileName(s.place.base) })
	if here < s.back {
		return fmt.Errorf("%w: the XA transaction %s is committed, and its XA PREPARE, which has its rows, isn't in the log any more: %s", ErrLogPurged, xid, joinAnew)
	}
	first := library.Position{Name: path.Base(files[here-s.back]), Pos: firstEvent}
	if s.back < here {
		s.back = min(2*s.back+1, here)
	} else {
		s.back = here + 1
	}
	return s.again(start{at: at, done: s.done, link: linkConfig{file: first}})
}
