package mysql

import (
	"encoding/hex"
	"strings"

	"bridge/change"
)

// Quote makes an identifier safe in SQL, whatever it holds. It always quotes, so a name never depends
// on the server's list of reserved words. A NUL can't be in a name and is dropped.
func Quote(ident string) string {
	ident = strings.ReplaceAll(ident, "\x00", "")
	return "`" + strings.ReplaceAll(ident, "`", "``") + "`"
}

// QuoteTable is the qualified name of t in SQL.
func QuoteTable(t change.TableName) string { return Quote(t.Schema) + "." + Quote(t.Name) }

// Literal makes s a string constant in SQL, in the session's character set, utf8mb4. s must be UTF-8: the
// server refuses other bytes.
func Literal(s string) string { return string(AppendLiteral(nil, s)) }

// AppendLiteral appends what [Literal] returns. It's safe in a [Conn]'s session only: with another
// sql_mode (NO_BACKSLASH_ESCAPES) or a character set whose characters may end in a backslash's byte
// (sjis, gbk) it wouldn't be.
func AppendLiteral(b []byte, s string) []byte {
	b = append(b, '\'')
	b = AppendEscaped(b, s)
	return append(b, '\'')
}

// AppendEscaped appends what [AppendLiteral] puts between its quotes: literals can be made of several texts.
func AppendEscaped(b []byte, s string) []byte {
	for {
		i := strings.IndexAny(s, "'\\\x00")
		if i < 0 {
			break
		}
		b = append(b, s[:i]...)
		switch s[i] {
		case 0:
			b = append(b, `\0`...)
		default:
			b = append(b, '\\', s[i])
		}
		s = s[i+1:]
	}
	return append(b, s...)
}

// HexLiteral makes bytes a binary string constant in SQL.
func HexLiteral(s []byte) string { return string(AppendHexLiteral(nil, s)) }

// AppendHexLiteral appends what [HexLiteral] returns.
func AppendHexLiteral(b []byte, s []byte) []byte {
	b = append(b, "x'"...)
	b = hex.AppendEncode(b, s)
	return append(b, '\'')
}
