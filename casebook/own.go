package casebook

import (
	"crypto/rand"
	"encoding/hex"
	"math/big"
)

// Own is what values a column can have of which surely no other row has the same.
type Own struct {
	Kind OwnKind
	Room int // of text in characters, 0 without limit; of integers in bits without the sign's
}

// OwnKind is a sort of such values.
type OwnKind uint8

// The sorts of values.
const (
	NoOwn OwnKind = iota
	OwnText
	OwnInteger
	OwnUUID
)

// value is such a value, at random: its text in the form that capture gives it.
func (o Own) value() string {
	switch o.Kind {
	case OwnInteger: // of the upper half, where few numbers have come to yet
		half := new(big.Int).Lsh(big.NewInt(1), uint(o.Room-1))
		n, _ := rand.Int(rand.Reader, half) // never fails
		return n.Add(n, half).Sub(n, big.NewInt(1)).String()
	case OwnUUID:
		var b [16]byte
		rand.Read(b[:]) //nolint:errcheck // never fails
		b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
		s := hex.EncodeToString(b[:])
		return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
	}
	s := "discarded " + rand.Text()
	if o.Room > 0 && o.Room < len(s) {
		return s[len(s)-o.Room:]
	}
	return s
}
