package mysql

import (
	"context"
	"fmt"

	library "github.com/go-mysql-org/go-mysql/mysql"
	"github.com/go-mysql-org/go-mysql/replication"

	"bridge/capture"
	"bridge/capture/spool"
	"bridge/change"
)

// group is an event group: a GTID event and what follows, up to the commit. It's a transaction, or one
// statement by itself.
type group struct {
	open  bool
	gtid  gtid
	time  change.Timestamp
	began uint64       // where its GTID event is
	many  bool         // it has begun like a transaction: it ends with a commit
	past  bool         // it was dealt with before the start: nothing of it is given out
	keep  *spool.Spill // an XA transaction's rows, until it's decided
}

// Flags of MariaDB's GTID event.
const (
	mariadbStandalone = 1
	mariadbCommitID   = 2
	mariadbPrepared   = 64
)

// open begins a group.
func (s *Source) open(ctx context.Context, e event, at place) error {
	if s.group.open {
		return badLog("a transaction begins inside another")
	}
	if s.done == nil {
		return badLog("the log file doesn't begin with the GTIDs of those before it")
	}
	began, err := at.encode()
	if err != nil {
		return err
	}
	g := group{open: true, began: began, past: began < s.startOffset() && s.from.link.gtids == nil}
	switch e.typ {
	case replication.MARIADB_GTID_EVENT:
		c := cursor{rest: e.body}
		g.gtid = gtid{number: c.uint64(), domain: c.uint32(), server: e.server}
		flags := c.byte()
		if err := c.done("GTID event"); err != nil {
			return err
		}
		g.many = flags&mariadbStandalone == 0
		g.time = change.Timestamp(e.time) * 1e6
		if flags&mariadbPrepared != 0 {
			g.keep = &spool.Spill{}
		}
	case replication.GTID_TAGGED_LOG_EVENT:
		var tagged replication.GtidTaggedLogEvent
		if err := tagged.Decode(e.body); err != nil {
			return badLog("tagged GTID event: %w", err)
		}
		g.gtid = gtid{source: formatUUID(tagged.SID), number: uint64(tagged.GNO)}
		if tag := tagged.Tag.String(); tag != "" {
			g.gtid.source += ":" + tag
		}
		g.time = change.Timestamp(tagged.ImmediateCommitTimestamp)
	default:
		if err := g.readGTID(e); err != nil {
			return err
		}
	}
	s.group = g
	s.current.Begin(s.current.Xid()+1, g.time)
	return s.continues(ctx, g)
}

// readGTID reads MySQL's GTID event.
func (g *group) readGTID(e event) error {
	const logicalTimestamps = 2
	c := cursor{rest: e.body}
	c.byte() // flags
	uuid := c.take(16)
	number := c.uint64()
	if e.typ == replication.GTID_EVENT && uuid != nil {
		g.gtid = gtid{source: formatUUID(uuid), number: number}
	}
	if c.byte() != logicalTimestamps {
		return badLog("GTID event without a commit time: the server is older than MySQL 8.0")
	}
	c.take(8 + 8)
	g.time = change.Timestamp(c.uint(7) &^ (1 << 55)) // the bit says that another time follows
	return c.done("GTID event")
}

// rereads reports whether what's read now was dealt with before.
func (s *Source) rereads() bool {
	at, err := s.place.encode()
	return err == nil && at < s.startOffset() && s.from.link.gtids == nil
}

func (s *Source) startOffset() uint64 {
	at, _ := s.from.at.Encode() // it was one
	return at
}

