package value

import (
	"strings"
)

// arrayValue is a PostgreSQL array or one of its elements.
type arrayValue struct {
	null bool
	text string       // an element
	list []arrayValue // of an array; nil for an element
}

// maxDimensions is PostgreSQL's MAXDIM.
const maxDimensions = 6

var (
	notArray     = malformed("it isn't an array")
	arrayBounds  = &unfit{reason: "arrays that don't begin at 1"}
	notFlat      = &unfit{reason: "arrays of more than one dimension, or with NULL in them"}
	noArray      = &unfit{reason: "JSON that isn't an array"}
	objectThere  = &unfit{reason: "JSON objects as elements"}
	otherElement = &unfit{reason: "elements that aren't of the array's type"}
	ragged       = &unfit{reason: "nested arrays of different lengths, or more than 6 deep, or empty"}
)

// parseArray reads array_out's text. Arrays with bounds of their own ("[0:1]={a,b}") are for PostgreSQL alone.
func parseArray(s string) (arrayValue, *unfit) {
	if strings.HasPrefix(s, "[") && strings.Contains(s, "]={") {
		return arrayValue{}, arrayBounds
	}
	v, rest, ok := parseDimension(s, 1)
	if !ok || rest != "" {
		return arrayValue{}, notArray
	}
	return v, nil
}

func parseDimension(s string, depth int) (v arrayValue, rest string, ok bool) {
	if s == "" || s[0] != '{' || depth > maxDimensions {
		return v, "", false
	}
	v.list = []arrayValue{}
	if s = s[1:]; strings.HasPrefix(s, "}") {
		return v, s[1:], depth == 1
	}
	for {
		var e arrayValue
		if strings.HasPrefix(s, "{") {
			e, s, ok = parseDimension(s, depth+1)
		} else {
			e, s, ok = parseElement(s)
		}
		if !ok || s == "" || len(v.list) > 0 && (e.list == nil) != (v.list[0].list == nil) {
			return v, "", false
		}
		v.list = append(v.list, e)
		if s[0] == '}' {
			return v, s[1:], true
		}
		if s[0] != ',' {
			return v, "", false
		}
		s = s[1:]
	}
}

