package mysql

import (
	"encoding/hex"
	"strconv"
	"strings"

	"bridge/change"
)

// tokenKind is what a token of SQL is.
type tokenKind uint8

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a keyword or an unquoted name
	tokenName             // `name` or "name"
	tokenString           // 'text', without its quotes, escapes as they are
	tokenOther            // one character, or a number
)

type token struct {
	kind tokenKind
	text string
}

// is reports whether the token is this keyword, in upper case.
func (t token) is(word string) bool {
	return t.kind == tokenWord && strings.EqualFold(t.text, word)
}

// scanner splits SQL into tokens, as far as it takes to tell statements apart. Comments are left out,
// but what executable comments (/*!80000 … */) hold is read: the server that wrote the log has run it.
type scanner struct {
	sql         string
	at          int
	noBackslash bool // sql_mode NO_BACKSLASH_ESCAPES
}

// next is the next token; tokenEnd after the last.
func (s *scanner) next() token {
	s.skip()
	if s.at >= len(s.sql) {
		return token{}
	}
	start := s.at
	switch ch := s.sql[s.at]; {
	case ch == '`' || ch == '"':
		return token{tokenName, s.quoted(ch)}
	case ch == '\'':
		return token{tokenString, s.quoted(ch)}
	case isWord(ch):
		for s.at < len(s.sql) && isWord(s.sql[s.at]) {
			s.at++
		}
		return token{tokenWord, s.sql[start:s.at]}
	}
	s.at++
	return token{tokenOther, s.sql[start:s.at]}
}

func isWord(ch byte) bool {
	return ch >= '0' && ch <= '9' || ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z' || ch == '_' || ch == '$' || ch >= 0x80
}

// quoted reads up to the closing quote, which stands for itself when it's doubled.
func (s *scanner) quoted(quote byte) string {
	var out strings.Builder
	for s.at++; s.at < len(s.sql); s.at++ {
		ch := s.sql[s.at]
		switch {
		case ch == '\\' && quote != '`' && !s.noBackslash && s.at+1 < len(s.sql):
			out.WriteByte(ch)
			s.at++
			out.WriteByte(s.sql[s.at])
		case ch != quote:
			out.WriteByte(ch)
		case s.at+1 < len(s.sql) && s.sql[s.at+1] == quote:
			out.WriteByte(ch)
			s.at++
		default:
			s.at++
			return out.String()
		}
	}
	return out.String()
}

// skip passes over white space and comments.
func (s *scanner) skip() {
	for s.at < len(s.sql) {
		rest := s.sql[s.at:]
		switch {
		case strings.IndexByte(" \t\r\n\f\v", rest[0]) >= 0:
			s.at++
		case rest[0] == '#', rest == "--", len(rest) > 2 && rest[:2] == "--" && rest[2] <= ' ':
			s.skipPast("\n")
		case strings.HasPrefix(rest, "/*!"), strings.HasPrefix(rest, "/*M!"):
			s.at += strings.IndexByte(rest, '!') + 1
			for s.at < len(s.sql) && s.sql[s.at] >= '0' && s.sql[s.at] <= '9' {
				s.at++
			}
		case strings.HasPrefix(rest, "*/"): // the end of such a comment
			s.at += 2
		case strings.HasPrefix(rest, "/*"):
			s.at += 2
			s.skipPast("*/")
		default:
			return
		}
	}
}

func (s *scanner) skipPast(mark string) {
	if i := strings.Index(s.sql[s.at:], mark); i >= 0 {
		s.at += i + len(mark)
		return
	}
	s.at = len(s.sql)
}

// effect is what a statement in the log means to bridge.
type effect uint8

const (
	effectUnknown  effect = iota // it may change rows
	effectNone                   // it changes no rows, or they come as rows: DDL, accounts, maintenance
	effectBegin                  // a transaction begins
	effectCommit                 // it ends
	effectRollback               // it ends, and what could be undone was undone
	effectSavepoint
	effectRollbackTo
	effectXAStart
	effectXAEnd
	effectXACommit
	effectXARollback
	effectTruncate
	effectMoves // rows of the tables named come or go, and the log doesn't tell which
)

// statement is a query event's text, understood as far as bridge needs.
type statement struct {
	effect effect
	word   string // the first keyword, for messages; of effectMoves what it does
	// table is whose rows are concerned, and with the table that they come from or go to, if any. Without a
	// schema it's in the default database.
	table, with change.TableName
	xid         string // of an XA statement, see xaID
}

