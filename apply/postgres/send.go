package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"

	"bridge/apply"
)

var allText = []int16{0}
var allBinary = []int16{1}

// send runs the groups' statements in one round trip, with what begins the transaction before them and the
// witness after them. short are the updates that found fewer rows than they have keys.
func (s *session) send(ctx context.Context, groups []*group) (out apply.Written, short []*group, err error) {
	pipe := s.pg.StartPipeline(ctx)
	defer func() {
		if closeErr := pipe.Close(); err == nil && closeErr != nil {
			err = closeErr
		}
	}()
	fresh := s.queue(pipe, groups)
	if err := pipe.Sync(); err != nil {
		return out, nil, err
	}
	r := &results{pipe: pipe}
	if fresh {
		s.open = true
		r.done() // BEGIN
		if tag := r.done(); r.err == nil && tag.RowsAffected() != 1 {
			return out, nil, errors.New("bridge.progress is already further than this batch: another bridge applies into this database")
		}
		s.marker = nil
	}
	for _, g := range groups {
		if g.kind == apply.Delete {
			out.Missing = append(out.Missing, r.deleted(g)...)
		} else if tag := r.done(); g.kind == apply.Update && int(tag.RowsAffected()) < len(g.writes) {
			short = append(short, g)
		}
	}
	snapshotText, xidText := r.pair()
	if r.err != nil {
		return out, nil, r.err
	}
	snap, err := parseSnapshot(snapshotText)
	if err != nil {
		return out, nil, err
	}
	xid, err := strconv.ParseUint(xidText, 10, 64)
	if err != nil {
		return out, nil, fmt.Errorf("pg_current_xact_id() gave %q", xidText)
	}
	s.fence.own(xid)
	out.Witness = witness{snap}
	return out, short, nil
}

// queue puts the round trip's statements into the pipeline; fresh says that a transaction begins in it.
func (s *session) queue(pipe *pgconn.Pipeline, groups []*group) (fresh bool) {
	if fresh = s.marker != nil; fresh {
		s.exec(pipe, "BEGIN", "", nil, nil, nil)
		s.exec(pipe, markerSQL, "marker", nil, markerParams(s.marker), allText)
	}
	for _, g := range groups {
		oids := make([]uint32, len(g.params))
		for i := range oids {
			oids[i] = textArrayOID
		}
		s.exec(pipe, g.stmt.sql, g.stmt.name, oids, g.params, allBinary)
	}
	s.exec(pipe, witnessSQL, "witness", nil, nil, nil)
	return fresh
}

// exec sends one statement, prepared under a name the first time that it's used.
func (s *session) exec(pipe *pgconn.Pipeline, sql, name string, oids []uint32, params [][]byte, formats []int16) {
	if len(params) == 0 {
		formats = nil
	}
	if name == "" {
		pipe.SendQueryParams(sql, params, oids, formats, nil)
		return
	}
	if !s.known[name] {
		pipe.SendPrepare(name, sql, oids)
		s.known[name] = true
	}
	pipe.SendQueryPrepared(name, params, formats, nil)
}

// results reads a pipeline's answers in order; after an error the rest are empty.
type results struct {
	pipe *pgconn.Pipeline
	err  error
}

// next is the next statement's result reader, past the answers to Prepare; nil after an error.
func (r *results) next() *pgconn.ResultReader {
	for r.err == nil {
		got, err := r.pipe.GetResults()
		if err != nil {
			r.err = err
			return nil
		}
		switch v := got.(type) {
		case *pgconn.ResultReader:
			return v
		case *pgconn.StatementDescription:
		default:
			r.err = fmt.Errorf("pipeline answered with %T where a result was due", got)
		}
	}
	return nil
}

func (r *results) done() pgconn.CommandTag {
	rr := r.next()
	if rr == nil {
		return pgconn.CommandTag{}
	}
	tag, err := rr.Close()
	if err != nil {
		r.err = err
	}
	return tag
}

// numbers are a one-column result's rows.
func (r *results) numbers() map[int]bool {
	rr := r.next()
	if rr == nil {
		return nil
	}
	found := map[int]bool{}
	for rr.NextRow() {
		n, err := strconv.Atoi(string(rr.Values()[0]))
		if err != nil {
			r.err = fmt.Errorf("row number %q: %w", rr.Values()[0], err)
		}
		found[n] = true
	}
	if _, err := rr.Close(); err != nil {
		r.err = err
	}
	return found
}

// deleted reads which rows a DELETE found, and tells the indexes of those that it didn't.
func (r *results) deleted(g *group) (missing []int) {
	found := r.numbers()
	return g.without(found)
}

// without are the indexes of the writes whose number, counted from 1, isn't among found.
func (g *group) without(found map[int]bool) (missing []int) {
	if len(found) == len(g.writes) {
		return nil
	}
	for n, index := range g.writes {
		if !found[n+1] {
			missing = append(missing, index)
		}
	}
	return missing
}

// pair is the two columns of a one-row result.
func (r *results) pair() (a, b string) {
	rr := r.next()
	if rr == nil {
		return "", ""
	}
	for rr.NextRow() {
		a, b = string(rr.Values()[0]), string(rr.Values()[1])
	}
	if _, err := rr.Close(); err != nil {
		r.err = err
	}
	return a, b
}

// missed asks which of an UPDATE's keys it found no row for.
func (s *session) missed(ctx context.Context, g *group, writes []apply.Write) ([]int, error) {
	key := shape{g.table.Fingerprint(), 0, "found"}
	p := s.statements[key]
	if p == nil {
		b, err := s.builder(ctx, g.table)
		if err != nil {
			return nil, err
		}
		p = s.keep(key, b.found())
	}
	arrays := make([]textArray, len(p.columns))
	for i := range arrays {
		arrays[i].reset()
	}
	for _, index := range g.writes {
		if err := addKey(arrays, &writes[index]); err != nil {
			return nil, err
		}
	}
	var params [][]byte
	var oids []uint32
	for i := range arrays {
		params = append(params, arrays[i].bytes())
		oids = append(oids, textArrayOID)
	}
	pipe := s.pg.StartPipeline(ctx)
	s.exec(pipe, p.sql, p.name, oids, params, allBinary)
	if err := pipe.Sync(); err != nil {
		pipe.Close() //nolint:errcheck // the first error tells more
		return nil, err
	}
	r := &results{pipe: pipe}
	found := r.numbers()
	if err := pipe.Close(); r.err == nil {
		r.err = err
	}
	return g.without(found), r.err
}
