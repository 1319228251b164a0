package compare

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// scanned is what a table's scan has found.
type scanned struct {
	rows     map[string]int64 // by region
	suspects []*suspect       // rows that aren't the same everywhere, at most as many as are kept
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
			err := scanInOrder(ctx, r, s, func(rows []Row) error {
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

// scanInOrder sorts what the region doesn't.
func scanInOrder(ctx context.Context, r Region, s *Selection, yield func([]Row) error) error {
	if s.Ordered() {
		return r.Scan(ctx, s, yield)
	}
	o := &sorter{selection: s, memory: sortMemory}
	defer o.close()
	if err := r.Scan(ctx, s, o.add); err != nil {
		return err
	}
	return o.each(yield)
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
		found := &suspect{key: least, own: make([][]string, len(heads))}
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
			found.own[i] = r.own()
			h.next()
			if err := s.inOrder(least, h.row()); err != nil {
				return err
			}
		}
		switch {
		case same:
		case len(out.suspects) < keep:
			out.suspects = append(out.suspects, found)
		default:
			out.more = true
		}
	}
}

// inOrder checks that a scan's next row comes after the one with that key.
func (s *Selection) inOrder(key []string, next *Row) error {
	if next == nil {
		return nil
	}
	switch c := s.Compare(next.Key, key); {
	case c > 0:
		return nil
	case c == 0 && !s.Native():
		return fmt.Errorf("two rows of %s have keys that are equal to another region's engine (%s): one of them can't be there", s.TableName, joined(next.own()))
	}
	return fmt.Errorf("rows of %s don't come in the order of their keys (%s): this is a bug in bridge, please report it", s.TableName, s.key(next.Key))
}
