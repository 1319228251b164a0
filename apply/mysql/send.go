package mysql

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"bridge/apply"
	"bridge/internal/mysql"
	"bridge/loopguard"
)

// step is one statement, and what is made of its result.
type step struct {
	sql   []byte
	group *group // whose statement it is; nil of bridge's own
	take  func(*mysql.Result) error
}

// steps are the statements of one Write.
type steps []step

func (p *steps) add(sql string, take func(*mysql.Result) error) {
	*p = append(*p, step{sql: []byte(sql), take: take})
}

// stepError is an error of a step.
type stepError struct {
	group *group
	err   error
}

func (e *stepError) Error() string { return e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

// send runs steps in as few packets as the server takes.
func (s *session) send(ctx context.Context, all steps) error {
	for len(all) > 0 {
		n, size := 0, 0
		for n < len(all) && (n == 0 || size+len(all[n].sql) < s.packetLimit) {
			size += len(all[n].sql) + 1
			n++
		}
		if size > s.packetLimit {
			return &stepError{all[0].group, fmt.Errorf("%w: a row of %d MB as SQL doesn't fit the server's max_allowed_packet; raise that, and restart bridge", apply.ErrRefused, size>>20)}
		}
		if err := s.sendPacket(ctx, all[:n], size); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

func (s *session) sendPacket(ctx context.Context, all steps, size int) error {
	text := make([]byte, 0, size)
	for i := range all {
		if i > 0 {
			text = append(text, ';')
		}
		text = append(text, all[i].sql...)
	}
	s.open = true
	results, err := s.conn.Exec(ctx, string(text))
	for i := range results {
		if i < len(all) && all[i].take != nil {
			if err := all[i].take(&results[i]); err != nil {
				return &stepError{all[i].group, err}
			}
		}
	}
	if err == nil && len(results) != len(all) {
		err = fmt.Errorf("the server gave %d results for %d statements", len(results), len(all))
	}
	if server, ok := errors.AsType[*mysql.Error](err); ok && server.Statement < len(all) {
		return all[server.Statement].failed(err)
	}
	return err
}

// failed is an error of the step. What an overwrite is refused for may concern a row that it shouldn't have inserted.
func (s *step) failed(err error) error {
	if s.group.overwrites() && mysql.Classify(err) != mysql.Retry {
		return errLook
	}
	return &stepError{s.group, err}
}

// errLook says that counts and warnings don't tell what happened: the statements must be run with their
// rows locked first, and with the warnings read.
var errLook = errors.New("rows are missing, or there are warnings")

// write adds a group's statements. missing is told the indexes of updates and deletes that found no row.
func (p *steps) write(g *group, careful bool, missing func(int)) {
	found, wanted := map[int]bool{}, len(g.writes)
	if careful && g.locking != nil {
		*p = append(*p, step{sql: g.text(g.locking), group: g, take: func(r *mysql.Result) error {
			for _, row := range r.Rows {
				text, _ := row[0].Text()
				n, err := strconv.Atoi(text)
				if err != nil {
					return fmt.Errorf("row number %q: %w", text, err)
				}
				found[n] = true
			}
			wanted = len(found)
			for _, index := range g.writes {
				if !found[index] {
					missing(index)
				}
			}
			return nil
		}})
	}
	if g.overwrites() {
		p.add("SET "+foundRows+" = 0", nil)
	}
	reads := careful || g.table.chatty
	*p = append(*p, step{sql: g.text(g.statement), group: g, take: func(r *mysql.Result) error {
		switch {
		case g.affects() && r.Affected != uint64(wanted) && careful:
			return fmt.Errorf("%w: rows of %s came while their keys were looked for", apply.ErrRetry, g.table)
		case g.affects() && r.Affected != uint64(wanted), r.Warnings > 0 && !reads:
			return errLook
		}
		return nil
	}})
	if reads {
		*p = append(*p, step{sql: []byte("SHOW WARNINGS"), group: g, take: g.judge})
	}
	if g.overwrites() {
		p.add("SELECT "+foundRows, g.foundAll)
	}
}

// overwrites reports whether the group's statement is an overwrite; groups of what isn't written have none.
func (g *group) overwrites() bool { return g != nil && g.statement != nil && g.counted }

// foundAll fails unless an overwrite has found all of its rows.
func (g *group) foundAll(r *mysql.Result) error {
	if len(r.Rows) != 1 {
		return fmt.Errorf("SELECT %s gave %d rows", foundRows, len(r.Rows))
	}
	if text, _ := r.Rows[0][0].Text(); text != strconv.Itoa(len(g.writes)) {
		return errLook
	}
	return nil
}

// harmless are the warnings that say nothing about values: a deprecated character set, collation or syntax.
var harmless = map[string]bool{"1287": true, "1681": true, "3719": true, "3778": true}

// judge refuses what the server has changed to make it fit.
func (g *group) judge(r *mysql.Result) error {
	for _, row := range r.Rows {
		if len(row) < 2 {
			return errors.New("SHOW WARNINGS gave a row without a code")
		}
		code, _ := row[1].Text()
		switch {
		case harmless[code]:
		case g.overwrites():
			return errLook // it may be about a row that's missing
		default:
			return &refusedError{"warning " + code, fmt.Errorf("%w: the server would change a value of table %s to make it fit (warning %s)%s; "+apply.WhenUnfit,
				apply.ErrUnfit, g.table, code, g.onlyRow())}
		}
		g.table.chatty = true
	}
	return nil
}

// onlyRow names the row, where there's just one.
func (g *group) onlyRow() string {
	if len(g.writes) != 1 {
		return ""
	}
	return ", row " + g.key.String()
}

// begin adds what begins a transaction.
func (s *session) begin(p *steps) {
	if s.lockGaps {
		p.add("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", nil)
	}
	if s.idleSQL != "" {
		p.add(s.idleSQL, nil)
	}
	p.add("START TRANSACTION", nil)
	p.add("SELECT epoch FROM bridge.node LOCK IN SHARE MODE", s.checkEpoch)
	if s.how == apply.Upkeep {
		s.markAgain(p)
	}
	p.add(s.markerSQL(), func(r *mysql.Result) error {
		if r.Affected != 1 {
			return errors.New("bridge.progress is already further than this batch: another bridge applies into this database")
		}
		return nil
	})
}

// markAgain puts the marker into the log, which has no update that changes nothing: as a row of a worker that doesn't exist, and
// that is gone at once.
func (s *session) markAgain(p *steps) {
	m := *s.marker
	m.Worker = -1 - m.Worker
	p.add(insertMarkerSQL(&m), nil)
	p.add(fmt.Sprintf("DELETE FROM bridge.progress WHERE origin = %s AND worker = %d", mysql.Literal(string(m.Origin)), m.Worker), nil)
}

func (s *session) checkEpoch(r *mysql.Result) error {
	if len(r.Rows) != 1 {
		return errors.New(`bridge.node has no row: run "bridge init"`)
	}
	if text, _ := r.Rows[0][0].Text(); text != strconv.FormatUint(s.epoch, 10) {
		return ErrDeposed
	}
	return nil
}

// markerSQL writes the marker: the first row that the transaction changes.
func (s *session) markerSQL() string {
	m := s.marker
	if !s.marked[m.Origin] {
		return insertMarkerSQL(m)
	}
	before := "<"
	if s.how == apply.Upkeep {
		before = "<="
	}
	return fmt.Sprintf("UPDATE bridge.progress SET seq = %d, ts = %d, stream_offset = %d WHERE origin = %s AND worker = %d AND seq %s %d",
		m.Seq, int64(m.Time), m.Offset, mysql.Literal(string(m.Origin)), m.Worker, before, m.Seq)
}

func insertMarkerSQL(m *loopguard.Marker) string {
	return fmt.Sprintf("INSERT INTO bridge.progress (origin, worker, seq, ts, stream_offset) VALUES (%s, %d, %d, %d, %d)",
		mysql.Literal(string(m.Origin)), m.Worker, m.Seq, int64(m.Time), m.Offset)
}
