package mysql

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-mysql-org/go-mysql/client"

	"bridge/change"
)

// Result is what one statement gave.
type Result struct {
	// Affected is the number of rows inserted, deleted, or found by an update, changed or not
	// (CLIENT_FOUND_ROWS). INSERT ... ON DUPLICATE KEY UPDATE counts a row 1 when inserted, 2 when
	// updated, and 1 when it was as wanted already.
	Affected uint64
	InsertID uint64
	Warnings uint16
	Columns  []string
	// Rows are a query's rows: text as the server printed it, or NULL. Binary strings are their bytes.
	Rows []change.Image
}

// Conn is one session of a server. Its methods must not be called by two goroutines at once, save Close.
//
// It speaks the text protocol through go-mysql's packets; results are read here, because go-mysql turns
// text into numbers on its way (a FLOAT or a zero date doesn't survive that) and can't have a statement
// under way while another's answer is read.
type Conn struct {
	packets *client.Conn
	server  Server
	name    string
	id      uint32
	flavor  Flavor
	version Version
	broken  error // why it can't be used any more
	// pending has, for each packet sent whose answer wasn't read, the sequence number that the answer
	// begins with: the protocol numbers a statement's packets and its answer's through.
	pending []uint8
}

// Connect opens a session and fixes its settings. The error names no secret; classify it by [Classify].
func (s Server) Connect(ctx context.Context, session Session) (*Conn, error) {
	packets, err := s.dial(ctx, session.Name, session.Database)
	if err != nil {
		return nil, fmt.Errorf("connect to the server at %s: %w", s, err)
	}
	c := &Conn{packets: packets, server: s, name: session.Name, id: packets.GetConnectionID()}
	if c.flavor, c.version, err = ParseVersion(packets.GetServerVersion()); err == nil {
		err = c.setUp(ctx, session)
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("connect to the server at %s: %w", s, err)
	}
	return c, nil
}

// Flavor says which server it is.
func (c *Conn) Flavor() Flavor { return c.flavor }

// Version is the server's.
func (c *Conn) Version() Version { return c.version }

// ID is the session's number on the server (CONNECTION_ID()).
func (c *Conn) ID() uint32 { return c.id }

// Broken reports whether the session can't be used any more: its connection was lost, or a context ended
// while an answer was awaited.
func (c *Conn) Broken() bool { return c.broken != nil }

// Close ends the session; the server rolls back what wasn't committed.
func (c *Conn) Close() { _ = c.packets.Close() }

// Exec runs the statements in sql, separated by semicolons, and returns their results. They are one
// packet and one round trip. At the first that fails the server stops: the error is an [*Error] with that
// statement's number, the results are those before it.
//
// When ctx ends, the session is broken and the statement is killed on the server.
func (c *Conn) Exec(ctx context.Context, sql string) ([]Result, error) {
	if err := c.Send(ctx, sql); err != nil {
		return nil, err
	}
	return c.Receive(ctx)
}

// One runs a single statement.
func (c *Conn) One(ctx context.Context, sql string) (Result, error) {
	results, err := c.Exec(ctx, sql)
	if err != nil {
		return Result{}, err
	}
	if len(results) != 1 {
		return Result{}, fmt.Errorf("one statement gave %d results", len(results))
	}
	return results[0], nil
}

// Send sends statements without awaiting their results: [Conn.Receive] gives those, in the order of
// sending. The server runs packets one after the other. What's under way must stay small, a few dozen
// packets with small answers: a server that can't get rid of its answers stops reading.
func (c *Conn) Send(ctx context.Context, sql string) error {
	if err := c.usable(ctx); err != nil {
		return err
	}
	defer c.watch(ctx)()
	packet := make([]byte, 5, 5+len(sql))
	packet[4] = comQuery
	c.packets.ResetSequence()
	if err := c.packets.WritePacket(append(packet, sql...)); err != nil {
		return c.fail(ctx, fmt.Errorf("send a statement: %w", err))
	}
	c.pending = append(c.pending, c.packets.Sequence)
	return nil
}

// Receive returns the results of the earliest packet sent whose results weren't received.
func (c *Conn) Receive(ctx context.Context) ([]Result, error) {
	var results []Result
	err := c.receive(ctx, func(r Result) error { results = append(results, r); return nil }, nil)
	return results, err
}

// Query runs one query and calls row for each of its rows as they arrive, so that no more than one is
// held. row may keep the image. When row returns an error, Query returns it and the session is broken:
// the rest of the answer is still on its way.
func (c *Conn) Query(ctx context.Context, sql string, row func(change.Image) error) error {
	if err := c.Send(ctx, sql); err != nil {
		return err
	}
	return c.receive(ctx, func(Result) error { return nil }, row)
}

func (c *Conn) receive(ctx context.Context, result func(Result) error, row func(change.Image) error) error {
	if err := c.usable(ctx); err != nil {
		return err
	}
	if len(c.pending) == 0 {
		return errors.New("no statement is under way in this session")
	}
	defer c.watch(ctx)()
	c.packets.Sequence = c.pending[0]
	c.pending = c.pending[1:]
	for statement := 0; ; statement++ {
		r, more, err := readResult(c.packets, statement, row)
		if err != nil {
			if _, told := errors.AsType[*Error](err); told {
				return err
			}
			return c.fail(ctx, err)
		}
		if err := result(r); err != nil || !more {
			return err
		}
	}
}

func (c *Conn) usable(ctx context.Context) error {
	if c.broken != nil {
		return fmt.Errorf("this session is broken: %w", c.broken)
	}
	return context.Cause(ctx)
}

// watch interrupts reading and writing when ctx ends, until it's told to stop. When ctx ends at the last
// moment, after the answer was read, the session is broken all the same: it may be interrupted any time.
func (c *Conn) watch(ctx context.Context) (stop func()) {
	inTime := context.AfterFunc(ctx, func() { _ = c.packets.SetDeadline(time.Unix(1, 0)) })
	return func() {
		if !inTime() && c.broken == nil {
			c.broken = context.Cause(ctx)
			c.Close()
		}
	}
}

// fail gives the session up. Closing the connection doesn't end a statement that waits for a lock, so
// when it was a context that ended, the server is told.
func (c *Conn) fail(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if cause != nil {
		err = fmt.Errorf("%w (%w)", cause, err)
	}
	c.broken = err
	c.Close()
	if cause != nil {
		go c.kill()
	}
	return err
}

// kill ends the session on the server, as well as that works: if it doesn't, the statement ends by
// itself, at the latest by its timeouts.
func (c *Conn) kill() {
	ctx, cancel := context.WithTimeout(context.Background(), c.server.connectTimeout())
	defer cancel()
	packets, err := c.server.dial(ctx, c.name, "")
	if err != nil {
		return
	}
	defer packets.Close()
	_, _ = packets.Execute(fmt.Sprintf("KILL %d", c.id))
}

// Text runs a query of one row and returns its values as text; NULL is "". Without a row it's
// [ErrNoRow].
func (c *Conn) Text(ctx context.Context, sql string) ([]string, error) {
	result, err := c.One(ctx, sql)
	if err != nil {
		return nil, err
	}
	if len(result.Rows) == 0 {
		return nil, ErrNoRow
	}
	values := make([]string, len(result.Rows[0]))
	for i, v := range result.Rows[0] {
		values[i], _ = v.Text()
	}
	return values, nil
}

// ErrNoRow means that a query that should have given a row gave none.
var ErrNoRow = errors.New("the query gave no row")
