package value

import (
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// charset is what a MySQL character set can hold.
type charset struct {
	holds func(rune) bool
	// bytes is how many a rune takes there.
	bytes func(rune) int
}

// multibyte are the character sets of Unicode. The others in charsets take a byte for each character.
var multibyte = map[string]charset{
	"utf8mb4": {everything, utf8.RuneLen},
	"gb18030": {everything, func(rune) int { return 4 }}, // at most
	"utf16":   {everything, utf16Len}, "utf16le": {everything, utf16Len},
	"utf32":   {everything, func(rune) int { return 4 }},
	"utf8mb3": {basicPlane, utf8.RuneLen}, "utf8": {basicPlane, utf8.RuneLen},
	"ucs2": {basicPlane, utf16Len},
}

var singleByte = map[string]*charmap.Charmap{
	"latin1": charmap.Windows1252, "latin2": charmap.ISO8859_2, "latin5": charmap.ISO8859_9, "latin7": charmap.ISO8859_13,
	"greek": charmap.ISO8859_7, "hebrew": charmap.ISO8859_8,
	"cp1250": charmap.Windows1250, "cp1251": charmap.Windows1251, "cp1256": charmap.Windows1256, "cp1257": charmap.Windows1257,
	"cp850": charmap.CodePage850, "cp852": charmap.CodePage852, "cp866": charmap.CodePage866,
	"koi8r": charmap.KOI8R, "koi8u": charmap.KOI8U,
}

func everything(rune) bool   { return true }
func basicPlane(r rune) bool { return r <= 0xFFFF }

func utf16Len(r rune) int {
	if r > 0xFFFF {
		return 4
	}
	return 2
}

// findCharset finds a character set by MySQL's name; the empty name is utf8mb4.
func findCharset(name string) (c charset, known bool) {
	if name == "" {
		name = "utf8mb4"
	}
	if c, known = multibyte[name]; known {
		return c, true
	}
	one := func(rune) int { return 1 }
	if name == "ascii" {
		return charset{func(r rune) bool { return r < utf8.RuneSelf }, one}, true
	}
	table, known := singleByte[name]
	if !known {
		return charset{}, false
	}
	return charset{func(r rune) bool {
		if r < utf8.RuneSelf {
			return true
		}
		_, ok := table.EncodeRune(r)
		return ok || table == charmap.Windows1252 && undefined1252(r)
	}, one}, true
}

// undefined1252 are the control characters that MySQL's latin1 keeps where Windows-1252 has nothing.
func undefined1252(r rune) bool {
	return r == 0x81 || r == 0x8d || r == 0x8f || r == 0x90 || r == 0x9d
}
