package mysql

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-mysql-org/go-mysql/replication"

	"bridge/capture"
	"bridge/change"
)

// Source reads one server's log. It's a [capture.Source].
type Source struct {
	config  Config
	facts   facts
	catalog *catalog
	commits commits
	link    *link
	tables  *tables
	xa      *prepared

	place   place
	from    start    // where reading began
	done    executed // the groups that the log has had
	group   group    // that is being read
	current capture.Assembler
	rows    *rows  // of an event, as far as they aren't decoded
	nested  []feed // events inside of events, the innermost last
	back    int    // how many files before this one to look for a prepared transaction in next
	watch   watch
	scratch scratch // for decoding rows
	fresh   bool    // a file is read from its beginning, after one that was read to its end
	shown   uint64  // the last position given out
	failed  error   // what ended the source
	closed  bool
}

var errClosed = errors.New("capture: the source is closed")

var _ capture.Source = (*Source)(nil)

// Open connects, checks the server and the start position, and starts the stream. The errors of this
// package tell what is wrong with the database; all others are the server's or the network's.
func Open(ctx context.Context, config Config) (*Source, error) {
	config = config.withDefaults()
	s := &Source{
		config:  config,
		catalog: newCatalog(config),
		commits: commits{server: newCatalog(config)},
		tables:  newTables(config.Selected, config.Outward),
		xa:      newPrepared(config.SpillDir, config.SpillMemory),
	}
	err := s.begin(ctx)
	if err != nil {
		s.catalog.close()
		s.commits.server.close()
		return nil, fmt.Errorf("capture: %w", s.explain(err))
	}
	return s, nil
}

func (s *Source) begin(ctx context.Context) (err error) {
	if err := s.catalog.open(ctx); err != nil {
		return err
	}
	if s.facts, err = s.catalog.learnFacts(ctx, s.config.ServerID); err != nil {
		return err
	}
	s.commits.mariadb = s.catalog.mariadb()
	if err := s.commits.look(ctx, s.catalog); err != nil {
		return err
	}
	from, err := s.plan(ctx)
	if err != nil {
		return err
	}
	if s.shown, err = from.at.Encode(); err != nil {
		return err
	}
	return s.read(from)
}

// read asks for the log from a place on.
func (s *Source) read(from start) (err error) {
	if from.link.syncer, err = s.syncer(); err != nil {
		return err
	}
	s.from, s.done = from, from.done
	s.place, s.fresh = place{base: s.facts.base}, false
	s.link, err = openLink(from.link)
	return err
}

// Next waits for the next event. Of a Local transaction's pieces only the last has a position, for the
// log tells it at the commit.
//
// When ctx ends while Next waits, its error comes back and Next can be called again. After any other
// error the source is to be closed.
func (s *Source) Next(ctx context.Context) (capture.Event, error) {
	if s.failed != nil {
		return capture.Event{}, s.failed
	}
	for {
		e, err := s.step(ctx)
		switch {
		case err != nil && err == ctx.Err():
			return capture.Event{}, err
		case err != nil:
			return capture.Event{}, s.fail(err)
		case e.Kind != 0:
			s.shown = max(s.shown, e.Position.Offset)
			s.commits.given(&e, s.group.gtid, s.place)
			return e, nil
		}
	}
}

// fail makes err the source's end.
func (s *Source) fail(err error) error {
	at := &capture.LogError{Position: fmt.Sprintf("%s:%d", s.place.file(), s.place.offset), Err: s.explain(err)}
	if s.group.open {
		at.Transaction = s.done.name(s.group.gtid)
	}
	s.failed = fmt.Errorf("capture: %w", at)
	return s.failed
}

// step takes one event, or some rows of one, and returns the event that they complete, if any.
func (s *Source) step(ctx context.Context) (capture.Event, error) {
	if e, ok := s.current.Take(); ok {
		return e, nil
	}
	if s.rows != nil {
		more, err := s.decode(ctx, s.rows)
		if err != nil {
			return capture.Event{}, s.pass(ctx, err)
		}
		if !more {
			s.rows = nil
		}
		return capture.Event{}, nil
	}
	if n := len(s.nested); n > 0 {
		e, err := s.nested[n-1].next()
		if err == io.EOF {
			return s.leave()
		}
		if err != nil {
			return capture.Event{}, err
		}
		out, err := s.take(ctx, e)
		return out, s.pass(ctx, err)
	}
	e, err := s.link.receive(ctx)
	if err != nil {
		return capture.Event{}, s.refused(ctx, err)
	}
	out, err := s.outer(ctx, e)
	return out, s.pass(ctx, err)
}

// pass keeps an error that came of ctx's end while an event was worked on from looking like one that
// leaves the source intact: the event is lost.
func (s *Source) pass(ctx context.Context, err error) error {
	if err != nil && err == ctx.Err() {
		return fmt.Errorf("read the log: %w", err)
	}
	return err
}

