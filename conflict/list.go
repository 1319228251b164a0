package conflict

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// list takes a value apart into elements and puts it together again.
type list interface {
	parse(text string) (elements []string, ok bool)
	format(elements []string) string
	// plain is an element's text without what the list's own form puts around it: the same in every engine.
	plain(element string) string
}

// separated is text whose elements a separator divides. Empty text has none.
type separated string

func (s separated) parse(text string) ([]string, bool) {
	if text == "" {
		return nil, true
	}
	return strings.Split(text, string(s)), true
}

func (s separated) format(elements []string) string { return strings.Join(elements, string(s)) }

func (separated) plain(element string) string { return element }

// arrayList is PostgreSQL's arrays of one dimension. Elements are kept as they're quoted, as the server always quotes
// the same element alike. (PostgreSQL: Array Input and Output Syntax)
type arrayList struct{}

func (arrayList) parse(text string) ([]string, bool) {
	inner, ok := strings.CutPrefix(text, "{")
	if !ok {
		return nil, false
	}
	if inner, ok = strings.CutSuffix(inner, "}"); !ok {
		return nil, false
	}
	if inner == "" {
		return nil, true
	}
	var elements []string
	quoted, start := false, 0
	for i := 0; i < len(inner); i++ {
		switch c := inner[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '}': // more dimensions
			return nil, false
		case c == ',':
			elements = append(elements, inner[start:i])
			start = i + 1
		}
	}
	return append(elements, inner[start:]), !quoted
}

func (arrayList) format(elements []string) string { return "{" + strings.Join(elements, ",") + "}" }

func (arrayList) plain(element string) string {
	inner, quoted := strings.CutPrefix(element, `"`)
	switch {
	case quoted:
		return unescape(strings.TrimSuffix(inner, `"`))
	case element == "NULL":
		return "null" // as JSON writes it
	}
	return element
}

// unescape takes the backslashes away that stand before characters.
func unescape(s string) string {
	if !strings.Contains(s, "\\") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// jsonList is JSON arrays. Elements are in a canonical form.
type jsonList struct{}

func (jsonList) parse(text string) ([]string, bool) {
	v, ok := parseJSON(text)
	array, isArray := v.([]any)
	if !ok || !isArray {
		return nil, false
	}
	elements := make([]string, len(array))
	for i := range array {
		elements[i] = formatJSON(array[i])
	}
	return elements, true
}

func (jsonList) format(elements []string) string { return "[" + strings.Join(elements, ", ") + "]" }

func (jsonList) plain(element string) string {
	if v, _ := parseJSON(element); v != nil {
		if text, ok := v.(string); ok {
			return text
		}
	}
	return element
}

// parseJSON keeps numbers exact, and gives those that are equal one spelling: engines write one number in several.
func parseJSON(text string) (v any, ok bool) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if d.Decode(&v) != nil || d.More() {
		return nil, false
	}
	return spellNumbers(v), true
}

// spellNumbers changes v in place.
func spellNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		return spellNumber(v)
	case []any:
		for i := range v {
			v[i] = spellNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = spellNumbers(v[k])
		}
	}
	return v
}

// spellNumber writes a number without an exponent and without zeros at its end.
func spellNumber(n json.Number) json.Number {
	const widest = 400 // more than doubles have; beyond it an exponent stays
	mantissa, exponent, _ := strings.Cut(strings.ToLower(string(n)), "e")
	d, ok := parseDecimal(mantissa)
	shift := 0
	if exponent != "" {
		var err error
		shift, err = strconv.Atoi(exponent)
		ok = ok && err == nil && max(shift, -shift) <= widest
	}
	if !ok {
		return n
	}
	if d.scale -= shift; d.scale < 0 {
		d = decimal{d.to(0), 0}
	}
	return json.Number(d.trimmed())
}

// formatJSON sorts the members of objects.
func formatJSON(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("conflict: what was parsed as JSON can't be written: " + err.Error())
	}
	return strings.TrimSuffix(b.String(), "\n")
}
