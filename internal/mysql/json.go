package mysql

import (
	"context"
	"fmt"
	"strings"

	"bridge/change"
)

// JSONColumns are the columns that MariaDB's JSON type makes: LONGTEXT with a check that it's JSON.
type JSONColumns map[string]bool

// LoadJSONColumns reads them, of one table or, without one, of all. query runs one query on the server. On MySQL, which has
// a type of its own, there are none.
func LoadJSONColumns(ctx context.Context, flavor Flavor, query func(ctx context.Context, sql string) ([]change.Image, error), of ...change.TableName) (JSONColumns, error) {
	if flavor != MariaDB {
		return nil, nil
	}
	sql := "SELECT constraint_schema, table_name, check_clause FROM information_schema.check_constraints WHERE check_clause LIKE 'json\\_valid(`%`)'"
	for _, t := range of {
		sql += " AND constraint_schema = " + Literal(t.Schema) + " AND table_name = " + Literal(t.Name)
	}
	rows, err := query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("read which columns hold JSON: %w", err)
	}
	out := JSONColumns{}
	for _, row := range rows {
		schema, _ := row[0].Text()
		name, _ := row[1].Text()
		clause, _ := row[2].Text()
		quoted := strings.TrimSuffix(strings.TrimPrefix(clause, "json_valid(`"), "`)")
		out[jsonColumn(change.TableName{Schema: schema, Name: name}, strings.ReplaceAll(quoted, "``", "`"))] = true
	}
	return out, nil
}

// Has reports whether a column is one of them.
func (j JSONColumns) Has(t change.TableName, column string) bool { return j[jsonColumn(t, column)] }

func jsonColumn(t change.TableName, column string) string {
	return t.Schema + "\x00" + t.Name + "\x00" + strings.ToLower(column)
}
