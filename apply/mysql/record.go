package mysql

import (
	"context"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"bridge/apply"
	"bridge/change"
	"bridge/conflict"
	"bridge/internal/mysql"
)

// Record is [apply.Session]'s.
func (s *session) Record(ctx context.Context, records []conflict.Record) error {
	var all steps
	for i := range records {
		sql, err := recordSQL(&records[i])
		if err != nil {
			return err
		}
		all.add(sql, nil)
	}
	return s.run(ctx, all)
}

func recordSQL(r *conflict.Record) (string, error) {
	versions, result, err := apply.Recorded(r)
	if err != nil {
		return "", err
	}
	key, err := readableKey(r.Key)
	if err != nil {
		return "", fmt.Errorf("record the conflict on %s: %w", r.Key, err)
	}
	sql := []byte("INSERT INTO bridge.conflicts (type, table_schema, table_name, `key`, rule, outcome, origin, seq, versions, result, awaits) VALUES (")
	for _, text := range []string{string(r.Type), r.Key.Table.Schema, r.Key.Table.Name, key, r.RuleName(), r.Result(), string(r.Incoming.Origin)} {
		sql = append(mysql.AppendLiteral(sql, text), ',')
	}
	sql = fmt.Appendf(sql, "%d,", r.Incoming.Seq)
	sql = append(mysql.AppendLiteral(sql, string(versions)), ',')
	sql = append(mysql.AppendLiteral(sql, string(result)), ',')
	if r.Awaits == conflict.NothingAwaited {
		return string(append(sql, "NULL)"...)), nil
	}
	return string(append(mysql.AppendLiteral(sql, string(r.Awaits)), ')')), nil
}

// readableKey is a key as a JSON array.
func readableKey(k change.Key) (string, error) {
	values, _ := k.Values()
	for i, v := range values {
		values[i] = readable(v)
	}
	out, err := json.Marshal(values)
	return string(out), err
}

// readable is a text as it is, and other bytes in hexadecimal: a normal form need not be text.
func readable(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return fmt.Sprintf("%x", s)
}
