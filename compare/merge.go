package compare

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// scanned is what a table's scan has found.
type scanned struct {
	rows     map[string]int64 // by region
	suspects [][]string       // keys of rows that aren't the same everywhere, at most as many as are kept
	more     bool             // there were more
}

// scan reads a table in all regions at once and merges what they yield.
func scan(ctx context.Context, regions []Region, s *Selection, keep int) (*scanned, error) {
	group, ctx := errgroup.WithContext(ctx)
	out := &scanned{rows: map[string]int64{}}
	heads := make([]*head, len(regions))
	for i, r := range regions {
		h := &head{rows: make(chan []Row, 1)}
		heads[i] = h
		group.Go(func() error {
			defer close(h.rows)
			err := r.Scan(ctx, s, func(rows []Row) error {
				select {
				case h.rows <- rows:
					return nil
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			})
			if err != nil {
				return fmt.Errorf("region %s: read %s: %w", r.Name(), s.TableName, err)
			}
			return nil
		})
	}
	group.Go(func() error { return merge(heads, s, out, keep) })
	err := group.Wait()
	for i, r := range regions {
		out.rows[r.Name()] = heads[i].count
	}
	return out, err
}

// head is the row that a region's scan has come to.
type head struct {
	rows  chan []Row // closed at the end
	batch []Row
	count int64
}

// row is nil at the end.
func (h *head) row() *Row {
	for len(h.batch) == 0 {
		batch, more := <-h.rows
		if !more {
			return nil
		}
		h.batch = batch
	}
	return &h.batch[0]
}

func (h *head) next() {
	h.batch = h.batch[1:]
	h.count++
}

// merge goes through the scans key by key.
func merge(heads []*head, s *Selection, out *scanned, keep int) error {
	for {
		var least []string
		for _, h := range heads {
			if r := h.row(); r != nil && (least == nil || s.Compare(r.Key, least) < 0) {
				least = r.Key
			}
		}
		if least == nil {
			return nil
		}
		same, hash := true, ""
		for i, h := range heads {
			r := h.row()
			if r == nil || s.Compare(r.Key, least) != 0 {
				same = false
				continue
			}
			if i == 0 {
				hash = r.Hash
			}
			same = same && r.Hash == hash
			h.next()
			if n := h.row(); n != nil && s.Compare(n.Key, least) <= 0 {
				return fmt.Errorf("rows of %s don't come in the order of their keys (%s): this is a bug in bridge, please report it",
					s.TableName, s.key(n.Key))
			}
		}
		switch {
		case same:
		case len(out.suspects) < keep:
			out.suspects = append(out.suspects, least)
		default:
			out.more = true
		}
	}
}
