package convert

import (
	"context"
	"sync"
	"time"

	"bridge/apply"
	"bridge/change"
	"bridge/value"
)

// Catalog tells what this database's tables are like. It's asked by one goroutine at a time.
type Catalog interface {
	// Columns are a table's, by local name; none when there's no such table.
	Columns(ctx context.Context, table change.TableName) (map[string]Column, error)
}

// Column is a column as this database has it.
type Column struct {
	// Place orders the columns as local capture does.
	Place int
	// Type is the declared type. Its Name is what local capture calls it.
	Type value.Type
	// Generated says that it's never assigned.
	Generated bool
	// Form gives a key's text the form that local capture gives it; nil leaves it as it is.
	Form func(ctx context.Context, text string) (string, error)
}

// Config says into what is converted.
type Config struct {
	Engine  value.Engine // this database's
	Catalog Catalog
	apply.Inward
}

// Converter is an [apply.Localizer]. It's safe for use by many goroutines.
type Converter struct {
	Config
	mu     sync.Mutex // guards what follows, and the catalog
	shapes map[uint64]*shape
	read   time.Time // when the first of them was
}

// shapeAge is how long what is known of tables counts. Most changes of a definition show by a value that doesn't fit,
// after which it's read anew; a column that has become narrower, and that the server rounds for, doesn't.
const shapeAge = 10 * time.Second

var _ apply.Localizer = (*Converter)(nil)

// New makes a converter.
func New(c Config) *Converter {
	return &Converter{Config: c, shapes: map[uint64]*shape{}}
}

// Localize takes a transaction's operations, or those of a piece, into local form, in place. What this engine
// logged is left alone. The error is an [apply.ErrRefused] where the operator can help; the transaction is then
// spoilt, and must be decoded anew.
func (c *Converter) Localize(ctx context.Context, tx *change.Transaction) error {
	var last *shape
	var of *change.Table
	for i := range tx.Operations {
		op := &tx.Operations[i]
		if op.Table.Engine == "" || op.Table.Engine == string(c.Engine) {
			continue
		}
		if last == nil || of != op.Table {
			var err error
			if last, err = c.shape(ctx, op.Table); err != nil {
				return err
			}
			of = op.Table
		}
		if err := last.operation(ctx, op); err != nil {
			c.forget(of)
			return err
		}
	}
	return nil
}

// shape finds how rows of a table are converted, or works it out.
func (c *Converter) shape(ctx context.Context, t *change.Table) (*shape, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.read) > shapeAge {
		clear(c.shapes)
		c.read = now
	}
	s := c.shapes[t.Fingerprint()]
	if s == nil {
		var err error
		if s, err = c.newShape(ctx, t); err != nil {
			return nil, err
		}
		c.shapes[t.Fingerprint()] = s
	}
	return s, nil
}

// forget has a shape worked out anew.
func (c *Converter) forget(t *change.Table) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.shapes, t.Fingerprint())
}
