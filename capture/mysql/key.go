package mysql

import (
	"context"

	"bridge/change"
	"bridge/internal/mysql"
	"bridge/value"
)

// keyForm gives a key column's text the form that all values share that the server holds equal to it.
type keyForm func(ctx context.Context, text string) (string, error)

// keyForm is that of a column; nil when equal values have equal texts.
func (c *catalog) keyForm(ctx context.Context, col *column) (keyForm, error) {
	switch col.typ {
	case typeFloat, typeDouble:
		return positiveZero, nil
	case typeVarchar, typeVarString, typeString, typeBlob, typeCharPacked, typeBlobPacked:
	default:
		return nil, nil
	}
	if col.charset.binary {
		return nil, nil
	}
	if c.forms == nil {
		c.forms = mysql.NewKeyForms(c.images)
	}
	form, err := c.forms.Collation(ctx, col.charset.name, c.byID[col.collate].name)
	if err != nil {
		return nil, err
	}
	return form.Of, nil
}

// positiveZero is the form of floats: 0 and -0 are equal.
func positiveZero(_ context.Context, text string) (string, error) {
	if text == "-0" {
		return "0", nil
	}
	return text, nil
}

// checkKey refuses a key column of which another region's engine may hold other values equal.
func (c *catalog) checkKey(col *column, others []value.Engine) error {
	if len(others) == 0 {
		return nil
	}
	own, err := value.OnWire(value.Engine(engine(c.flavor)), col.typeName())
	if err != nil {
		return err
	}
	if col.charset != nil {
		own.Charset, own.Collation = col.charset.name, c.byID[col.collate].name
	}
	return value.CheckKey(own, others...)
}

// keyOf names a row. An old image always has the primary key, whatever binlog_row_image says: the server
// itself needs it to find the row.
func (t *table) keyOf(ctx context.Context, shape *change.Table, row change.Image) (change.Key, error) {
	if t.forms != nil {
		formed := make(change.Image, len(row))
		for _, k := range shape.Keys {
			formed[k] = row[k]
			text, ok := row[k].Text()
			if !ok || t.forms[k] == nil {
				continue
			}
			form, err := t.forms[k](ctx, text)
			if err != nil {
				return change.Key{}, err
			}
			formed[k] = change.Text(form)
		}
		row = formed
	}
	key, err := change.KeyOf(shape, row, nil)
	if err != nil {
		return key, badLog("%w", err)
	}
	return key, nil
}