// parseStatement finds out what a statement does. It knows the statements that the server logs as text
// while rows come as rows; whatever else it is, is unknown.
func parseStatement(sql string, noBackslash bool) statement {
	s := &scanner{sql: sql, noBackslash: noBackslash}
	first := s.next()
	out := statement{word: strings.ToUpper(first.text)}
	if first.kind != tokenWord {
		out.word = "a statement without a keyword"
		return out
	}
	switch out.word {
	case "ALTER":
		s.alter(&out)
	case "DROP", "RENAME", "GRANT", "REVOKE", "ANALYZE", "OPTIMIZE", "REPAIR", "FLUSH", "CHECK",
		"INSTALL", "UNINSTALL", "RESET", "CACHE", "IMPORT":
		out.effect = effectNone
	case "CREATE":
		out.effect = s.create()
	case "BEGIN", "START":
		out.effect = effectBegin
	case "COMMIT":
		out.effect = effectCommit
	case "ROLLBACK":
		out.effect = effectRollback
		for t := s.next(); t.kind != tokenEnd; t = s.next() {
			if t.is("TO") {
				out.effect = effectRollbackTo
			}
		}
	case "SAVEPOINT", "RELEASE":
		out.effect = effectSavepoint
	case "XA":
		s.xa(&out)
	case "TRUNCATE":
		s.truncate(&out)
	case "SET":
		s.set(&out)
	}
	return out
}

// create tells CREATE TABLE … SELECT, logged as a statement, from all other forms, which make no rows.
// Logged in row format it has lost its SELECT.
func (s *scanner) create() effect {
	tables, previous := 0, token{}
	for {
		t := s.next()
		switch {
		case t.kind == tokenEnd:
			return effectNone
		case tables == 0 && (t.is("VIEW") || t.is("PROCEDURE") || t.is("FUNCTION") || t.is("TRIGGER") || t.is("EVENT") ||
			t.is("USER") || t.is("DATABASE") || t.is("SCHEMA") || t.is("INDEX") || t.is("ROLE") || t.is("SERVER") ||
			t.is("SEQUENCE") || t.is("TABLESPACE") || t.is("LOGFILE") || t.is("UNDO") || t.is("SPATIAL") || t.is("PACKAGE") ||
			t.is("RESOURCE") || t.is("LIBRARY") || t.is("AGGREGATE")):
			return effectNone
		case t.is("TABLE"):
			if tables++; tables > 1 { // CREATE TABLE t TABLE s
				return effectUnknown
			}
		case t.is("SELECT"), previous.is("VALUES") && t.is("ROW"):
			return effectUnknown
		}
		previous = t
	}
}

// set knows the SETs that are logged: of passwords and roles. SET STATEMENT … FOR runs another statement.
func (s *scanner) set(out *statement) {
	switch t := s.next(); {
	case t.is("PASSWORD"), t.is("DEFAULT"), t.is("ROLE"):
		out.effect = effectNone
	case t.is("STATEMENT"):
		for t = s.next(); t.kind != tokenEnd && !t.is("FOR"); t = s.next() {
		}
		*out = parseStatement(s.sql[s.at:], s.noBackslash)
	}
}

func (s *scanner) truncate(out *statement) {
	t := s.next()
	if t.is("TABLE") {
		t = s.next()
	}
	if s.tableName(t, &out.table) {
		out.effect = effectTruncate
	}
}

// tableName reads a table's name, which begins with t.
func (s *scanner) tableName(t token, name *change.TableName) bool {
	if t.kind != tokenWord && t.kind != tokenName {
		return false
	}
	name.Name = t.text
	rest := s.at
	if t = s.next(); t.text != "." || t.kind != tokenOther {
		s.at = rest
		return true
	}
	t = s.next()
	name.Schema, name.Name = name.Name, t.text
	return t.kind == tokenWord || t.kind == tokenName
}

func (s *scanner) xa(out *statement) {
	verb := s.next()
	switch {
	case verb.is("START"), verb.is("BEGIN"):
		out.effect = effectXAStart
	case verb.is("END"):
		out.effect = effectXAEnd
	case verb.is("COMMIT"):
		out.effect = effectXACommit
	case verb.is("ROLLBACK"):
		out.effect = effectXARollback
	default:
		out.word += " " + strings.ToUpper(verb.text)
		return
	}
	var ok bool
	if out.xid, ok = s.xid(); !ok {
		out.effect = effectUnknown
	}
}

// xid reads X'global',X'branch',format.
func (s *scanner) xid() (string, bool) {
	var parts [2][]byte
	for i := range parts {
		if t := s.next(); !t.is("X") {
			return "", false
		}
		t := s.next()
		b, err := hex.DecodeString(t.text)
		if t.kind != tokenString || err != nil || s.next().text != "," {
			return "", false
		}
		parts[i] = b
	}
	format, err := strconv.ParseInt(s.next().text, 10, 64)
	return xaID(uint32(format), parts[0], parts[1]), err == nil
}

// xaID is an XA transaction's id as a map's key, and for messages.
func xaID(format uint32, global, branch []byte) string {
	return "X'" + hex.EncodeToString(global) + "',X'" + hex.EncodeToString(branch) + "'," + strconv.FormatUint(uint64(format), 10)
}
