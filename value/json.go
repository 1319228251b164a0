package value

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// jsonLimits are what a JSON column can't hold, beyond what its text says.
type jsonLimits struct {
	depth   int  // how deep it may nest; zero: no matter
	doubles bool // numbers that aren't 64-bit integers become doubles (MySQL)
	decoded bool // strings are stored decoded, so surrogates must come in pairs
	noNUL   bool // U+0000 can't be in a string (jsonb)
}

// The depths that MySQL and MariaDB take (JSON_DOCUMENT_MAX_DEPTH, JSON_DEPTH_LIMIT).
const (
	mysqlJSONDepth   = 100
	mariadbJSONDepth = 32
)

func jsonLimitsOf(t Type) jsonLimits {
	switch {
	case t.Engine == MariaDB || t.Engine == MySQL && t.Name != "json":
		return jsonLimits{depth: mariadbJSONDepth}
	case t.Engine == MySQL:
		return jsonLimits{depth: mysqlJSONDepth, doubles: true, decoded: true}
	case t.Name == "jsonb":
		return jsonLimits{noNUL: true, decoded: true}
	}
	return jsonLimits{}
}

var (
	notJSON        = &unfit{reason: "text that isn't JSON"}
	jsonNUL        = &unfit{reason: `the character U+0000 in a string (\u0000)`}
	jsonSurrogates = &unfit{reason: "half of a surrogate pair in a string"}
	jsonNumber     = &unfit{reason: "numbers that neither 64-bit integers nor doubles hold exactly"}
)

// toJSON carries documents. Their meaning is what's carried: the order of keys, white space and the zeros at the
// end of a number are the storing engine's.
func toJSON(from, to Type) (route, error) {
	limits := jsonLimitsOf(to)
	has := Type{}
	if from.Class == JSON {
		has = from
	}
	had := jsonLimitsOf(has)
	r := route{lossy: from.Class == Text}
	deep := &unfit{reason: fmt.Sprintf("nested more than %d deep", limits.depth)}
	if from.Class == Text {
		r.limits = append(r.limits, notJSON.reason)
	}
	if limits.depth > 0 && (had.depth == 0 || had.depth > limits.depth) {
		r.limits = append(r.limits, deep.reason)
	}
	if limits.doubles && !had.doubles {
		r.limits = append(r.limits, jsonNumber.reason)
	}
	if limits.noNUL && !had.noNUL {
		r.limits = append(r.limits, jsonNUL.reason)
	}
	if limits.decoded && !had.decoded {
		r.limits = append(r.limits, jsonSurrogates.reason)
	}
	if len(r.limits) == 0 {
		return r, nil
	}
	exactSource := had.decoded // what such a type prints is well-formed
	r.convert = func(s string) (string, *unfit) {
		if exactSource && !limits.doubles && limits.depth == 0 && !strings.Contains(s, `\u0000`) {
			return s, nil
		}
		doc, ok := parseJSON(s)
		if !ok && from.Class == JSON {
			return "", malformed("it isn't JSON")
		}
		if !ok {
			return "", notJSON
		}
		if limits.depth > 0 && doc.depth() > limits.depth {
			return "", deep
		}
		return s, doc.check(limits)
	}
	return r, nil
}

// check finds what limits don't allow in a document or below.
func (v *jsonValue) check(limits jsonLimits) *unfit {
	switch v.kind {
	case jsonNumberKind:
		if limits.doubles && !exactInMySQL(v.text) {
			return jsonNumber
		}
	case jsonStringKind:
		return limits.checkString(v.text)
	}
	for i := range v.list {
		if bad := v.list[i].check(limits); bad != nil {
			return bad
		}
	}
	for _, key := range v.keys {
		if bad := limits.checkString(key); bad != nil {
			return bad
		}
	}
	return nil
}

func (limits jsonLimits) checkString(s string) *unfit {
	if limits.noNUL && strings.IndexByte(s, 0) >= 0 {
		return jsonNUL
	}
	if limits.decoded && hasSurrogate(s) {
		return jsonSurrogates
	}
	return nil
}

// exactInMySQL reports whether a JSON number keeps its value there.
func exactInMySQL(s string) bool {
	if !strings.ContainsAny(s, ".eE") {
		if _, err := strconv.ParseInt(s, 10, 64); err == nil {
			return true
		}
		if _, err := strconv.ParseUint(s, 10, 64); err == nil {
			return true
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) {
		return false
	}
	given, ok := parseDecimal(s)
	stored, _ := parseDecimal(strconv.FormatFloat(f, 'e', -1, 64))
	return ok && stored == given
}
