package mysql

import (
	"context"
	"fmt"
	"sync"
	"time"

	"bridge/apply"
	"bridge/change"
	"bridge/value"
)

// form gives a text the form that all texts share which the database holds equal to it. It's safe for concurrent use.
type form = func(ctx context.Context, text string) (string, error)

// forms are those of tables' columns, by names between the regions; nil where equal values have equal texts.
type forms struct {
	mu     sync.Mutex
	read   time.Time // when the first of them was
	tables map[change.TableName]map[string]form
}

// tableForms are the forms of a table's columns.
func (l *localizer) tableForms(ctx context.Context, table change.TableName) (map[string]form, error) {
	l.known.mu.Lock()
	defer l.known.mu.Unlock()
	if now := time.Now(); l.known.tables == nil || now.Sub(l.known.read) > tableAge {
		l.known.tables, l.known.read = map[change.TableName]map[string]form{}, now
	}
	if forms, ok := l.known.tables[table]; ok {
		return forms, nil
	}
	forms, err := l.loadForms(ctx, table)
	if err == nil {
		l.known.tables[table] = forms
	}
	return forms, err
}

func (l *localizer) loadForms(ctx context.Context, table change.TableName) (map[string]form, error) {
	if _, err := l.open(ctx); err != nil {
		return nil, err
	}
	local, err := l.inward.Names.Local(table)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", apply.ErrRefused, err)
	}
	columns, err := l.Columns(ctx, local)
	if err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", local, err)
	}
	forms := make(map[string]form, len(columns))
	for name, c := range columns {
		stream, err := l.inward.Names.StreamColumn(local, name)
		if err != nil {
			return nil, err
		}
		forms[stream] = c.Form
	}
	return forms, nil
}

// keyForm is [localizer.form], for those who haven't opened it.
func (l *localizer) keyForm(ctx context.Context, t value.Type) (form, error) {
	if _, err := l.open(ctx); err != nil {
		return nil, err
	}
	return l.form(t), nil
}
