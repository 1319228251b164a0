package mysql

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// charset turns text from a column's character set into UTF-8, as the server does.
//
// Unicode's own encodings are decoded here. Of an 8-bit set, the server is asked once for all its
// characters: its tables differ from other programs' (its latin1 is cp1252 with five more characters).
// Of other sets, it's asked for each value that isn't ASCII; the answers of late are kept.
type charset struct {
	name   string
	binary bool
	decode func(b, text []byte) ([]byte, bool) // nil until the server was asked
	asked  map[string]string                   // a value's bytes to its UTF-8
}

const keptConversions = 1 << 13

// errText is why a value isn't text; the caller adds the column.
func errText(charset string) error {
	return badLog("the value isn't valid %s text: UPDATE the row with valid text, or make the column binary, and start again", charset)
}

// append writes text as UTF-8.
func (cs *charset) append(ctx context.Context, b, text []byte, from *catalog) ([]byte, error) {
	if cs.decode == nil {
		if err := cs.learn(ctx, from); err != nil {
			return b, err
		}
	}
	if out, ok := cs.decode(b, text); ok {
		return out, nil
	}
	if cs.asked == nil {
		return b, errText(cs.name)
	}
	if s, ok := cs.asked[string(text)]; ok {
		return append(b, s...), nil
	}
	s, err := from.convert(ctx, cs.name, text)
	if err != nil {
		return b, err
	}
	if strings.Count(s, "?") > bytes.Count(text, []byte("?")) {
		return b, errText(cs.name)
	}
	if len(cs.asked) >= keptConversions {
		clear(cs.asked)
	}
	cs.asked[string(text)] = s
	return append(b, s...), nil
}

// learn finds out how to decode the set.
func (cs *charset) learn(ctx context.Context, from *catalog) error {
	switch cs.name {
	case "utf8mb4", "utf8mb3", "utf8":
		cs.decode = func(b, text []byte) ([]byte, bool) { return append(b, text...), utf8.Valid(text) }
	case "ascii":
		cs.decode = appendASCII
	case "ucs2", "utf16":
		cs.decode = func(b, text []byte) ([]byte, bool) { return appendUTF16(b, text, binary.BigEndian) }
	case "utf16le":
		cs.decode = func(b, text []byte) ([]byte, bool) { return appendUTF16(b, text, binary.LittleEndian) }
	case "utf32":
		cs.decode = appendUTF32
	case "big5", "cp932", "eucjpms", "euckr", "gb18030", "gb2312", "gbk", "sjis", "ujis":
		cs.decode, cs.asked = appendASCII, make(map[string]string)
	default:
		return cs.learnBytes(ctx, from)
	}
	return nil
}

// learnBytes asks the server for the characters of an 8-bit set. A byte that stands for none comes back
// as a question mark.
func (cs *charset) learnBytes(ctx context.Context, from *catalog) error {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	s, err := from.convert(ctx, cs.name, all)
	if err != nil {
		return err
	}
	var characters [256]rune
	runes := []rune(s)
	if len(runes) != len(all) {
		return badLog("bridge doesn't know the character set %s: convert the table to utf8mb4", cs.name)
	}
	ascii := true
	for i, r := range runes {
		if r == '?' && i != '?' {
			r = utf8.RuneError
		}
		ascii = ascii && (i >= 0x80 || r == rune(i))
		characters[i] = r
	}
	cs.decode = func(b, text []byte) ([]byte, bool) {
		if ascii {
			if out, ok := appendASCII(b, text); ok {
				return out, true
			}
		}
		for _, ch := range text {
			r := characters[ch]
			if r == utf8.RuneError {
				return b, false
			}
			b = utf8.AppendRune(b, r)
		}
		return b, true
	}
	return nil
}

func appendASCII(b, text []byte) ([]byte, bool) {
	for _, ch := range text {
		if ch >= 0x80 {
			return b, false
		}
	}
	return append(b, text...), true
}

func appendUTF16(b, text []byte, order binary.ByteOrder) ([]byte, bool) {
	for ; len(text) >= 2; text = text[2:] {
		r := rune(order.Uint16(text))
		if utf16.IsSurrogate(r) {
			if len(text) < 4 {
				return b, false
			}
			text = text[2:]
			if r = utf16.DecodeRune(r, rune(order.Uint16(text))); r == utf8.RuneError {
				return b, false
			}
		}
		b = utf8.AppendRune(b, r)
	}
	return b, len(text) == 0
}

func appendUTF32(b, text []byte) ([]byte, bool) {
	for ; len(text) >= 4; text = text[4:] {
		r := rune(binary.BigEndian.Uint32(text))
		if !utf8.ValidRune(r) {
			return b, false
		}
		b = utf8.AppendRune(b, r)
	}
	return b, len(text) == 0
}

// convert asks the server for text in UTF-8.
func (c *catalog) convert(ctx context.Context, charset string, text []byte) (string, error) {
	rows, err := c.query(ctx, fmt.Sprintf("SELECT HEX(CONVERT(_%s X'%x' USING utf8mb4))", charset, text))
	if err != nil {
		return "", fmt.Errorf("text in the character set %s: %w", charset, err)
	}
	s, err := hex.DecodeString(rows[0][0])
	if err != nil {
		return "", fmt.Errorf("text in the character set %s: %w", charset, err)
	}
	return string(s), nil
}
