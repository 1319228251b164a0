package value

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// jsonKind is what a JSON value is.
type jsonKind uint8

const (
	jsonLiteralKind jsonKind = iota // null, true, false
	jsonNumberKind
	jsonStringKind
	jsonListKind
	jsonObjectKind
)

// jsonValue is a JSON document or a part of it. Numbers stay text, so that none is rounded, and strings may
// hold half a surrogate pair, in UTF-8's generalised form, for some columns keep those.
type jsonValue struct {
	kind jsonKind
	text string      // a literal, a number as written, a string decoded
	list []jsonValue // members of an array, or values of an object in the order of keys
	keys []string    // of an object, sorted, each once
}

// maxJSONDepth bounds the recursion; no engine nests deeper by far.
const maxJSONDepth = 10_000

// parseJSON reads a document (RFC 8259). Of values with the same key the last counts, as in every engine.
func parseJSON(s string) (jsonValue, bool) {
	p := jsonParser{s: s}
	v, ok := p.value(0)
	p.space()
	return v, ok && p.at == len(s)
}

type jsonParser struct {
	s  string
	at int
}

func (p *jsonParser) space() {
	for p.at < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.at]) >= 0 {
		p.at++
	}
}

// take skips white space and consumes c if it's next.
func (p *jsonParser) take(c byte) bool {
	p.space()
	if p.at < len(p.s) && p.s[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *jsonParser) value(depth int) (jsonValue, bool) {
	p.space()
	if p.at == len(p.s) || depth > maxJSONDepth {
		return jsonValue{}, false
	}
	switch p.s[p.at] {
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		text, ok := p.string()
		return jsonValue{kind: jsonStringKind, text: text}, ok
	case 'n', 't', 'f':
		for _, word := range []string{"null", "true", "false"} {
			if strings.HasPrefix(p.s[p.at:], word) {
				p.at += len(word)
				return jsonValue{text: word}, true
			}
		}
		return jsonValue{}, false
	}
	return p.number()
}

func (p *jsonParser) array(depth int) (jsonValue, bool) {
	v := jsonValue{kind: jsonListKind}
	if p.at++; p.take(']') {
		return v, true
	}
	for {
		e, ok := p.value(depth + 1)
		if !ok {
			return v, false
		}
		v.list = append(v.list, e)
		if p.take(']') {
			return v, true
		}
		if !p.take(',') {
			return v, false
		}
	}
}

func (p *jsonParser) object(depth int) (jsonValue, bool) {
	v := jsonValue{kind: jsonObjectKind}
	members := map[string]jsonValue{}
	if p.at++; p.take('}') {
		return v, true
	}
	for {
		p.space()
		key, ok := p.string()
		if !ok || !p.take(':') {
			return v, false
		}
		if members[key], ok = p.value(depth + 1); !ok {
			return v, false
		}
		if p.take('}') {
			break
		}
		if !p.take(',') {
			return v, false
		}
	}
	for key := range members {
		v.keys = append(v.keys, key)
	}
	slices.Sort(v.keys)
	for _, key := range v.keys {
		v.list = append(v.list, members[key])
	}
	return v, true
}

// number reads -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
func (p *jsonParser) number() (jsonValue, bool) {
	start := p.at
	if p.s[p.at] == '-' {
		p.at++
	}
	whole := p.digits()
	ok := whole == 1 || whole > 1 && p.s[p.at-whole] != '0'
	if p.at < len(p.s) && p.s[p.at] == '.' {
		p.at++
		ok = p.digits() > 0 && ok
	}
	if p.at < len(p.s) && (p.s[p.at] == 'e' || p.s[p.at] == 'E') {
		p.at++
		if p.at < len(p.s) && (p.s[p.at] == '+' || p.s[p.at] == '-') {
			p.at++
		}
		ok = p.digits() > 0 && ok
	}
	return jsonValue{kind: jsonNumberKind, text: p.s[start:p.at]}, ok
}

func (p *jsonParser) digits() (n int) {
	for p.at < len(p.s) && p.s[p.at] >= '0' && p.s[p.at] <= '9' {
		p.at++
		n++
	}
	return n
}

// string reads and decodes a string.
func (p *jsonParser) string() (string, bool) {
	if p.at == len(p.s) || p.s[p.at] != '"' {
		return "", false
	}
	p.at++
	start := p.at
	for p.at < len(p.s) && p.s[p.at] != '"' && p.s[p.at] != '\\' && p.s[p.at] >= ' ' {
		p.at++
	}
	b := []byte(p.s[start:p.at])
	for p.at < len(p.s) {
		c := p.s[p.at]
		p.at++
		switch {
		case c == '"':
			return string(b), utf8.Valid(b) || hasSurrogate(string(b))
		case c < ' ':
			return "", false
		case c == '\\':
			var ok bool
			if b, ok = p.escape(b); !ok {
				return "", false
			}
		default:
			b = append(b, c)
		}
	}
	return "", false
}

func (p *jsonParser) escape(b []byte) ([]byte, bool) {
	if p.at == len(p.s) {
		return b, false
	}
	c := p.s[p.at]
	p.at++
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		return append(b, "\"\\/\b\f\n\r\t"[i]), true
	}
	if c != 'u' {
		return b, false
	}
	high, ok := p.hex4()
	if !ok || high < 0xD800 || high > 0xDFFF {
		return utf8.AppendRune(b, high), ok
	}
	if high < 0xDC00 && strings.HasPrefix(p.s[p.at:], `\u`) {
		before := p.at
		p.at += 2
		if low, ok := p.hex4(); ok && low >= 0xDC00 && low <= 0xDFFF {
			return utf8.AppendRune(b, (high-0xD800)<<10|(low-0xDC00)+0x10000), true
		}
		p.at = before
	}
	return append(b, 0xE0|byte(high>>12), 0x80|byte(high>>6&0x3F), 0x80|byte(high&0x3F)), true
}

