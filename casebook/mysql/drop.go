package mysql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"bridge/casebook"
	"bridge/change"
	"bridge/internal/mysql"
)

// Drop is [casebook.Book]'s. The table's row is written before bridge.parked, as when bridge shows a row: so the two wait for each other in one
// order.
func (b *Book) Drop(ctx context.Context, p *casebook.Parked, c *casebook.Case) error {
	where, err := b.placeOf(ctx, p)
	if err != nil {
		return err
	}
	return b.discard(ctx, p, func() error {
		r, err := b.conn.One(ctx, "DELETE FROM bridge.parked"+where)
		switch {
		case err != nil:
			return explain(err)
		case r.Affected == 0:
			return p.NotParked()
		}
		return b.record(ctx, c)
	})
}

// record puts cases into bridge.conflicts, in the transaction.
func (b *Book) record(ctx context.Context, cases ...*casebook.Case) error {
	for _, c := range cases {
		sql, err := recordSQL(c)
		if err != nil {
			return err
		}
		if _, err := b.conn.One(ctx, sql); err != nil {
			return explain(err)
		}
	}
	return nil
}

// placeOf is the condition that a row of bridge.parked is p's and still as p tells. It has the primary key, which isn't in the document: without
// it a delete would lock the other rows, too.
func (b *Book) placeOf(ctx context.Context, p *casebook.Parked) (where string, err error) {
	const of = " WHERE table_schema = %s AND table_name = %s AND document = %s"
	document := fmt.Sprintf(of, mysql.Literal(p.Schema), mysql.Literal(p.Table), mysql.Literal(p.Document()))
	err = b.conn.Query(ctx, "SELECT hex(row_key) FROM bridge.parked"+document, func(row change.Image) error {
		key, _ := row[0].Text()
		where = document + " AND row_key = x'" + key + "'"
		return nil
	})
	if err == nil && where == "" {
		err = p.NotParked()
	}
	return where, explainCases(err)
}

func recordSQL(c *casebook.Case) (string, error) {
	names := make([]string, len(c.Key))
	for i, v := range c.Key {
		if names[i] = v; !utf8.ValidString(v) {
			names[i] = fmt.Sprintf("%x", v)
		}
	}
	key, errK := json.Marshal(names)
	versions, errV := json.Marshal(c.Versions)
	result, errR := json.Marshal(c.Result)
	if err := errors.Join(errK, errV, errR); err != nil {
		return "", err
	}
	sql := []byte("INSERT INTO bridge.conflicts (type, table_schema, table_name, `key`, rule, outcome, origin, versions, result, seq) VALUES (")
	for _, text := range []string{c.Type, c.Schema, c.Table, string(key), c.Rule, c.Outcome, c.Origin, string(versions), string(result)} {
		sql = append(mysql.AppendLiteral(sql, text), ',')
	}
	return fmt.Sprintf("%s%d)", sql, c.Seq), nil
}
