package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"

	"bridge/change"
	"bridge/compare"
)

// scanForms reads a table's rows for a comparison with other engines: one statement, which reads as of one moment.
func (r *Region) scanForms(ctx context.Context, t *table, s *compare.Selection, yield func([]compare.Row) error) error {
	add, rest := compare.InChunks(chunk, yield)
	if err := r.formed(ctx, s, t.scanSQL(s), nil, add); err != nil {
		return err
	}
	return rest()
}

// formed runs a query whose columns are the selection's, and a version if there's one more.
func (r *Region) formed(ctx context.Context, s *compare.Selection, sql string, arrays [][]string, yield func(compare.Row) error) error {
	forms := s.Forms(r.name)
	image := make(change.Image, len(s.Columns))
	return r.texts(ctx, sql, arrays, func(values [][]byte) error {
		setTexts(image, values)
		row, err := forms.Row(image)
		if err != nil {
			return err
		}
		if len(values) > len(image) {
			row.Version = string(values[len(image)])
		}
		return yield(row)
	})
}

// setTexts copies the first of the values.
func setTexts(image change.Image, values [][]byte) {
	for i := range image {
		image[i] = change.Null
		if values[i] != nil {
			image[i] = change.Text(string(values[i]))
		}
	}
}

// texts runs a query whose parameters are text arrays. Values come as the text of their types' output functions, as in
// the log: a cast to text gives another text of some (true, for t).
func (r *Region) texts(ctx context.Context, sql string, arrays [][]string, row func(values [][]byte) error) error {
	params := make([][]byte, len(arrays))
	for i := range arrays {
		var err error
		if params[i], err = r.conn.TypeMap().Encode(pgtype.TextArrayOID, pgtype.TextFormatCode, arrays[i], nil); err != nil {
			return fmt.Errorf("encode keys: %w", err)
		}
	}
	result := r.conn.PgConn().ExecParams(ctx, sql, params, nil, nil, nil)
	var failed error
	for failed == nil && result.NextRow() {
		failed = row(result.Values())
	}
	_, err := result.Close() // reads the rest, if there's one
	if failed != nil {
		return failed
	}
	return err
}
