package postgres

import (
	"context"
	"fmt"
	"sync"

	"bridge/change"
)

// forms are what makes texts of equal values equal, of the tables that have constraints.
type forms struct {
	mu     sync.RWMutex
	tables map[change.TableName]map[string]keptColumn
	places map[uniqueName]*placing
}

func (f *forms) set(t *keptTable) {
	columns := make(map[string]keptColumn, len(t.columns))
	for _, c := range t.columns {
		columns[c.name] = c
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tables == nil {
		f.tables = map[change.TableName]map[string]keptColumn{}
		f.places = map[uniqueName]*placing{}
	}
	for name, p := range t.placings {
		f.places[uniqueName{t.Shape.TableName, name}] = p
	}
	f.tables[t.Shape.TableName] = columns
}

func (f *forms) get(table change.TableName, column string) (keptColumn, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	c, ok := f.tables[table][column]
	return c, ok
}

func (f *forms) placing(table change.TableName, key string) *placing {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.places[uniqueName{table, key}]
}

// Form is [visibility.Forms]'s, for the tables that Constraints has told of. A key's values have the form that they have in keys.
func (t *Target) Form(ctx context.Context, table change.TableName, column, text string) (string, error) {
	c, ok := t.forms.get(table, column)
	switch {
	case !ok:
		return "", fmt.Errorf("table %s had no column %q when its constraints were read", table, column)
	case c.unsure != nil:
		return "", fmt.Errorf("table %s, column %q: equal values can't be told by their texts: %w", table, column, c.unsure)
	case c.form == nil:
		return text, nil
	}
	return c.form(text), nil
}