// outer takes an event of the log itself, which moves the place.
func (s *Source) outer(ctx context.Context, e event) (capture.Event, error) {
	before := s.place
	if err := s.place.move(e); err != nil {
		return capture.Event{}, err
	}
	s.fresh = s.fresh || before.number != 0 && before.number != s.place.number
	switch e.typ {
	case replication.FORMAT_DESCRIPTION_EVENT:
		if e.end != 0 { // at a file's beginning, not repeated at the beginning of the stream
			return capture.Event{}, s.newFile()
		}
		s.tables.forget()
	case replication.ROTATE_EVENT, replication.STOP_EVENT,
		replication.IGNORABLE_EVENT, replication.ROWS_QUERY_EVENT, replication.MARIADB_ANNOTATE_ROWS_EVENT,
		replication.MARIADB_START_ENCRYPTION_EVENT: // the server has decrypted what it sends
	case replication.PREVIOUS_GTIDS_EVENT, replication.MARIADB_GTID_LIST_EVENT:
		if err := s.previous(e); err != nil {
			return capture.Event{}, err
		}
		return s.idle()
	case replication.MARIADB_BINLOG_CHECKPOINT_EVENT:
		return s.idle()
	case replication.HEARTBEAT_EVENT, replication.HEARTBEAT_LOG_EVENT_V2:
		if err := errors.Join(s.watch.heartbeat(ctx, s), s.commits.look(ctx, s.catalog)); err != nil {
			return capture.Event{}, err
		}
		return s.idle()
	case replication.GTID_EVENT, replication.ANONYMOUS_GTID_EVENT, replication.GTID_TAGGED_LOG_EVENT, replication.MARIADB_GTID_EVENT:
		if err := s.commits.look(ctx, s.catalog); err != nil {
			return capture.Event{}, err
		}
		return capture.Event{}, s.open(ctx, e, before)
	default:
		return s.take(ctx, e)
	}
	return capture.Event{}, nil
}

// take takes an event inside a group.
func (s *Source) take(ctx context.Context, e event) (capture.Event, error) {
	if e.typ == replication.INCIDENT_EVENT {
		return capture.Event{}, badLog("the server reports that its log is incomplete (an incident event): what it lacks is lost for the other regions, so join this region anew")
	}
	if !s.group.open {
		return capture.Event{}, badLog("event of type %d (%s) outside a transaction", e.typ, e.typ)
	}
	switch e.typ {
	case replication.QUERY_EVENT, replication.MARIADB_QUERY_COMPRESSED_EVENT:
		return s.query(ctx, e)
	case replication.XID_EVENT:
		return s.commit()
	case replication.XA_PREPARE_LOG_EVENT:
		return s.prepare(e)
	case replication.TRANSACTION_PAYLOAD_EVENT:
		return capture.Event{}, s.payload(e)
	case replication.TABLE_MAP_EVENT:
		if s.group.keep != nil {
			return capture.Event{}, e.appendTo(s.xa.Spool, s.group.keep)
		}
		return capture.Event{}, s.tables.announce(e.body)
	case replication.WRITE_ROWS_EVENTv1, replication.UPDATE_ROWS_EVENTv1, replication.DELETE_ROWS_EVENTv1,
		replication.WRITE_ROWS_EVENTv2, replication.UPDATE_ROWS_EVENTv2, replication.DELETE_ROWS_EVENTv2,
		replication.PARTIAL_UPDATE_ROWS_EVENT, replication.MARIADB_WRITE_ROWS_COMPRESSED_EVENT_V1,
		replication.MARIADB_UPDATE_ROWS_COMPRESSED_EVENT_V1, replication.MARIADB_DELETE_ROWS_COMPRESSED_EVENT_V1:
		if s.group.keep != nil {
			return capture.Event{}, e.appendTo(s.xa.Spool, s.group.keep)
		}
		return capture.Event{}, s.rowsEvent(ctx, e)
	case replication.ROWS_QUERY_EVENT, replication.IGNORABLE_EVENT, replication.MARIADB_ANNOTATE_ROWS_EVENT,
		replication.VIEW_CHANGE_EVENT: // texts and group replication's notes: no rows
		return capture.Event{}, nil
	case replication.INTVAR_EVENT, replication.RAND_EVENT, replication.USER_VAR_EVENT: // for a statement that follows, which decides
		return capture.Event{}, nil
	}
	if s.group.past { // whatever it was, it's dealt with
		return capture.Event{}, nil
	}
	switch e.typ {
	case replication.BEGIN_LOAD_QUERY_EVENT, replication.APPEND_BLOCK_EVENT, replication.EXECUTE_LOAD_QUERY_EVENT, replication.DELETE_FILE_EVENT:
		return capture.Event{}, errStatement("LOAD DATA")
	case partialRowEvent:
		return capture.Event{}, badLog("a row was logged in fragments, which bridge doesn't read: SET GLOBAL binlog_row_event_fragment_threshold to its maximum, and join this region anew")
	}
	return capture.Event{}, badLog("unknown event of type %d: this server is newer than bridge knows", e.typ)
}

// partialRowEvent is MariaDB 12.3's PARTIAL_ROW_DATA_EVENT.
const partialRowEvent replication.EventType = 172

// errStatement is for a change of rows that was logged as text.
func errStatement(what string) error {
	return badLog("%s was logged as a statement, which says how rows were changed and not to what: SET GLOBAL binlog_format = ROW, let no session set "+
		"another (it takes a privilege), and join this region anew", what)
}

// idle tells where the log is when nothing for bridge is at its end. Within a group, its end will.
func (s *Source) idle() (capture.Event, error) {
	if s.group.open || s.done == nil {
		return capture.Event{}, nil
	}
	at, err := s.place.encode()
	if err != nil || at < s.shown || at < s.startOffset() {
		return capture.Event{}, err
	}
	return capture.Event{Kind: capture.Idle, Position: change.Position{Offset: at, GTID: s.done.String()}}, nil
}

// Confirm does nothing: a server keeps its log for a time, and can't be told to keep it for bridge.
func (s *Source) Confirm(change.Position) {}

// Close ends the connections. It must not be called while Next runs.
func (s *Source) Close(context.Context) error {
	if s.closed {
		return nil
	}
	s.closed, s.failed = true, errClosed
	s.link.close()
	s.catalog.close()
	s.commits.server.close()
	if err := s.xa.Close(); err != nil {
		return fmt.Errorf("close capture: %w", err)
	}
	return nil
}
