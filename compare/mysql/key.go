package mysql

import (
	"context"

	"bridge/internal/mysql"
	"bridge/value"
)

// keyForm is the form of a key column's values, for regions of MySQL and MariaDB only; nil when equal values have
// equal texts but for zeros.
func (r *Region) keyForm(ctx context.Context, c *column) (*mysql.KeyForm, error) {
	if c.value.Class != value.Text {
		return nil, nil
	}
	return r.forms.Collation(ctx, c.charset, c.collate)
}

// formOf is what capture makes of a key's text, too.
func formOf(ctx context.Context, form *mysql.KeyForm, text string) (string, error) {
	if form == nil {
		if text == "-0" { // a float; no other key has this text, but for texts, which have forms
			return "0", nil
		}
		return text, nil
	}
	return form.Of(ctx, text)
}
