package value

import (
	"fmt"
	"strconv"
	"strings"
)

// Declared is the type of a column as the engine's catalog declares it: format_type's text on PostgreSQL
// ("character varying(10)", "numeric(10,2)[]"), COLUMN_TYPE on MySQL and MariaDB ("int unsigned",
// "enum('a','b')"), with " collate " and the collation behind it where that matters. A name that's nobody's is an error on MySQL and [Opaque] on PostgreSQL, where users
// define types. A domain must be given as its base type.
func Declared(engine Engine, declaration string) (Type, error) {
	plain, collation := cutCollation(engine, declaration)
	t, args, err := parse(engine, plain)
	if err != nil {
		return Type{}, err
	}
	if collation != "" {
		t.Collation = collation
		t.Charset, _, _ = strings.Cut(collation, "_")
	}
	t.Declared = true
	if t.Element != nil {
		t.Element.Declared = true
	}
	modify := &t
	if t.Element != nil {
		modify = t.Element
	}
	if err := modify.apply(args); err != nil {
		return Type{}, fmt.Errorf("type %q of %s: %w", declaration, engine, err)
	}
	return t, nil
}

// cutCollation takes the collation off, of MySQL's and MariaDB's types.
func cutCollation(engine Engine, declaration string) (plain, collation string) {
	const word = " collate "
	at := strings.LastIndex(declaration, word)
	if at < 0 || !engine.kindred(MySQL) || strings.ContainsAny(declaration[at:], "'\")") { // a label's word
		return declaration, ""
	}
	return declaration[:at], declaration[at+len(word):]
}

// OnWire is the type that a record names: the base name without modifiers, as [change.Column] has it.
func OnWire(engine Engine, name string) (Type, error) {
	t, args, err := parse(engine, name)
	if err == nil && args != nil {
		err = fmt.Errorf("type %q: a record names types without modifiers", name)
	}
	return t, err
}

// parse finds the type of a declaration, as wide as its name allows, and the arguments in its parentheses.
func parse(engine Engine, declaration string) (Type, []string, error) {
	switch engine {
	case Postgres, MySQL, MariaDB, "":
	default:
		return Type{}, nil, fmt.Errorf("bridge doesn't know the engine %q", string(engine))
	}
	if engine == Postgres || engine == "" {
		if element, ok := strings.CutSuffix(declaration, "[]"); ok {
			t, args, err := parse(engine, element)
			if err == nil && t.Class == Array {
				err = fmt.Errorf("type %q: an array of arrays", declaration)
			}
			return Type{Engine: Postgres, Name: t.Name + "[]", Class: Array, Element: &t}, args, err
		}
	}
	name, args, err := splitDeclaration(declaration)
	if err != nil {
		return Type{}, nil, err
	}
	if alias, ok := aliases[name]; ok && (engine == Postgres || alias.only) {
		engine, name = Postgres, alias.name
	}
	t, known := lookUp(engine, name)
	if !known && (engine != Postgres && engine != "" || name == "") {
		return Type{}, nil, fmt.Errorf("bridge doesn't know the type %q of %s", declaration, engine)
	}
	if !known {
		t = Type{Engine: Postgres, Class: Opaque}
	}
	t.Name = name
	return t, args, nil
}

// aliases are second names that format_type gives a type, depending on whether it has a modifier.
var aliases = map[string]struct {
	name string
	only bool // nobody else calls a type so
}{
	`"bit"`:     {"bit", true},
	"character": {"bpchar", true},
}

// lookUp finds a type without modifiers. Of an engine that isn't known, a name that both have is a type of
// neither.
func lookUp(engine Engine, name string) (Type, bool) {
	ours, inPostgres := postgresTypes[name]
	ours.Engine = Postgres
	theirs, inMySQL := mysqlTypes[name]
	if only := mariadbOnly[name]; engine == MariaDB || only {
		theirs.Engine = MariaDB
		inMySQL = inMySQL && engine != MySQL
	} else {
		theirs.Engine = MySQL
	}
	switch {
	case engine == Postgres:
		return ours, inPostgres
	case engine != "":
		return theirs, inMySQL
	case inPostgres && inMySQL:
		theirs.Engine = ""
		if ours.Class == theirs.Class {
			theirs.Length, theirs.MaxBytes, theirs.Precision = ours.Length, ours.MaxBytes, ours.Precision // the wider
		}
		return theirs, true
	case inPostgres:
		return ours, true
	}
	return theirs, inMySQL
}

