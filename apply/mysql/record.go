package mysql

import (
	"context"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"bridge/apply"
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
	if err := s.send(ctx, all); err != nil {
		return s.explain(err)
	}
	return nil
}

func recordSQL(r *conflict.Record) (string, error) {
	versions, result, err := apply.Recorded(r)
	if err != nil {
		return "", err
	}
	values, _ := r.Key.Values()
	for i, v := range values {
		if !utf8.ValidString(v) { // a normal form need not be text
			values[i] = fmt.Sprintf("%x", v)
		}
	}
	key, err := json.Marshal(values)
	if err != nil {
		return "", fmt.Errorf("record the conflict on %s: %w", r.Key, err)
	}
	sql := []byte("INSERT INTO bridge.conflicts (type, table_schema, table_name, `key`, rule, outcome, origin, seq, versions, result, awaits) VALUES (")
	for _, text := range []string{string(r.Type), r.Key.Table.Schema, r.Key.Table.Name, string(key), r.Rule.String(), r.Result(), string(r.Incoming.Origin)} {
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
