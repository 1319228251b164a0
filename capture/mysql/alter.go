package mysql

import "bridge/change"

// movesRows says which two words in an ALTER TABLE change what rows the table has, and not its shape.
func movesRows(first, second token) bool {
	switch {
	case first.is("TRUNCATE"), first.is("EXCHANGE"):
		return second.is("PARTITION")
	case first.is("IMPORT"), first.is("DISCARD"):
		return second.is("PARTITION") || second.is("TABLESPACE")
	case first.is("CONVERT"): // MariaDB: PARTITION p TO TABLE t, TABLE t TO PARTITION p
		return second.is("PARTITION") || second.is("TABLE")
	}
	return false
}

// alter tells the forms of ALTER TABLE that move rows from all others. The others change a table's shape: made in
// every region, as all schema changes are, they take the same rows along everywhere.
func (s *scanner) alter(out *statement) {
	out.effect = effectNone
	t := s.next()
	for t.is("ONLINE") || t.is("IGNORE") {
		t = s.next()
	}
	if !t.is("TABLE") {
		return
	}
	if t = s.next(); t.is("IF") { // EXISTS
		s.next()
		t = s.next()
	}
	var table change.TableName
	if !s.tableName(t, &table) {
		out.effect = effectUnknown
		return
	}
	for t = s.next(); t.kind != tokenEnd; {
		second := s.next()
		if movesRows(t, second) && !s.peek().is("BY") { // a column named truncate may come before PARTITION BY
			out.effect, out.table = effectMoves, table
			out.word = "ALTER TABLE … " + t.text + " " + second.text
			s.otherTable(second, &out.with)
			return
		}
		t = second
	}
}

// otherTable reads the name behind the next word TABLE, which t may be, if there is one.
func (s *scanner) otherTable(t token, name *change.TableName) {
	for ; t.kind != tokenEnd; t = s.next() {
		if t.is("TABLE") {
			s.tableName(s.next(), name)
			return
		}
	}
}

// peek is the next token, which stays.
func (s *scanner) peek() token {
	at := s.at
	t := s.next()
	s.at = at
	return t
}