// splitDeclaration takes "time(3) without time zone" apart: its base name and its arguments. What MySQL
// says besides (zerofill, comments such as MariaDB's) is left out; quoted names of users' types stay whole.
func splitDeclaration(s string) (name string, args []string, err error) {
	if at := strings.Index(s, " /*"); at >= 0 && strings.HasSuffix(s, "*/") {
		s = s[:at]
	}
	open := -1
	if !strings.HasSuffix(s, `"`) {
		open = strings.IndexByte(s[strings.LastIndexByte(s, '"')+1:], '(')
		if strings.HasPrefix(s, "enum(") || strings.HasPrefix(s, "set(") { // a label may have quotation marks
			open = strings.IndexByte(s, '(')
		} else if open >= 0 {
			open += strings.LastIndexByte(s, '"') + 1
		}
	}
	if open < 0 {
		return cutZerofill(s), nil, nil
	}
	args, rest, ok := splitArguments(s[open+1:])
	if !ok || strings.ContainsAny(rest, "()") {
		return "", nil, fmt.Errorf("type %q: its parentheses can't be read", s)
	}
	return cutZerofill(s[:open] + rest), args, nil
}

func cutZerofill(s string) string { return strings.TrimSuffix(s, " zerofill") }

// splitArguments reads numbers or quoted labels up to the closing parenthesis. In a label, a quotation mark
// is doubled.
func splitArguments(s string) (args []string, rest string, ok bool) {
	for {
		var arg string
		if strings.HasPrefix(s, "'") {
			if arg, s, ok = cutQuoted(s[1:]); !ok {
				return nil, "", false
			}
		} else {
			end := strings.IndexAny(s, ",)")
			if end < 0 {
				return nil, "", false
			}
			arg, s = s[:end], s[end:]
		}
		args = append(args, arg)
		switch {
		case strings.HasPrefix(s, ","):
			s = s[1:]
		case strings.HasPrefix(s, ")"):
			return args, s[1:], true
		default:
			return nil, "", false
		}
	}
}

// cutQuoted reads a label after its first quotation mark.
func cutQuoted(s string) (label, rest string, ok bool) {
	var b strings.Builder
	for {
		end := strings.IndexByte(s, '\'')
		if end < 0 {
			return "", "", false
		}
		b.WriteString(s[:end])
		s = s[end+1:]
		if !strings.HasPrefix(s, "'") {
			return b.String(), s, true
		}
		b.WriteByte('\'')
		s = s[1:]
	}
}

// apply puts a declaration's arguments in their places; without any, the engine's defaults.
func (t *Type) apply(args []string) error {
	if t.Class == Enum || t.Class == Set {
		t.Labels = args
		return nil
	}
	n := make([]int, len(args))
	for i, a := range args {
		var err error
		if n[i], err = strconv.Atoi(strings.TrimSpace(a)); err != nil && t.Class != Opaque {
			return fmt.Errorf("the modifier %q isn't a number", a)
		}
	}
	arg := func(i, otherwise int) int {
		if i < len(n) {
			return n[i]
		}
		return otherwise
	}
	switch {
	case t.timed():
		t.Fraction = arg(0, t.widestFraction())
		if t.Fraction < 0 || t.Fraction > 6 {
			return fmt.Errorf("%d digits of a second", t.Fraction)
		}
	case t.Class == Decimal && t.Engine == Postgres:
		t.Precision, t.Scale = arg(0, 0), arg(1, 0)
	case t.Class == Decimal:
		t.Precision, t.Scale = arg(0, 10), arg(1, 0)
	case t.Class == Float && len(n) == 2:
		t.Precision, t.Scale = n[0], n[1]
	case t.Fixed && len(n) == 0 && t.Name != "bpchar":
		t.Length = 1 // bit, char, binary
	case t.Class == Text || t.Class == Binary || t.Class == BitString || t.Class == Vector:
		t.Length = arg(0, t.Length)
	}
	return nil
}
