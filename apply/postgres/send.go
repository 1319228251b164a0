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

// round is one round trip: what begins the transaction, if it hasn't begun yet, and what queue puts into the pipeline. read takes
// the latter's answers.
func (s *session) round(ctx context.Context, queue func(*pgconn.Pipeline), read func(*results)) error {
	pipe := s.pg.StartPipeline(ctx)
	begins := s.marker != nil
	var leaves bool
	if begins {
		s.exec(pipe, "BEGIN", "", nil, nil, nil)
		leaves = s.leave(pipe) // the origin of an earlier transaction, which failed
		s.exec(pipe, markerSQL, stmtMarker, nil, markerParams(s.marker, s.how), allText)
	}
	queue(pipe)
	r := &results{pipe: pipe}
	if r.err = pipe.Sync(); r.err == nil && begins {
		s.begun(r, leaves)
	}
	if r.err == nil {
		read(r)
	}
	if err := pipe.Close(); r.err == nil { // the first error tells more
		r.err = err
	}
	return r.err
}

// begun reads that the transaction has begun.
func (s *session) begun(r *results, leaves bool) {
	s.open, s.marker = true, nil
	r.done() // BEGIN
	if leaves {
		r.done()
	}
	if tag := r.done(); r.err == nil && tag.RowsAffected() != 1 {
		r.err = errors.New("bridge.progress is already further than this batch: another bridge applies into this database")
	}
}

// send runs the groups' statements in one round trip, with the witness after them. short are the updates that found
// fewer rows than they have keys, of those that don't tell which.
func (s *session) send(ctx context.Context, groups []*group) (out apply.Written, short []*group, err error) {
	var snapshotText, xidText string
	var under bool
	err = s.round(ctx, func(pipe *pgconn.Pipeline) {
		under = s.goUnder(pipe, groups)
		for _, g := range groups {
			s.exec(pipe, g.stmt.sql, g.stmt.name, textArrays(len(g.params)), g.params, allBinary)
		}
		s.exec(pipe, witnessSQL, stmtWitness, nil, nil, nil)
	}, func(r *results) {
		if under {
			s.wentUnder(r)
		}
		for _, g := range groups {
			if g.stmt.tells {
				out.Missing = append(out.Missing, g.without(r.numbers())...)
			} else if tag := r.done(); g.kind == apply.Update && int(tag.RowsAffected()) < len(g.writes) {
				short = append(short, g)
			}
		}
		snapshotText, xidText = r.pair()
	})
	if err != nil {
		return out, nil, err
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

// textArrays are the types of n parameters.
func textArrays(n int) []uint32 {
	oids := make([]uint32, n)
	for i := range oids {
		oids[i] = textArrayOID
	}
	return oids
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
	key := shape{g.table.Fingerprint(), 0, "found", false}
	p := s.statements[key]
	if p == nil {
		b, err := s.builder(ctx, g.table)
		if err != nil {
			return nil, err
		}
		p = s.keep(key, b.found())
	}
	arrays := newArrays(len(p.columns))
	for _, index := range g.writes {
		if err := addKey(arrays, &writes[index]); err != nil {
			return nil, err
		}
	}
	var found map[int]bool
	err := s.round(ctx, func(pipe *pgconn.Pipeline) {
		s.exec(pipe, p.sql, p.name, textArrays(len(arrays)), params(arrays), allBinary)
	}, func(r *results) { found = r.numbers() })
	return g.without(found), err
}