// query takes a statement that was logged as text.
func (s *Source) query(ctx context.Context, e event) (capture.Event, error) {
	q, err := parseQuery(e)
	if err != nil {
		return capture.Event{}, err
	}
	st := parseStatement(q.sql, q.noBackslash)
	switch st.effect {
	case effectBegin:
		s.group.many = true
		return capture.Event{}, nil
	case effectCommit:
		return s.commit()
	case effectRollback:
		return s.rollback()
	case effectRollbackTo:
		return capture.Event{}, s.rollbackTo()
	case effectSavepoint, effectXAEnd:
		return capture.Event{}, nil
	case effectXAStart:
		s.group.many = true
		s.group.keep = &spool.Spill{}
		return capture.Event{}, nil
	case effectXACommit:
		return s.commitPrepared(ctx, st.xid)
	case effectXARollback:
		if err := s.xa.drop(st.xid); err != nil {
			return capture.Event{}, err
		}
		return s.commit()
	case effectTruncate:
		if err := s.truncate(ctx, st, q); err != nil {
			return capture.Event{}, err
		}
	case effectMoves:
		if err := s.moves(ctx, st, q); err != nil {
			return capture.Event{}, err
		}
	case effectNone:
	default:
		if !s.group.past {
			return capture.Event{}, errStatement(st.word)
		}
	}
	if s.group.many {
		return capture.Event{}, nil // CREATE TABLE … SELECT's first half
	}
	return s.commit()
}

// commit ends the group.
func (s *Source) commit() (capture.Event, error) {
	s.group.open = false
	if !s.group.past || s.from.done == nil {
		s.done.add(s.group.gtid)
	}
	if s.group.past {
		return capture.Event{}, nil
	}
	at, err := s.place.encode()
	if err != nil {
		return capture.Event{}, err
	}
	return s.current.Finish(change.Position{Offset: at, GTID: s.done.String()}), nil
}

// rollback ends a group that changed tables of other engines than InnoDB, too: what it did to those stays.
func (s *Source) rollback() (capture.Event, error) {
	if s.current.Kind() != capture.Empty {
		return capture.Event{}, errMixedEngines
	}
	return s.commit()
}

func (s *Source) rollbackTo() error {
	if s.current.Kind() != capture.Empty || s.group.keep != nil && s.group.keep.Size() > 0 {
		return errMixedEngines
	}
	return nil
}

var errMixedEngines = badLog("a transaction that changed tables with and without transactions (MyISAM, Aria, MEMORY) was rolled back, " +
	"and the log doesn't tell which rows stayed: make all replicated tables ENGINE = InnoDB, and join this region anew")

// newFile is where another log file begins. A group doesn't cross files: one that's open was cut off when
// the server died, and never committed.
func (s *Source) newFile() error {
	s.tables.forget()
	if !s.group.open {
		return nil
	}
	if s.current.Pieces() > 0 {
		return badLog("the log ends inside a transaction of which a part was read already: the server lost the rest when it died. Join this region anew")
	}
	var err error
	if s.group.keep != nil {
		err = s.xa.Release(s.group.keep)
	}
	s.group, s.rows = group{}, nil
	return err
}

// previous takes the event that says which groups the earlier files have: all that were read.
func (s *Source) previous(e event) error {
	if s.done != nil && (!s.fresh || s.rereads()) {
		s.fresh = false
		return nil // a file that's read from its middle on, or again
	}
	var had executed
	if e.typ == replication.PREVIOUS_GTIDS_EVENT {
		set, err := library.DecodeMysqlGTIDSet(e.body)
		if err != nil {
			return badLog("the GTIDs at the file's beginning: %w", err)
		}
		if had, err = parseUUIDSet(set.String()); err != nil {
			return badLog("the GTIDs at the file's beginning: %w", err)
		}
	} else {
		set := &domainSet{}
		c := cursor{rest: e.body}
		for n := c.uint32() & (1<<28 - 1); n > 0 && !c.short; n-- {
			set.groups = append(set.groups, gtid{domain: c.uint32(), server: c.uint32(), number: c.uint64()})
		}
		if err := c.done("GTID list event"); err != nil {
			return err
		}
		had = set
	}
	if s.done == nil {
		s.done = had.resume()
	} else if !had.covers(s.done) {
		return fmt.Errorf("%w: bridge has read %s, a new file of the server's log begins after %s: it was reset. %s", capture.ErrLogBehind, s.done, had, behindRemedy)
	}
	s.fresh = false
	return nil
}
