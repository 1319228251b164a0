package change

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Key names a row in every region: its table, and its key values encoded so that values that are
// equal in the database are the same bytes. A Key with an empty Row names the whole table, as
// TRUNCATE does.
type Key struct {
	Table TableName
	Row   string
}

// Normalize maps a key value's text to one that all values equal to it share ("1.00" and "1" are
// one numeric). It's chosen by the column's type; nil leaves the text as it is.
type Normalize func(text string) string

// KeyOf encodes the key of image r. normalize has one entry per column of t, or is nil. It's an
// error when a key column is NULL or absent: nothing would name the row.
func KeyOf(t *Table, r Image, normalize []Normalize) (Key, error) {
	if len(t.Keys) == 0 {
		return Key{}, fmt.Errorf("table %s has no key: give it a primary key or a replica identity index", t)
	}
	var buf [64]byte
	b := buf[:0]
	for _, c := range t.Keys {
		if c >= len(r) {
			return Key{}, fmt.Errorf("table %s: image of %d columns lacks key column %q", t, len(r), t.Columns[c].Name)
		}
		s, ok := r[c].Text()
		if !ok {
			return Key{}, fmt.Errorf("table %s: key column %q is NULL or absent", t, t.Columns[c].Name)
		}
		if normalize != nil && normalize[c] != nil {
			s = normalize[c](s)
		}
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return Key{t.TableName, string(b)}, nil
}

// Values takes the encoded key values apart again; ok is false for bytes that KeyOf didn't make.
func (k Key) Values() (values []string, ok bool) {
	rest := k.Row
	for rest != "" {
		n, w := binary.Uvarint([]byte(rest[:min(len(rest), binary.MaxVarintLen64)]))
		if w <= 0 || w > 1 && rest[w-1] == 0 || n > uint64(len(rest)-w) { // a last byte of 0 is a length written too long
			return nil, false
		}
		values = append(values, rest[w:w+int(n)])
		rest = rest[w+int(n):]
	}
	return values, true
}

// String is the key for an operator's eyes: "public.users (42, eu)". Keys are names, not contents:
// they are shown in errors, unlike the other values of a row.
func (k Key) String() string {
	if k.Row == "" {
		return k.Table.String() + " (all rows)"
	}
	v, ok := k.Values()
	if !ok {
		return fmt.Sprintf("%s (%x)", k.Table, k.Row)
	}
	return k.Table.String() + " (" + strings.Join(v, ", ") + ")"
}