// parseElement reads a quoted element, or a bare one, which ends before a comma or brace.
func parseElement(s string) (e arrayValue, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, `,{}"\`)
		if end <= 0 || s[end] != ',' && s[end] != '}' {
			return e, "", false
		}
		if s[:end] == "NULL" {
			return arrayValue{null: true}, s[end:], true
		}
		return arrayValue{text: s[:end]}, s[end:], true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return arrayValue{text: b.String()}, s[i+1:], true
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return e, "", false
}

// appendTo writes the array as array_out does.
func (v *arrayValue) appendTo(b []byte) []byte {
	switch {
	case v.null:
		return append(b, "NULL"...)
	case v.list == nil:
		return appendElement(b, v.text)
	}
	b = append(b, '{')
	for i := range v.list {
		if i > 0 {
			b = append(b, ',')
		}
		b = v.list[i].appendTo(b)
	}
	return append(b, '}')
}

func appendElement(b []byte, s string) []byte {
	if s != "" && !strings.ContainsAny(s, "{},\"\\ \t\n\r\v\f") && !strings.EqualFold(s, "NULL") {
		return append(b, s...)
	}
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

// rectangular reports whether all arrays at a depth have the same length, as PostgreSQL wants, and none but the
// whole is empty.
func (v *arrayValue) rectangular(depth int) bool {
	if v.list == nil {
		return true
	}
	if depth > maxDimensions || depth > 1 && len(v.list) == 0 {
		return false
	}
	for i := range v.list {
		if (v.list[i].list == nil) != (v.list[0].list == nil) || len(v.list[i].list) != len(v.list[0].list) || !v.list[i].rectangular(depth+1) {
			return false
		}
	}
	return true
}

// arrayToJSON writes an array as a JSON array. Integers and booleans are JSON's; every other element is a
// string of its text, for which no engine has a rounding.
func arrayToJSON(from, to Type) (route, error) {
	if from.Element == nil {
		return route{}, mismatch(from, to, "")
	}
	class := from.Element.Class
	return route{limits: []string{arrayBounds.reason}, convert: func(s string) (string, *unfit) {
		v, bad := parseArray(s)
		if bad != nil {
			return "", bad
		}
		return string(v.appendJSON(make([]byte, 0, len(s)+16), class)), nil
	}}, nil
}

func (v *arrayValue) appendJSON(b []byte, class Class) []byte {
	switch {
	case v.null:
		return append(b, "null"...)
	case v.list != nil:
		b = append(b, '[')
		for i := range v.list {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = v.list[i].appendJSON(b, class)
		}
		return append(b, ']')
	case class == Integer:
		return append(b, v.text...)
	case class == Boolean && v.text == "t":
		return append(b, "true"...)
	case class == Boolean:
		return append(b, "false"...)
	}
	return appendJSONString(b, v.text)
}

// jsonToArray takes a JSON array of scalars, nested at most as PostgreSQL's arrays are.
func jsonToArray(from, to Type) (route, error) {
	element, err := elementRoute(from, to)
	if err != nil {
		return route{}, err
	}
	return route{
		lossy: true, // [1, "1"] are two texts of one element
		limits: []string{noArray.reason, objectThere.reason, ragged.reason, jsonNUL.reason, jsonSurrogates.reason,
			otherElement.reason},
		convert: func(s string) (string, *unfit) {
			doc, ok := parseJSON(s)
			if !ok {
				return "", malformed("it isn't JSON")
			}
			return arrayOfJSON(&doc, element)
		}}, nil
}

func arrayOfJSON(doc *jsonValue, element converter) (string, *unfit) {
	if doc.kind != jsonListKind {
		return "", noArray
	}
	if bad := doc.check(jsonLimits{noNUL: true, decoded: true}); bad != nil {
		return "", bad
	}
	v, ok := doc.array()
	if !ok {
		return "", objectThere
	}
	if !v.rectangular(1) {
		return "", ragged
	}
	if !v.fits(element) {
		return "", otherElement
	}
	return string(v.appendTo(nil)), nil
}

// fits reports whether all elements are texts of a type.
func (v *arrayValue) fits(element converter) bool {
	if v.list == nil {
		if v.null || element == nil {
			return true
		}
		_, bad := element(v.text)
		return bad == nil
	}
	for i := range v.list {
		if !v.list[i].fits(element) {
			return false
		}
	}
	return true
}

// elementRoute is the way of a text into an array's element.
func elementRoute(from, to Type) (converter, error) {
	if to.Element == nil {
		return nil, mismatch(from, to, "")
	}
	r, err := findRoute(Type{Class: Text}, *to.Element, TextValue)
	return r.convert, err
}

func (v *jsonValue) array() (a arrayValue, ok bool) {
	switch v.kind {
	case jsonObjectKind:
		return a, false
	case jsonListKind:
		a.list = make([]arrayValue, len(v.list))
		for i := range v.list {
			if a.list[i], ok = v.list[i].array(); !ok {
				return a, false
			}
		}
		return a, true
	case jsonLiteralKind:
		if v.text == "null" {
			return arrayValue{null: true}, true
		}
		return arrayValue{text: v.text[:1]}, true // t, f
	}
	return arrayValue{text: v.text}, true
}

// textToArray takes an array in PostgreSQL's text, or a JSON array (MariaDB's JSON columns are text).
func textToArray(from, to Type) (route, error) {
	element, err := elementRoute(from, to)
	if err != nil {
		return route{}, err
	}
	other := &unfit{reason: "text that isn't an array"}
	limits := []string{other.reason, objectThere.reason, ragged.reason, jsonNUL.reason, jsonSurrogates.reason, otherElement.reason}
	return route{lossy: true, limits: limits, convert: func(s string) (string, *unfit) {
		if holdsNUL(from) && strings.IndexByte(s, 0) >= 0 {
			return "", other
		}
		if doc, ok := parseJSON(s); ok && strings.HasPrefix(s, "[") {
			return arrayOfJSON(&doc, element)
		}
		switch v, bad := parseArray(s); {
		case bad == notArray:
			return "", other
		case bad == nil && !v.fits(element):
			return "", otherElement
		}
		return s, nil
	}}, nil
}

// arrayToSet takes a flat array of text whose members are the set's.
func arrayToSet(from, to Type) (route, error) {
	if err := textElements(from, from, to); err != nil {
		return route{}, err
	}
	if to.Labels == nil {
		return route{}, mismatch(from, to, "its labels aren't known")
	}
	limits := []string{arrayBounds.reason, notFlat.reason, lacksMember.reason, disorder.reason}
	return route{limits: limits, convert: func(s string) (string, *unfit) {
		v, bad := parseArray(s)
		if bad != nil {
			return "", bad
		}
		members := make([]string, len(v.list))
		for i, e := range v.list {
			if e.null || e.list != nil {
				return "", notFlat
			}
			if members[i] = e.text; e.text == "" || strings.Contains(e.text, ",") {
				return "", lacksMember
			}
		}
		return orderMembers(strings.Join(members, ","), to.Labels)
	}}, nil
}

// setToArray gives a set's members in its order.
func setToArray(from, to Type) (route, error) {
	if err := textElements(to, from, to); err != nil {
		return route{}, err
	}
	return route{convert: func(s string) (string, *unfit) {
		v := arrayValue{list: []arrayValue{}}
		if s != "" {
			for member := range strings.SplitSeq(s, ",") {
				v.list = append(v.list, arrayValue{text: member})
			}
		}
		return string(v.appendTo(make([]byte, 0, len(s)+2))), nil
	}}, nil
}

// textElements refuses arrays of anything but text and enums.
func textElements(array, from, to Type) error {
	if e := array.Element; e == nil || e.Class != Text && e.Class != Enum && e.Class != Opaque {
		return mismatch(from, to, "a set's members are text")
	}
	return nil
}
