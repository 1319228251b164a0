package mysql

import (
	"context"
	"fmt"
	"strings"
)

// Variables reads the server's global variables, by names in lower case. Those that the server doesn't
// have are absent.
func Variables(ctx context.Context, conn *Conn, names ...string) (map[string]string, error) {
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = Literal(name)
	}
	result, err := conn.One(ctx, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ("+strings.Join(list, ", ")+")")
	if err != nil {
		return nil, fmt.Errorf("read the server's variables: %w", err)
	}
	values := map[string]string{}
	for _, row := range result.Rows {
		name, _ := row[0].Text()
		value, _ := row[1].Text()
		values[strings.ToLower(name)] = value
	}
	return values, nil
}
