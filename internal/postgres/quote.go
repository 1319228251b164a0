package postgres

import (
	"strings"

	"bridge/change"
)

// Quote makes an identifier safe in SQL, whatever it holds. It always quotes, so a name never depends
// on the server's list of reserved words. A NUL can't be in a PostgreSQL name and is dropped.
func Quote(ident string) string {
	ident = strings.ReplaceAll(ident, "\x00", "")
	return `"` + strings.ReplaceAll(ident, `"`, `""`) + `"`
}

// QuoteTable is the qualified name of t in SQL.
func QuoteTable(t change.TableName) string { return Quote(t.Schema) + "." + Quote(t.Name) }

// Literal makes s a string constant in SQL, for the statements that take no parameters (DDL,
// replication commands). It's right whatever standard_conforming_strings says.
func Literal(s string) string {
	s = strings.ReplaceAll(s, "\x00", "")
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		return " E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// EqualsSQL is an expression over a row a of pg_attribute: the = by which the default B-tree operator class of the
// column's type compares, as OPERATOR(schema.=). Extensions' types have their own, outside search_path.
const EqualsSQL = equalsOpening + "a.atttypid" + equalsClosing

// BaseEqualsSQL is the same over a row base of pg_type, which isn't a domain: domains have no operators of their own.
const BaseEqualsSQL = equalsOpening + "base.oid" + equalsClosing

const (
	equalsOpening = `coalesce((SELECT 'OPERATOR(' || quote_ident(n.nspname) || '.=)'
  FROM pg_opclass o JOIN pg_amop m ON m.amopfamily = o.opcfamily AND m.amopstrategy = 3
       AND m.amoplefttype = o.opcintype AND m.amoprighttype = o.opcintype
       JOIN pg_operator p ON p.oid = m.amopopr JOIN pg_namespace n ON n.oid = p.oprnamespace
  WHERE o.opcmethod = (SELECT oid FROM pg_am WHERE amname = 'btree') AND o.opcdefault
        AND o.opcintype = `
	equalsClosing = ` LIMIT 1), 'OPERATOR(pg_catalog.=)')`
)