func (p *jsonParser) hex4() (rune, bool) {
	if p.at+4 > len(p.s) {
		return 0, false
	}
	n, err := strconv.ParseUint(p.s[p.at:p.at+4], 16, 16)
	p.at += 4
	return rune(n), err == nil
}

// hasSurrogate finds half a surrogate pair, and nothing else that isn't UTF-8.
func hasSurrogate(s string) bool {
	found := false
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n <= 1 {
			if i+3 > len(s) || s[i] != 0xED || s[i+1]&0xE0 != 0xA0 || s[i+2]&0xC0 != 0x80 {
				return false
			}
			found, n = true, 3
		}
		i += n
	}
	return found
}

// depth is how deep arrays and objects nest: 1 for a scalar, as MySQL's JSON_DEPTH counts.
func (v *jsonValue) depth() int {
	deepest := 0
	for i := range v.list {
		deepest = max(deepest, v.list[i].depth())
	}
	return deepest + 1
}

// appendTo writes the document in its normal form: no white space, keys sorted, each number in one way.
func (v *jsonValue) appendTo(b []byte) []byte {
	switch v.kind {
	case jsonNumberKind:
		d, ok := parseDecimal(v.text)
		if !ok {
			return append(b, v.text...) // an exponent beyond all engines'
		}
		return append(b, d.normal()...)
	case jsonStringKind:
		return appendJSONString(b, v.text)
	case jsonListKind:
		b = append(b, '[')
		for i := range v.list {
			if i > 0 {
				b = append(b, ',')
			}
			b = v.list[i].appendTo(b)
		}
		return append(b, ']')
	case jsonObjectKind:
		b = append(b, '{')
		for i, key := range v.keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendJSONString(b, key), ':')
			b = v.list[i].appendTo(b)
		}
		return append(b, '}')
	}
	return append(b, v.text...)
}

// normal writes a number in one way that JSON reads, too: plain when that's short, else with an exponent.
func (d decimal) normal() string {
	if d.exp >= -20 && d.exp <= 40 {
		return d.plain(0)
	}
	sign := ""
	if d.negative {
		sign = "-"
	}
	return sign + d.digits + "e" + strconv.Itoa(d.exp-len(d.digits))
}

// appendJSONString escapes what must be escaped, and halves of surrogate pairs.
func appendJSONString(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, `\u00`...)
			b = append(b, digits[c>>4], digits[c&15])
		case c == 0xED && i+2 < len(s) && s[i+1]&0xE0 == 0xA0:
			b = append(b, `\ud`...)
			b = append(b, digits[s[i+1]&0x3F>>2], digits[(s[i+1]&3)<<2|s[i+2]>>4&3], digits[s[i+2]&15])
			i += 2
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
