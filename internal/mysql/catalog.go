package mysql

import (
	"context"
	"fmt"
	"strings"

	"bridge/change"
)

// Table is a table as the server's catalog has it.
type Table struct {
	change.TableName
	// Kind is the catalog's word: BASE TABLE, VIEW, SYSTEM VERSIONED and SEQUENCE (MariaDB).
	Kind   string
	Engine string // InnoDB
	// Partitioned says that statements can take or move rows by the partition, which the log doesn't tell.
	Partitioned bool
	// Columns are in their order, those without a name for SELECT * (invisible ones) included.
	Columns     []Column
	Indexes     []Index // unique ones: the primary key first, if there is one, then by name
	ForeignKeys []ForeignKey
	Triggers    []Trigger // the account sees those of tables that it has the TRIGGER privilege on
}

// Column is one column of a [Table].
type Column struct {
	Name string
	// Type is the base type as [change.Column] names it: "bigint unsigned", "varchar".
	Type string
	// Full is the type with everything: "enum('a','b')", "decimal(10,2) unsigned".
	Full      string
	Length    uint64 // in characters or, of a binary type, bytes; 0 where it means nothing
	Precision uint64 // of numbers in digits (of BIT in bits), of times the digits of a second's fraction
	Scale     uint64
	Charset   string // of text types
	Collation string
	Labels    []string // of ENUM and SET
	Nullable  bool
	Default   change.Value // as the catalog has it: text, or on MariaDB an expression; Absent if there's none
	Generated bool         // virtual or stored
	// Expression is what a generated column is computed by.
	Expression string
	Invisible  bool
	OnUpdate   bool // ON UPDATE CURRENT_TIMESTAMP
	// AutoIncrement says that the server gives the column its values.
	AutoIncrement bool
}

// Index is a unique index.
type Index struct {
	Name    string
	Columns []string // an expression's is ""
	// Prefix says that only the first characters of a column count, or an expression: a key that isn't
	// one of whole columns. See [Table.Computed].
	Prefix bool
	// Hash says that it's one of hashes, by which the server finds no rows (MariaDB: of columns that are too long for a tree).
	Hash  bool
	parts []indexPart // of the Columns
}

// indexPart is what else is known of a part of an index.
type indexPart struct {
	length     uint64  // of a prefix, in characters or bytes; 0 is the whole column
	expression string  // where there's no column
	stored     *Column // as what the server keeps the expression's values; nil if it doesn't tell
}

// Primary reports whether the index is the primary key.
func (i *Index) Primary() bool { return i.Name == "PRIMARY" }

// Trigger is a trigger on a table.
type Trigger struct {
	Name   string
	Timing string // BEFORE or AFTER
	Event  string // INSERT, UPDATE, DELETE
	Body   string // its SQL
}

// PrimaryKey is the table's primary key, or nil.
func (t *Table) PrimaryKey() *Index {
	if len(t.Indexes) > 0 && t.Indexes[0].Primary() {
		return &t.Indexes[0]
	}
	return nil
}

// Column is a column by its name, or nil. Names of columns are equal in whatever case.
func (t *Table) Column(name string) *Column {
	for i := range t.Columns {
		if strings.EqualFold(t.Columns[i].Name, name) {
			return &t.Columns[i]
		}
	}
	return nil
}

// IsSystem reports whether a database is the server's own or bridge's, and so never replicated. Names are
// as the catalog spells them; the server's own are spelt in capitals at times.
func IsSystem(databaseName string) bool {
	switch strings.ToLower(databaseName) {
	case "mysql", "sys", "performance_schema", "information_schema", "bridge":
		return true
	}
	return false
}

// notSystem is a condition that leaves system databases out.
const notSystem = "lower(%s) NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema', 'bridge')"

// LoadCatalog reads all tables and views that the account sees and selected chooses (nil: all), but those
// of system databases, by name.
func LoadCatalog(ctx context.Context, conn *Conn, selected func(change.TableName) bool) ([]*Table, error) {
	l := loader{conn: conn, selected: selected, byName: map[change.TableName]*Table{}}
	for _, load := range []func(context.Context) error{l.tables, l.columns, l.indexes, l.foreignKeys, l.triggers} {
		if err := load(ctx); err != nil {
			return nil, fmt.Errorf("read the server's catalog: %w", err)
		}
	}
	return l.list, nil
}

type loader struct {
	conn     *Conn
	selected func(change.TableName) bool
	list     []*Table
	byName   map[change.TableName]*Table
}

// each runs a query of the catalog, whose first two columns name a table, and calls f for its rows about
// loaded tables. from ends in a condition. NULL is "".
func (l *loader) each(ctx context.Context, columns, from, database, order string, f func(t *Table, row []string, values change.Image)) error {
	sql := fmt.Sprintf("SELECT %s FROM information_schema.%s AND "+notSystem+" ORDER BY %s", columns, from, database, order)
	return l.conn.Query(ctx, sql, func(values change.Image) error {
		row := make([]string, len(values))
		for i, v := range values {
			row[i], _ = v.Text()
		}
		if t := l.byName[change.TableName{Schema: row[0], Name: row[1]}]; t != nil {
			f(t, row, values)
		}
		return nil
	})
}

