package convert

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"bridge/apply"
	"bridge/change"
	"bridge/value"
)

// operation converts one operation in place.
func (s *shape) operation(ctx context.Context, op *change.Operation) (err error) {
	key := op.Key
	op.Table = s.to
	switch op.Kind {
	case change.Insert, change.Update:
		if op.New, err = s.image(op.New, key); err != nil {
			return err
		}
		op.Key, err = s.keyOf(ctx, op.New)
	case change.Delete:
		if op.Old == nil {
			op.Key, err = s.bareKey(ctx, key)
			return err
		}
	}
	if err != nil || op.Old == nil {
		return err
	}
	if op.Old, err = s.oldImage(op.Old, key); err != nil {
		return err
	}
	if op.Kind == change.Delete {
		op.Key, err = s.keyOf(ctx, op.Old)
	}
	return err
}

// image converts a new image. A value that doesn't fit is an error.
func (s *shape) image(r change.Image, key change.Key) (change.Image, error) {
	out := s.room(r)
	for n := range s.columns {
		v, err := s.columns[n].value(r[s.columns[n].from])
		if err != nil {
			return nil, s.refuse(n, key, err)
		}
		out[n] = v
	}
	return out, nil
}

// oldImage converts an old image. It says what a row was and isn't written: of what doesn't fit, only the key matters.
func (s *shape) oldImage(r change.Image, key change.Key) (change.Image, error) {
	out := s.room(r)
	for n := range s.columns {
		v, err := s.columns[n].value(r[s.columns[n].from])
		if err != nil {
			if s.to.Columns[n].Key {
				return nil, s.refuse(n, key, err)
			}
			v = change.Absent
		}
		out[n] = v
	}
	return out, nil
}

// room is where r's conversion goes: r itself, if each value takes its own place.
func (s *shape) room(r change.Image) change.Image {
	if s.inPlace {
		return r
	}
	return make(change.Image, len(s.columns))
}

func (c *column) value(v change.Value) (change.Value, error) {
	if c.unassigned {
		return v, nil
	}
	return c.plan.Value(v)
}

// keyOf is the key of a converted image.
func (s *shape) keyOf(ctx context.Context, r change.Image) (change.Key, error) {
	formed, own := r, false
	for _, k := range s.to.Keys {
		text, ok := r[k].Text()
		if !ok || s.columns[k].form == nil {
			continue
		}
		form, err := s.columns[k].form(ctx, text)
		if err != nil {
			return change.Key{}, fmt.Errorf("table %s, key column %s: %w", s.name, s.columns[k].told, err)
		}
		if form != text && !own {
			formed, own = append(change.Image(nil), r...), true
		}
		if own {
			formed[k] = change.Text(form)
		}
	}
	return change.KeyOf(s.to, formed, nil)
}

// bareKey is the key of an operation that has no image: its origin's form of the values is all there is.
func (s *shape) bareKey(ctx context.Context, key change.Key) (change.Key, error) {
	values, ok := key.Values()
	if !ok || len(values) != len(s.from.Keys) {
		return key, fmt.Errorf("key %s doesn't fit the key columns of its table (%s)", key, s.from.KeyNames())
	}
	image := make(change.Image, len(s.from.Columns))
	for n, k := range s.from.Keys {
		// MySQL's forms of keys may be a collation's weights, after a zero byte.
		if strings.HasPrefix(values[n], "\x00") && s.from.Engine != string(value.Postgres) {
			return key, fmt.Errorf("%w: table %s: its log tells no key that the row can be found by: set binlog_row_image = FULL where it comes from", apply.ErrRefused, s.name)
		}
		image[k] = change.Text(values[n])
	}
	out, err := s.image(image, key)
	if err != nil {
		return key, err
	}
	return s.keyOf(ctx, out)
}

// refuse says that a value of column n doesn't fit.
func (s *shape) refuse(n int, key change.Key, err error) error {
	if errors.Is(err, value.ErrUnfit) && !s.to.Columns[n].Key {
		err = fmt.Errorf("%w (null, clamp or text)", err)
	}
	return fmt.Errorf("%w: table %s, row %s, column %s: %w", apply.ErrRefused, s.name, key, s.columns[n].told, err)
}
