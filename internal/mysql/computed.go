package mysql

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"bridge/change"
)

// Computed is a unique key that isn't one of whole columns which are assigned: it's of a column's first characters, of an expression,
// or of a generated column. What a row takes of it is the server's to compute.
type Computed struct {
	// Reads are the assigned columns that it's computed from, in the table's order.
	Reads []*Column
	// Parts are what rows are compared by.
	Parts []KeyPart

	table     *Table
	texts     []*Text   // of Reads
	generated []*Column // that are computed on the way, each after those that it reads
}

// KeyPart is a part of a [Computed] key.
type KeyPart struct {
	// Column says as what the server keeps the part's values.
	Column
	// SQL is the part in a query of the table.
	SQL string
	// Text reads and writes its values.
	Text *Text

	column     string // that it's of, if it's of one
	definition string
}

// Computed says how the server computes what rows take of a unique key of the table; nil if it's one of whole columns that are assigned. untold says why
// bridge can't have it computed, as it reads behind the key's name; it's empty where it can.
func (t *Table) Computed(flavor Flavor, i *Index) (c *Computed, untold string) {
	if !t.isComputed(i) {
		return nil, ""
	}
	c = &Computed{table: t}
	for n := range i.Columns {
		if untold := c.addPart(flavor, i, n); untold != "" {
			return c, untold
		}
	}
	slices.SortFunc(c.Reads, func(a, b *Column) int { return t.place(a) - t.place(b) })
	for _, column := range c.Reads {
		text, err := NewText(flavor, column)
		if err != nil {
			return c, "reads a column of a type that bridge doesn't know: " + err.Error()
		}
		c.texts = append(c.texts, text)
	}
	if len(c.Reads) == 0 {
		return c, "is of no column: the table takes one row"
	}
	return c, ""
}

func (t *Table) isComputed(i *Index) bool {
	return i.Prefix || slices.ContainsFunc(i.Columns, func(name string) bool {
		column := t.Column(name)
		return column != nil && column.Generated
	})
}

// place is where the table has the column.
func (t *Table) place(c *Column) int {
	return slices.IndexFunc(t.Columns, func(d Column) bool { return d.Name == c.Name })
}

// addPart adds part n of the index.
func (c *Computed) addPart(flavor Flavor, i *Index, n int) (untold string) {
	var part KeyPart
	of := &i.parts[n]
	column := c.table.Column(i.Columns[n])
	switch {
	case column != nil:
		part = KeyPart{Column: *column, SQL: Quote(column.Name), column: column.Name}
		part.definition = part.SQL
		if column.Generated {
			part.definition = column.Expression
		}
		if of.length > 0 {
			part.SQL, part.definition = prefix(part.SQL, of.length), prefix(part.definition, of.length)
		}
		untold = c.need(column)
	case of.expression == "" || of.stored == nil:
		return "is of an expression that the server doesn't tell"
	case strings.HasSuffix(of.stored.Full, " array"):
		return "is of an array, of which a row has several values"
	default:
		part = KeyPart{Column: *of.stored, SQL: "(" + of.expression + ")", definition: of.expression}
		untold = c.needAll(of.expression)
	}
	part.Name = partName(n)
	var err error
	if part.Text, err = NewText(flavor, &part.Column); err != nil && untold == "" {
		untold = "is of a type that bridge doesn't know: " + err.Error()
	}
	c.Parts = append(c.Parts, part)
	return untold
}

func prefix(sql string, length uint64) string { return fmt.Sprintf("LEFT(%s, %d)", sql, length) }

// Names in queries. They mustn't be a column's: the table's expressions aren't qualified.
func partName(n int) string { return fmt.Sprintf("bridge's %d", n) }

const stepName = "`bridge's step`"

// need notes that the key reads a column.
func (c *Computed) need(column *Column) (untold string) {
	switch {
	case slices.Contains(c.Reads, column) || slices.Contains(c.generated, column):
		return ""
	case !column.Generated:
		c.Reads = append(c.Reads, column)
		return ""
	case column.Expression == "":
		return fmt.Sprintf("reads a generated column, %q, whose expression the server doesn't tell", column.Name)
	}
	untold = c.needAll(column.Expression)
	c.generated = append(c.generated, column)
	return untold
}

func (c *Computed) needAll(expression string) (untold string) {
	for _, name := range namesIn(expression) {
		column := c.table.Column(name)
		if column == nil {
			return fmt.Sprintf("reads %q, which is no column of the table", name)
		}
		if untold := c.need(column); untold != "" {
			return untold
		}
	}
	return ""
}

