package postgres

import (
	"fmt"
	"strings"

	"bridge/change"
)

// KeyTypesSQL finds the names that [change.Column] and [Normalizer] use, for type OIDs $1 (oid[]):
// rows of the OID, the type's own name, and its key type, which is "enum" for every enum, the
// innermost base type for a domain, and otherwise the name again. It needs search_path = pg_catalog,
// as [Session] sets it, or names of other schemas come out unqualified.
const KeyTypesSQL = `
WITH RECURSIVE base(asked, oid) AS (
  SELECT oid, oid FROM pg_catalog.pg_type WHERE oid = ANY ($1::pg_catalog.oid[])
  UNION ALL
  SELECT base.asked, t.typbasetype FROM base JOIN pg_catalog.pg_type t USING (oid) WHERE t.typtype = 'd'
)
SELECT base.asked, pg_catalog.format_type(base.asked, -1),
       CASE t.typtype WHEN 'e' THEN 'enum' ELSE pg_catalog.format_type(t.oid, -1) END
FROM base JOIN pg_catalog.pg_type t USING (oid)
WHERE t.typtype <> 'd'
ORDER BY base.asked`

// canonical are the types whose text, under bridge's session settings, is the same for equal values
// and different for unequal ones. Text types are so under deterministic collations only, which
// "bridge check" looks at.
var canonical = map[string]bool{
	"smallint": true, "integer": true, "bigint": true, "oid": true, "xid8": true, "pg_lsn": true,
	"boolean": true, "uuid": true, "bytea": true, "enum": true,
	"text": true, "character varying": true, "name": true, `"char"`: true,
	"date":                        true,
	"time without time zone":      true,
	"time with time zone":         true, // equal only when the zone is equal, too
	"timestamp without time zone": true,
	"timestamp with time zone":    true, // in UTC
	"inet":                        true, "cidr": true, "macaddr": true, "macaddr8": true,
	`"bit"`: true, "bit": true, "bit varying": true,
}

// unsafe says why a type of a btree key can't be bridge's key.
var unsafe = map[string]string{
	"interval": "equal values have different texts ('1 day' and '24:00:00')",
	"jsonb":    "equal values have different texts (1.0 and 1.00)",
	"money":    "its text depends on the server's lc_monetary",
	"tsvector": "it's a search document, not a name",
	"tsquery":  "it's a search expression, not a name",
	"record":   "equal values have different texts",
	"tid":      "it's a place in this server's files",
}

// Normalizer returns what makes the text of equal key values equal, for a type named as [KeyTypesSQL]
// names key types; nil when the text is canonical as it is. A type that can't be a key safely is an
// error that says why. Equality is the type's default btree operator class's.
func Normalizer(typeName string) (change.Normalize, error) {
	switch {
	case canonical[typeName]:
		return nil, nil
	case typeName == "numeric":
		return normalizeNumeric, nil
	case typeName == "real", typeName == "double precision":
		return normalizeFloat, nil
	case typeName == "bpchar", typeName == "character":
		return normalizePadded, nil
	case IsCitext(typeName):
		return strings.ToLower, nil
	}
	return nil, fmt.Errorf("type %s can't be a key: %s", typeName, whyUnsafe(typeName))
}

func whyUnsafe(typeName string) string {
	switch why := unsafe[typeName]; {
	case why != "":
		return why
	case strings.HasSuffix(typeName, "[]"):
		return "equal arrays can have different texts"
	case strings.HasSuffix(typeName, "range"):
		return "equal ranges can have different texts"
	case strings.HasPrefix(typeName, "reg"):
		return "its text depends on this server's catalog"
	case strings.Contains(typeName, "."):
		return "bridge doesn't know when two values of this type are equal"
	}
	return "bridge doesn't know the type"
}

// IsCitext tells the citext extension's type in whatever schema the extension was installed.
func IsCitext(typeName string) bool {
	_, name, qualified := strings.Cut(typeName, ".")
	return name == "citext" || !qualified && typeName == "citext"
}

// normalizeNumeric takes zeros away that don't count: "1.00" and "1" are one numeric, "-0.0" is "0".
// PostgreSQL prints no exponents; NaN and infinities are one text each.
func normalizeNumeric(s string) string {
	digits, negative := strings.CutPrefix(s, "-")
	if digits == "" || digits[0] > '9' { // NaN, Infinity
		return s
	}
	digits = strings.TrimLeft(digits, "+0")
	if strings.Contains(digits, ".") {
		digits = strings.TrimRight(digits, "0")
		digits = strings.TrimSuffix(digits, ".")
	}
	if digits == "" {
		return "0"
	}
	if digits[0] == '.' {
		digits = "0" + digits
	}
	if negative {
		return "-" + digits
	}
	return digits
}

// normalizeFloat makes one of the two zeros. All NaNs are equal in PostgreSQL, and print alike.
func normalizeFloat(s string) string {
	if s == "-0" {
		return "0"
	}
	return s
}

// normalizePadded drops the blanks that character(n) is padded with and compares without.
func normalizePadded(s string) string { return strings.TrimRight(s, " ") }
