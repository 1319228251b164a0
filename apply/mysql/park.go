package mysql

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"bridge/change"
	"bridge/internal/mysql"
	"bridge/visibility"
)

// Park is [apply.Session]'s.
func (s *session) Park(ctx context.Context, put []visibility.Parked, away []change.Key) error {
	var all steps
	for i := range put {
		sql, err := s.parkSQL(&put[i])
		if err != nil {
			return fmt.Errorf("park row %s: %w", put[i].Key, err)
		}
		all.add(sql, nil)
	}
	for _, key := range away {
		all.add(fmt.Sprintf("DELETE FROM bridge.parked WHERE table_schema = %s AND table_name = %s AND row_key = %s",
			mysql.Literal(key.Table.Schema), mysql.Literal(key.Table.Name), mysql.HexLiteral(rowKey(key))), nil)
	}
	return s.run(ctx, all)
}

// longestRowKey is what bridge.parked.row_key holds, in bytes.
const longestRowKey = 2048

// rowKey is the key's Row, or of one that's too long its beginning and a digest.
func rowKey(key change.Key) []byte {
	row := []byte(key.Row)
	if len(row) <= longestRowKey {
		return row
	}
	digest := sha256.Sum256(row)
	return append(row[:longestRowKey-len(digest):longestRowKey-len(digest)], digest[:]...)
}

// parkSQL writes a row, or writes it anew: it's parked since it first was.
func (s *session) parkSQL(p *visibility.Parked) (string, error) {
	document, err := p.Document()
	if err != nil {
		return "", err
	}
	key, err := readableKey(p.Key)
	if err != nil {
		return "", err
	}
	image, err := readableImage(p.Table, p.Image)
	if err != nil {
		return "", err
	}
	shown, err := readableImage(p.Table, p.Shown)
	if err != nil {
		return "", err
	}
	sql := []byte("INSERT INTO bridge.parked (table_schema, table_name, row_key, `key`, image, shown, claim_time, claim_origin, reason, constraint_name, document) VALUES (")
	sql = append(mysql.AppendLiteral(sql, p.Key.Table.Schema), ',')
	sql = append(mysql.AppendLiteral(sql, p.Key.Table.Name), ',')
	sql = append(mysql.AppendHexLiteral(sql, rowKey(p.Key)), ',')
	for _, text := range []string{key, image, shown} {
		sql = append(appendNullable(sql, text), ',')
	}
	sql = fmt.Appendf(sql, "%d,", int64(p.Claim.Time))
	for _, text := range []string{string(p.Claim.Origin), string(p.Reason)} {
		sql = append(mysql.AppendLiteral(sql, text), ',')
	}
	sql = append(appendNullable(sql, p.Constraint), ',')
	sql = append(mysql.AppendLiteral(sql, string(document)), ')')
	return string(sql) + s.overParked(), nil
}

// overParked ends the statement so that it writes over a row that's there.
func (s *session) overParked() string {
	sql, fresh := " AS new ON DUPLICATE KEY UPDATE ", "%s = new.%[1]s"
	if s.conn.Flavor() == mysql.MariaDB {
		sql, fresh = " ON DUPLICATE KEY UPDATE ", "%s = VALUES(%[1]s)"
	}
	for i, column := range []string{"image", "shown", "claim_time", "claim_origin", "reason", "constraint_name", "document"} {
		if i > 0 {
			sql += ", "
		}
		sql += fmt.Sprintf(fresh, column)
	}
	return sql
}

func appendNullable(dst []byte, text string) []byte {
	if text == "" {
		return append(dst, "NULL"...)
	}
	return mysql.AppendLiteral(dst, text)
}

// readableImage is an image as a JSON object, for people; "" of none.
func readableImage(t *change.Table, image change.Image) (string, error) {
	if image == nil {
		return "", nil
	}
	values := make(map[string]*string, len(image))
	for i, v := range image {
		if text, ok := v.Text(); ok {
			text = readable(text)
			values[t.Columns[i].Name] = &text
		} else if v.IsNull() {
			values[t.Columns[i].Name] = nil
		}
	}
	out, err := json.Marshal(values)
	return string(out), err
}
