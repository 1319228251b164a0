package mysql

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bridge/change"
	"bridge/compare"
	"bridge/internal/mysql"
	"bridge/value"
)

// table is a table as this server has it.
type table struct {
	compare.Table
	local   change.TableName
	columns map[string]*column // by the names that they have between the regions
}

// engine is the server's, as types know it.
func (r *Region) engine() value.Engine {
	if r.conn.Flavor() == mysql.MariaDB {
		return value.MariaDB
	}
	return value.MySQL
}

// Tables is [compare.Region]'s. The other methods know the tables as they were when it was called last.
func (r *Region) Tables(ctx context.Context) ([]compare.Table, error) {
	loaded, err := mysql.LoadCatalog(ctx, r.conn, r.scope.Selected)
	if err != nil {
		return nil, err
	}
	json, err := mysql.LoadJSONColumns(ctx, r.conn.Flavor(), func(ctx context.Context, sql string) ([]change.Image, error) {
		result, err := r.conn.One(ctx, sql)
		return result.Rows, err
	})
	if err != nil {
		return nil, err
	}
	r.tables = map[change.TableName]*table{}
	var out []compare.Table
	for _, from := range loaded {
		if from.Kind != "BASE TABLE" {
			continue
		}
		t, err := r.newTable(from, json)
		if err != nil {
			return nil, err
		}
		r.tables[t.TableName] = t
		out = append(out, t.Table)
	}
	slices.SortFunc(out, func(a, b compare.Table) int { return strings.Compare(a.String(), b.String()) })
	return out, nil
}

func (r *Region) newTable(from *mysql.Table, json mysql.JSONColumns) (*table, error) {
	t := &table{local: from.TableName, columns: map[string]*column{}}
	var err error
	if t.TableName, err = r.scope.Names.Stream(from.TableName); err != nil {
		return nil, err
	}
	t.Engine = r.engine()
	names := map[string]string{}
	for i := range from.Columns {
		c := &from.Columns[i]
		name, err := r.scope.Names.StreamColumn(from.TableName, c.Name)
		if err != nil {
			return nil, err
		}
		own, err := newColumn(t.Engine, c, json.Has(from.TableName, c.Name))
		if err != nil {
			return nil, fmt.Errorf("table %s, column %q: %w", from.TableName, c.Name, err)
		}
		names[strings.ToLower(c.Name)] = name
		t.columns[name] = own
		definition := own.definition(name, c)
		definition.Policy = r.scope.PolicyOf(from.TableName, c.Name)
		t.Columns = append(t.Columns, definition)
	}
	slices.SortFunc(t.Columns, func(a, b compare.Column) int { return strings.Compare(a.Name, b.Name) })
	if key := from.PrimaryKey(); key != nil && !key.Prefix {
		for _, c := range key.Columns {
			t.Key = append(t.Key, names[strings.ToLower(c)])
		}
	}
	return t, nil
}

// quoted is a list of columns in SQL.
func (t *table) quoted(names []string) string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = mysql.Quote(t.columns[name].local)
	}
	return strings.Join(out, ", ")
}

// literals is a list of keys in SQL.
func (t *table) literals(names []string, keys [][]string) (string, error) {
	var b strings.Builder
	for i, key := range keys {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('(')
		for c, name := range names {
			literal, err := t.columns[name].literal(key[c])
			if err != nil {
				return "", err
			}
			if c > 0 {
				b.WriteString(", ")
			}
			b.WriteString(literal)
		}
		b.WriteByte(')')
	}
	return b.String(), nil
}