// Query is a query of one row at most: the values of Parts, as [Computed.Read] takes them, of a row that has these values in Reads. A value that a
// column doesn't take is the error that it would be in a row.
//
// The row is made where columns have the table's own types: what a recursive query's first part selects makes the columns of all. Each step computes
// another generated column.
func (c *Computed) Query(values []change.Value) (string, error) {
	given := make([]string, len(values))
	for n, v := range values {
		given[n] = "NULL"
		if text, ok := v.Text(); ok {
			var err error
			if given[n], err = c.texts[n].Constant(text); err != nil {
				return "", err
			}
		}
	}
	columns := slices.Concat(c.Reads, c.generated)
	names, typed := make([]string, len(columns)), make([]string, len(columns))
	for n, column := range columns {
		names[n] = Quote(column.Name)
		typed[n] = "t." + names[n]
	}
	var sql strings.Builder
	step := 0
	add := func(values []string) {
		step++
		fmt.Fprintf(&sql, " UNION ALL SELECT %d, %s FROM image WHERE %s = %d", step, strings.Join(values, ", "), stepName, step-1)
	}
	fmt.Fprintf(&sql, "WITH RECURSIVE image AS (SELECT 0 AS %s, %s FROM (SELECT 1) AS one LEFT JOIN %s AS t ON false",
		stepName, strings.Join(typed, ", "), QuoteTable(c.table.TableName))
	row := slices.Concat(given, slices.Repeat([]string{"NULL"}, len(c.generated)))
	add(row)
	for n := range c.generated {
		row = slices.Clone(names)
		row[len(c.Reads)+n] = "(" + c.generated[n].Expression + ")"
		add(row)
	}
	var list, parts []string
	for n := range c.Parts {
		list = append(list, c.Parts[n].Text.Expression())
		parts = append(parts, c.Parts[n].SQL+" AS "+Quote(partName(n)))
	}
	fmt.Fprintf(&sql, ") SELECT %s FROM (SELECT %s FROM image WHERE %s = %d) AS part", strings.Join(list, ", "), strings.Join(parts, ", "), stepName, step)
	return sql.String(), nil
}

// Read is the texts of Query's row, in the forms that capture gives values. ok is false where one is NULL: then a row takes nothing of the key.
func (c *Computed) Read(row change.Image) (texts []string, ok bool, err error) {
	texts = make([]string, len(row))
	for n, v := range row {
		text, has := v.Text()
		if !has {
			return nil, false, nil
		}
		if texts[n], err = c.Parts[n].Text.Of(text); err != nil {
			return nil, false, err
		}
	}
	return texts, true, nil
}

// Constant is SQL for a value of the part, to compare it with.
func (p *KeyPart) Constant(text string) (string, error) {
	sql, err := p.Text.Constant(text)
	if err != nil || !p.IsText() {
		return sql, err
	}
	if p.Charset != "utf8mb4" {
		sql = "CONVERT(" + sql + " USING " + Quote(p.Charset) + ")"
	}
	return sql + " COLLATE " + Quote(p.Collation), nil
}

// IsText reports whether the column's values are equal as its collation says, of their whole texts.
func (c *Column) IsText() bool {
	return c.Collation != "" && c.Charset != "binary" && len(c.Labels) == 0
}

// Definition is the key as its parts are written, for people; generated columns are as they're computed.
func (c *Computed) Definition() string {
	var parts []string
	of := map[string]bool{}
	for n := range c.Parts {
		parts = append(parts, c.Parts[n].definition)
		of[c.Parts[n].column] = true
	}
	text := strings.Join(parts, ", ")
	for _, column := range c.generated {
		if !of[column.Name] {
			text += fmt.Sprintf(", where %s is %s", Quote(column.Name), column.Expression)
		}
	}
	return plainName.ReplaceAllString(text, "$1")
}

// plainName is a name that needs no quotes.
var plainName = regexp.MustCompile("`([a-z_][a-z0-9_]*)`")

// storedParts finds as what the server keeps the values of expressions, in columns of its own, which only this statement shows.
func (l *loader) storedParts(ctx context.Context, t *Table) error {
	if !slices.ContainsFunc(t.Indexes, func(i Index) bool { return slices.Contains(i.Columns, "") }) {
		return nil
	}
	hidden := map[string]*Column{}
	err := l.conn.Query(ctx, "SHOW EXTENDED FULL COLUMNS FROM "+QuoteTable(t.TableName), func(row change.Image) error {
		var f [3]string
		for n := range f {
			f[n], _ = row[n].Text()
		}
		if strings.HasPrefix(f[0], hiddenMark) {
			c := newHidden(f[1], f[2])
			hidden[f[0]] = &c
		}
		return nil
	})
	if err != nil {
		return err
	}
	for n := range t.Indexes {
		i := &t.Indexes[n]
		for k := range i.parts {
			if name := hiddenName(i, k); i.Columns[k] == "" && hidden[name+"1"] == nil {
				i.parts[k].stored = hidden[name+"0"]
			}
		}
	}
	return nil
}

const hiddenMark = "!hidden!"

// hiddenName is the name of the column that keeps part n of an index, but for its last digit, which tells columns of indexes apart whose names begin alike.
func hiddenName(i *Index, n int) string {
	const longest = 63 // characters
	name, end := []rune(i.Name), fmt.Sprintf("!%d!", n)
	name = name[:min(len(name), longest-len(hiddenMark)-len(end))]
	return hiddenMark + string(name) + end
}

// newHidden makes a column of what's told of one that keeps an expression's values.
func newHidden(full, collation string) Column {
	charset, _, _ := strings.Cut(collation, "_")
	return newColumn([]string{"", baseType(full), full, "", "", "", charset, collation, "YES", "", ""}, change.Null, MySQL)
}

// baseType is a complete type's name alone.
func baseType(full string) string {
	base, _, _ := strings.Cut(full, "(")
	base, _, _ = strings.Cut(base, " ")
	return base
}
