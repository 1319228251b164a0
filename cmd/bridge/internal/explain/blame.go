package explain

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"bridge/change"
	"bridge/chronicle"
	"bridge/cmd/bridge/internal/settings"
	"bridge/cmd/bridge/internal/shell"
	"bridge/config"
	"bridge/conflict"
	"bridge/history"
)

// Blame is "bridge blame".
type Blame struct {
	Table string   `arg:"" help:"The table, as schema.table."`
	Key   []string `arg:"" help:"The values of the row's key columns, in the order of the table's columns."`
	pastFlags
}

// Run is called by kong.
func (cmd *Blame) Run(ctx context.Context, s *shell.Session) error {
	c, err := s.Config()
	if err != nil {
		return err
	}
	table, err := settings.FindTable(c, cmd.Table)
	if err != nil {
		return shell.Usage(err)
	}
	rules, err := settings.Rules(c)
	if err != nil {
		return err
	}
	row := &blamedRow{table: table.Stream, values: cmd.Key}
	unread, err := row.read(ctx, c, &cmd.pastFlags, rules)
	if err != nil {
		return err
	}
	key, err := row.key()
	if err != nil {
		return err
	}
	rule := rules.For(table.Stream, row.ops[key])
	story := chronicle.Tell(key, row.ops[key], rules, unread)
	result := newBlameResult(story, rule.String())
	result.OtherRules = row.foreign
	if err := result.lookUp(ctx, c, story, rule); err != nil {
		return shell.Environment(err)
	}
	s.Outcome = shell.Outcome{Result: result, Human: func(w io.Writer) error { return writeBlame(w, result) }, Summary: result.summary()}
	return nil
}

// blamedRow collects the operations of a row that a person names by its key's values. Values that are equal in the
// database may have several texts, and capture gives keys one of their own; so a row is known by the key columns of
// its images, too.
type blamedRow struct {
	table  change.TableName
	values []string

	ops       map[change.Key]history.Row
	truncates history.Row
	exact     map[change.Key]bool // the keys to look for; nil looks by the values
	foreign   bool                // some were written under other rules
	other     bool                // a row was found whose key has other texts
}

// read reads the topics once or, if the key turns out to be written otherwise, twice: what has no image is found by it
// alone.
func (r *blamedRow) read(ctx context.Context, c *config.Config, flags *pastFlags, rules *conflict.Rules) (unread change.Vector, err error) {
	for {
		r.ops, r.truncates = map[change.Key]history.Row{}, nil
		past, err := openPast(ctx, c, flags, rules)
		if err != nil {
			return nil, err
		}
		unread = past.Unread()
		err = past.each(ctx, func(p *chronicle.Passage) { r.take(p, !slices.Contains(rules.Known(), p.Rules)) })
		past.Close()
		if err != nil {
			return nil, err
		}
		if r.exact != nil || !r.other {
			break
		}
		r.exact = map[change.Key]bool{}
		for key := range r.ops {
			r.exact[key] = true
		}
	}
	for key, ops := range r.ops {
		for _, e := range r.truncates {
			ops = ops.Insert(e)
		}
		r.ops[key] = ops
	}
	return unread, nil
}

func (r *blamedRow) take(p *chronicle.Passage, foreign bool) {
	for i := range p.Transactions {
		tx := &p.Transactions[i]
		for n := range tx.Operations {
			op := &tx.Operations[n]
			if op.Key.Table != r.table {
				continue
			}
			tag := tx.Tag
			e := history.EntryOf(&tag, op, tx.Before+uint32(n), 0)
			if op.Kind == change.Truncate {
				r.truncates = r.truncates.Insert(e)
			} else if r.is(op) {
				r.ops[op.Key] = r.ops[op.Key].Insert(e)
				r.foreign = r.foreign || foreign
			}
		}
	}
}

// is reports whether an operation is of the row.
func (r *blamedRow) is(op *change.Operation) bool {
	if r.exact != nil {
		return r.exact[op.Key]
	}
	if values, ok := op.Key.Values(); ok && slices.Equal(values, r.values) {
		return true
	}
	for _, image := range []change.Image{op.New, op.Old} {
		if image != nil && slices.Equal(keyTexts(op.Table, image), r.values) {
			r.other = true
			return true
		}
	}
	return false
}

func keyTexts(t *change.Table, image change.Image) []string {
	out := make([]string, len(t.Keys))
	for i, c := range t.Keys {
		out[i], _ = image[c].Text()
	}
	return out
}

// key is the row's.
func (r *blamedRow) key() (change.Key, error) {
	var keys []change.Key
	for key := range r.ops {
		keys = append(keys, key)
	}
	name := r.table.String() + " (" + strings.Join(r.values, ", ") + ")"
	switch len(keys) {
	case 0:
		return change.Key{}, shell.Runtime(fmt.Errorf("the topics hold no write to %s: it wasn't written since their oldest records (or in the time of --since), "+
			"or the key is another: give the values of all key columns, in the order of the table's columns", name))
	case 1:
		return keys[0], nil
	}
	return change.Key{}, shell.Usage(fmt.Errorf("%s names %d rows: give the key's values as bridge's messages show them", name, len(keys)))
}