func (l *loader) tables(ctx context.Context) error {
	sql := "SELECT table_schema, table_name, table_type, engine, coalesce(create_options, '') LIKE '%partitioned%' FROM information_schema.tables WHERE " + fmt.Sprintf(notSystem, "table_schema") + " ORDER BY 1, 2"
	return l.conn.Query(ctx, sql, func(values change.Image) error {
		t := &Table{}
		for i, to := range []*string{&t.Schema, &t.Name, &t.Kind, &t.Engine} {
			*to, _ = values[i].Text()
		}
		t.Partitioned = values[4] == change.Text("1")
		if l.selected == nil || l.selected(t.TableName) {
			l.list = append(l.list, t)
			l.byName[t.TableName] = t
		}
		return nil
	})
}

func (l *loader) columns(ctx context.Context) error {
	return l.each(ctx, `table_schema, table_name, column_name, data_type, column_type, coalesce(character_maximum_length, 0),
		coalesce(numeric_precision, datetime_precision, 0), coalesce(numeric_scale, 0), character_set_name, collation_name, is_nullable, extra, generation_expression, column_default`,
		"columns WHERE true", "table_schema", "table_schema, table_name, ordinal_position",
		func(t *Table, row []string, values change.Image) {
			t.Columns = append(t.Columns, newColumn(row[2:13], values[13], l.conn.flavor))
		})
}

// newColumn makes a column of what the catalog says.
func newColumn(row []string, byDefault change.Value, flavor Flavor) Column {
	extra := strings.ToUpper(row[9])
	c := Column{
		Name: row[0], Type: strings.ToLower(row[1]), Full: row[2],
		Length: number(row[3]), Precision: number(row[4]), Scale: number(row[5]),
		Charset: row[6], Collation: row[7], Nullable: row[8] == "YES", Default: byDefault,
		Generated: strings.Contains(extra, "VIRTUAL") || strings.Contains(extra, "STORED") || strings.Contains(extra, "PERSISTENT"),
		Invisible: strings.Contains(extra, "INVISIBLE"), OnUpdate: strings.Contains(extra, "ON UPDATE"), AutoIncrement: strings.Contains(extra, "AUTO_INCREMENT"),
	}
	if c.Generated {
		c.Expression = expression(row[10], flavor)
	}
	if flavor == MySQL && byDefault.IsNull() { // MariaDB tells NULL as a default by the word
		c.Default = change.Absent
		if c.Nullable {
			c.Default = change.Null
		}
	} else if byDefault.IsNull() {
		c.Default = change.Absent
	} else if text, _ := byDefault.Text(); flavor == MariaDB && text == "NULL" {
		c.Default = change.Null
	}
	if strings.Contains(row[2], " unsigned") || strings.Contains(row[2], " zerofill") {
		c.Type += " unsigned"
	}
	switch c.Type {
	case "enum", "set":
		c.Labels = Labels(c.Full)
	case "geomcollection": // MySQL's other name of it
		c.Type = "geometrycollection"
	}
	return c
}

// number reads what the catalog gives as a number.
func number(s string) (n uint64) {
	for _, digit := range []byte(s) {
		n = n*10 + uint64(digit-'0')
	}
	return n
}

// Labels reads an ENUM's or SET's labels from the complete type: enum('a','it”s').
func Labels(full string) (labels []string) {
	_, list, _ := strings.Cut(full, "(")
	for {
		_, rest, ok := strings.Cut(list, "'")
		if !ok {
			return labels
		}
		var label strings.Builder
		for {
			part, after, _ := strings.Cut(rest, "'")
			label.WriteString(part)
			if !strings.HasPrefix(after, "'") {
				list = after
				break
			}
			label.WriteByte('\'') // a doubled quote
			rest = after[1:]
		}
		labels = append(labels, label.String())
	}
}

func (l *loader) indexes(ctx context.Context) error {
	of := "NULL"
	if l.conn.flavor == MySQL {
		of = "expression"
	}
	err := l.each(ctx, "table_schema, table_name, index_name, column_name, sub_part, index_type, "+of, "statistics WHERE non_unique = 0", "table_schema",
		"table_schema, table_name, index_name <> 'PRIMARY', index_name, seq_in_index",
		func(t *Table, row []string, values change.Image) {
			last := len(t.Indexes) - 1
			if last < 0 || t.Indexes[last].Name != row[2] {
				t.Indexes = append(t.Indexes, Index{Name: row[2], Hash: row[5] == "HASH"})
				last++
			}
			i := &t.Indexes[last]
			i.Columns = append(i.Columns, row[3])
			i.Prefix = i.Prefix || !values[4].IsNull() || values[3].IsNull()
			i.parts = append(i.parts, indexPart{length: number(row[4]), expression: expression(row[6], l.conn.flavor)})
		})
	if err != nil {
		return err
	}
	for _, t := range l.list {
		if err := l.storedParts(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) triggers(ctx context.Context) error {
	return l.each(ctx, "event_object_schema, event_object_table, trigger_name, action_timing, event_manipulation, action_statement",
		"triggers WHERE true", "event_object_schema", "1, 2, 3",
		func(t *Table, row []string, _ change.Image) {
			t.Triggers = append(t.Triggers, Trigger{Name: row[2], Timing: row[3], Event: row[4], Body: row[5]})
		})
}
