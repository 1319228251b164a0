package compare

import (
	"slices"
	"strings"

	"bridge/change"
	"bridge/value"
	"bridge/wire"
)

// Digest sums up a table's rows for a [wire.Baseline], without knowing the other regions' types: a number for each
// column, which is the same where the rows hold equal values, whatever the order of the rows and the engine.
//
// A value counts in a form that equal values of mapped types share as far as one region alone can tell (see
// [familyOf]). It's hashed with its row's key (FNV-1a and MurmurHash3's finalizer), and the hashes are added up
// modulo 2^64: two changes can cancel each other out by chance only. It's no defence against somebody who means to.
type Digest struct {
	baseline wire.TableBaseline
	forms    []change.Normalize // by column; nil: as it is
	key      []int
	texts    []string
}

// NewDigest begins the digest of a table's rows.
func NewDigest(t *Table) *Digest {
	d := &Digest{texts: make([]string, len(t.Columns))}
	d.baseline = wire.TableBaseline{TableName: t.TableName, Engine: string(t.Engine), Definition: t.Fingerprint()}
	for i := range t.Columns {
		c := &t.Columns[i]
		key := slices.Contains(t.Key, c.Name)
		if key {
			d.key = append(d.key, i)
		}
		_, form := familyOf(c.Value)
		d.forms = append(d.forms, form)
		d.baseline.Columns = append(d.baseline.Columns, wire.ColumnBaseline{Name: c.Name, Type: c.Declared, Key: key, Altered: !key && c.Policy.Alters()})
	}
	return d
}

// Add counts a row in: its values in the order of the table's columns, in the text that capture would give them.
func (d *Digest) Add(values change.Image) {
	d.baseline.Rows++
	for i, v := range values {
		text, ok := v.Text()
		if ok && d.forms[i] != nil {
			text = d.forms[i](text)
		}
		d.texts[i] = text
	}
	key := uint64(fnvOffset)
	for _, i := range d.key {
		key = hashText(key, d.texts[i])
	}
	for i, v := range values {
		h := key
		if !v.IsNull() {
			h = hashText((h^1)*fnvPrime, d.texts[i])
		}
		d.baseline.Columns[i].Content += finish(h)
	}
}

// Baseline is the table's, of the rows that were added.
func (d *Digest) Baseline() wire.TableBaseline {
	d.baseline.Content = 0
	for i := range d.baseline.Columns {
		d.baseline.Content += finish(hashText(d.baseline.Columns[i].Content, d.baseline.Columns[i].Name))
	}
	return d.baseline
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// hashText goes on with a text and its end.
func hashText(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	n := uint64(len(s))
	return (h ^ n&0xff ^ n>>8<<16) * fnvPrime
}

// finish spreads every bit over all of them, so that sums don't show what's alike in rows.
func finish(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// familyOf puts types together whose equal values have one form, and gives the form. Digests of columns of two
// families can't be compared, although plans may carry their values: that's for [Run], which knows both types.
func familyOf(t value.Type) (family string, form change.Normalize) {
	switch t.Class {
	case value.Boolean:
		return "number", func(s string) string {
			if s == "t" {
				return "1"
			}
			return "0"
		}
	case value.Integer:
		return "number", nil
	case value.Decimal, value.Year:
		return "number", value.Canonical(value.Type{Class: value.Decimal})
	case value.BitString:
		if t.Length == 1 && t.Fixed {
			return "number", nil
		}
		return "bits", nil
	case value.Float:
		if t.Bits == 32 {
			return "real", value.Canonical(t)
		}
		return "double", value.Canonical(t)
	case value.DateTime, value.Instant:
		return "moment", func(s string) string { return strings.TrimSuffix(s, "+00") }
	case value.Interval, value.Time:
		if t.Class == value.Interval && t.Engine == value.Postgres {
			return "interval", nil
		}
		return "time", nil
	case value.Text, value.Enum, value.Set, value.Opaque:
		return "text", textForm(t)
	case value.UUID:
		return "uuid", digits
	case value.Binary:
		return "binary", digits
	}
	return t.Class.String(), value.Canonical(t)
}

// textForm is that of a text: without the spaces that it's padded with, and a UUID as one.
func textForm(t value.Type) change.Normalize {
	trim := value.Canonical(t)
	return func(s string) string {
		if trim != nil {
			s = trim(s)
		}
		return digits(s)
	}
}

// digits is a UUID's form, whether it comes as one, as text or as sixteen bytes; other texts stay as they are.
func digits(s string) string {
	switch {
	case len(s) == 34 && s[:2] == `\x`:
		return s[2:]
	case len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-':
		plain := strings.ToLower(strings.ReplaceAll(s, "-", ""))
		if len(plain) == 32 && strings.Trim(plain, "0123456789abcdef") == "" {
			return plain
		}
	}
	return s
}

// sameFamily reports whether the digests of columns of two types can be compared.
func sameFamily(a, b value.Type) bool {
	x, _ := familyOf(a)
	y, _ := familyOf(b)
	if y == "uuid" {
		x, y = y, x
	}
	return x == y || x == "uuid" && (y == "text" || y == "binary")
}
