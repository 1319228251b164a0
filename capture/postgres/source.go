package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"

	"bridge/capture"
	"bridge/capture/spool"
	"bridge/change"
	"bridge/internal/postgres"
)

// Source reads one database's log. It's a [capture.Source].
type Source struct {
	config    Config
	link      *link
	catalog   *catalog
	snapshots *catalog // for Visible, whose caller isn't Next's
	relations *relations
	streams   *streams
	current   transaction // between Begin and Commit
	rows      rows        // of current
	replay    *replay     // of a committed stream; nil when none is under way

	shown    uint64    // the last position given out
	idleAt   time.Time // when an Idle event was given out last
	position pglogrepl.LSN
	failed   error // what ended the source
	closed   bool
}

var errClosed = errors.New("capture: the source is closed")

var _ capture.Source = (*Source)(nil)

// Open connects, checks slot and publication, and starts the stream. The errors of this package tell
// what is wrong with the database; all others are the server's or the network's.
func Open(ctx context.Context, config Config) (*Source, error) {
	config = config.withDefaults()
	replication, ordinary, err := config.connections()
	if err != nil {
		return nil, err
	}
	s := &Source{config: config, catalog: &catalog{config: ordinary}, snapshots: &catalog{config: ordinary}}
	s.relations = newRelations(s.catalog, config.Outward)
	s.streams = newStreams(s.relations, spool.New(config.SpillDir, config.SpillMemory))
	s.rows = rows{transaction: &s.current, relations: s.relations, find: s.relations.get}
	if err := s.start(ctx, replication); err != nil {
		return nil, errors.Join(fmt.Errorf("capture: %w", config.explain(err)), s.catalog.close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

func (s *Source) start(ctx context.Context, config *pgx.ConnConfig) error {
	if err := s.catalog.open(ctx); err != nil {
		return err
	}
	start, err := s.config.check(ctx, s.catalog.conn)
	if err != nil {
		return err
	}
	timeout, err := senderTimeout(ctx, s.catalog.conn)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	err = pglogrepl.StartReplication(ctx, conn.PgConn(), postgres.Quote(s.config.Slot), start,
		pglogrepl.StartReplicationOptions{Mode: pglogrepl.LogicalReplication, PluginArgs: s.config.pluginOptions(postgres.MajorVersion(conn))})
	if err != nil {
		return errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
	}
	s.shown = uint64(start)
	s.link = newLink(conn.PgConn(), start, timeout)
	return nil
}

// Next waits for the next event. Positions are set as follows: Echo, Barrier, Empty and Idle have
// theirs; of a Local transaction's pieces only the last has it, for the log tells it at the commit.
//
// When ctx ends while Next waits, its error comes back and Next can be called again. After any other
// error the source is to be closed.
func (s *Source) Next(ctx context.Context) (capture.Event, error) {
	if s.failed != nil {
		return capture.Event{}, s.failed
	}
	if err := ctx.Err(); err != nil {
		return capture.Event{}, err
	}
	s.link.watch(ctx)
	for {
		e, err := s.step(ctx)
		switch {
		case err != nil:
			return capture.Event{}, err
		case e.Kind != 0:
			s.shown = max(s.shown, e.Position.Offset)
			return e, nil
		}
	}
}

// step takes one message and returns the event that it completes, if any.
func (s *Source) step(ctx context.Context) (e capture.Event, err error) {
	if s.replay != nil {
		e, s.position, err = s.replay.next(ctx)
		if err != nil {
			return e, s.fail(s.replay.Xid(), err)
		}
		if !s.replay.open {
			s.replay = nil
		}
		return e, nil
	}
	data, err := s.link.receive(ctx)
	if err != nil {
		if err != ctx.Err() {
			err = s.fail(0, s.config.explain(err))
		}
		return e, err
	}
	switch data[0] {
	case pglogrepl.PrimaryKeepaliveMessageByteID:
		e, err = s.keepalive(data[1:])
	case pglogrepl.XLogDataByteID:
		e, err = s.logData(ctx, data[1:])
	default:
		err = badLog("unknown replication message %q", data[0])
	}
	if err != nil {
		err = s.fail(s.xid(), err)
	}
	return e, err
}

// fail makes err the source's end.
func (s *Source) fail(xid uint32, err error) error {
	at := &capture.LogError{Position: s.position.String(), Err: err}
	if xid != 0 {
		at.Transaction = strconv.FormatUint(uint64(xid), 10)
	}
	s.failed = fmt.Errorf("capture: %w", at)
	return s.failed
}

// xid is the transaction whose messages are being read; 0 when there's none.
func (s *Source) xid() uint32 {
	switch {
	case s.streams.current != nil:
		return s.streams.current.xid
	case s.current.open:
		return s.current.Xid()
	}
	return 0
}

// keepalive may tell that the log goes on beyond what was given out, without anything for bridge. All
// commits before the position that it names have been sent, so it can be confirmed even while streamed
// transactions are incomplete: those will commit after it.
func (s *Source) keepalive(body []byte) (e capture.Event, err error) {
	k, err := pglogrepl.ParsePrimaryKeepaliveMessage(body)
	if err != nil {
		return e, badLog("%w", err)
	}
	if k.ReplyRequested {
		s.link.reply()
	}
	end := uint64(k.ServerWALEnd)
	if s.current.open || end <= s.shown {
		return e, nil
	}
	// A server that wants a reply may be shutting down: it waits until all of its log is confirmed.
	if now := time.Now(); k.ReplyRequested || now.Sub(s.idleAt) >= s.config.IdleInterval {
		s.idleAt = now
		return capture.Event{Kind: capture.Idle, Position: change.Position{Offset: end}}, nil
	}
	return e, nil
}

// logData takes one message of pgoutput.
func (s *Source) logData(ctx context.Context, data []byte) (e capture.Event, err error) {
	const header = 8 + 8 + 8 // where this is in the log, where the log ends, the server's time
	if len(data) < header {
		return e, badLog("replication message of %d bytes", len(data))
	}
	if at := binary.BigEndian.Uint64(data); at != 0 { // 0 with messages that have no place of their own
		s.position = pglogrepl.LSN(at)
	}
	message := data[header:]
	if len(message) == 0 {
		return e, badLog("empty message")
	}
	if s.streams.current != nil {
		return e, s.streams.receive(s.position, message)
	}
	body := message[1:]
	switch tag := message[0]; tag {
	case msgInsert, msgUpdate, msgDelete, msgTruncate, msgLogical:
		return s.change(ctx, tag, body)
	case msgBegin:
		return e, s.begin(body)
	case msgCommit:
		return s.commit(body)
	case msgRelation:
		rel, err := s.relations.announce(body)
		if err == nil {
			s.relations.learn(rel)
		}
		return e, err
	case msgType:
		return e, s.relations.announceType(body)
	case msgOrigin: // of native logical replication into this database: such changes are local to bridge
		return e, nil
	default:
		return e, s.stream(tag, body)
	}
}

// change takes a message of the transaction between Begin and Commit.
func (s *Source) change(ctx context.Context, tag byte, body []byte) (e capture.Event, err error) {
	if tag == msgLogical {
		content, ours, err := parseLogical(body)
		if err != nil || !ours {
			return e, err
		}
		if !s.current.open {
			return e, badLog("logical message outside a transaction")
		}
		return e, s.current.emit(content)
	}
	if !s.current.open {
		return e, badLog("message %q outside a transaction", tag)
	}
	if tag == msgTruncate {
		err = s.rows.truncate(ctx, body)
	} else {
		err = s.rows.change(ctx, tag, body)
	}
	if err == nil {
		e, _ = s.current.Take()
	}
	return e, err
}

func (s *Source) begin(body []byte) error {
	m, err := parseBegin(body)
	if err != nil {
		return err
	}
	if s.current.open {
		return badLog("transaction %d begins inside transaction %d", m.xid, s.current.Xid())
	}
	s.current.begin(m.xid, m.time, uint64(m.commit))
	return nil
}

func (s *Source) commit(body []byte) (e capture.Event, err error) {
	m, err := parseCommit(body, false)
	if err != nil {
		return e, err
	}
	if !s.current.open || uint64(m.commit) != s.current.commit || m.time != s.current.CommitTime() {
		return e, badLog("commit at %s is not of the transaction that has begun", m.commit)
	}
	return s.current.finish(uint64(m.end)), nil
}

// stream takes a message about streamed transactions, outside their blocks.
func (s *Source) stream(tag byte, body []byte) error {
	if s.current.open {
		return badLog("message %q inside transaction %d", tag, s.current.Xid())
	}
	switch tag {
	case msgStreamStart:
		return s.streams.start(body)
	case msgStreamAbort:
		return s.streams.abort(body)
	case msgStreamCommit:
		m, err := parseCommit(body, true)
		if err == nil {
			s.replay, err = s.streams.commit(m)
		}
		return err
	}
	return badLog("unknown message %q: this server speaks more than protocol 2 of pgoutput", tag)
}

// Confirm lets the server drop its log before p. It's sent within a second.
func (s *Source) Confirm(p change.Position) { s.link.confirm(p.Offset) }

// Close says a last time what is confirmed and returns when the server has let go of the slot, or when
// ctx ends, or after 10 s. It must not be called while Next or Visible runs.
func (s *Source) Close(ctx context.Context) error {
	if s.closed {
		return nil
	}
	s.closed, s.failed = true, errClosed
	if err := errors.Join(s.link.close(ctx), s.catalog.close(ctx), s.snapshots.close(ctx), s.streams.spool.Close()); err != nil {
		return fmt.Errorf("close capture: %w", err)
	}
	return nil
}
