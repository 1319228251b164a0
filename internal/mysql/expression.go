package mysql

import "strings"

// expression is one of the catalog's, as it's written. MySQL's catalog has quotes and backslashes of it escaped.
func expression(catalogs string, flavor Flavor) string {
	if flavor != MySQL || !strings.Contains(catalogs, `\`) {
		return catalogs
	}
	var b strings.Builder
	for i := 0; i < len(catalogs); i++ {
		c := catalogs[i]
		if c == '\\' && i+1 < len(catalogs) {
			i++
			if c = catalogs[i]; strings.IndexByte("0nr", c) >= 0 {
				c = map[byte]byte{'0': 0, 'n': '\n', 'r': '\r'}[c]
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}

// namesIn are the quoted names in an expression, as the server prints it: those of columns, for it quotes no others.
func namesIn(expression string) (names []string) {
	for i := 0; i < len(expression); i++ {
		switch quote := expression[i]; quote {
		case '\'', '"', '`':
			var text string
			if text, i = quoted(expression, i); quote == '`' {
				names = append(names, text)
			}
		}
	}
	return names
}

// quoted is what's quoted from i on, and the place of the closing quote. A doubled quote is one, and, but for names, a backslash goes before any character.
func quoted(s string, i int) (text string, end int) {
	quote := s[i]
	var b strings.Builder
	for i++; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quote != '`' && i+1 < len(s):
			i++
		case c == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case c == quote:
			return b.String(), i
		}
		b.WriteByte(s[i])
	}
	return b.String(), i
}
