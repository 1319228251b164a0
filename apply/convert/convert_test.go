package convert

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"bridge/apply"
	"bridge/change"
	"bridge/naming"
	"bridge/value"
)

// tables is a Catalog.
type tables map[string]map[string]Column

func (t tables) Columns(_ context.Context, name change.TableName) (map[string]Column, error) {
	if t["down"] != nil {
		return nil, errors.New("connection lost")
	}
	return t[name.String()], nil
}

func declared(t *testing.T, engine value.Engine, place int, declaration string) Column {
	t.Helper()
	typ, err := value.Declared(engine, declaration)
	if err != nil {
		t.Fatal(err)
	}
	typ.Collation = "utf8mb4_0900_bin"
	return Column{Place: place, Type: typ}
}

// here is a MySQL database with one table, whose columns have another order than where rows come from.
func here(t *testing.T) tables {
	price := declared(t, value.MySQL, 1, "decimal(10,2)")
	code := declared(t, value.MySQL, 2, "varchar(10)")
	code.Form = func(_ context.Context, text string) (string, error) { return strings.TrimRight(text, " "), nil }
	twice := declared(t, value.MySQL, 4, "tinyint")
	twice.Generated = true
	return tables{"shop.item": {"preis": price, "code": code, "id": declared(t, value.MySQL, 3, "bigint unsigned"), "twice": twice}}
}

func names(t *testing.T) naming.Names {
	n, err := naming.New(naming.Rules{Tables: []naming.Table{{Local: change.TableName{Schema: "shop", Name: "item"}, Stream: item, Columns: map[string]string{"preis": "price"}}}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var (
	item = change.TableName{Schema: "public", Name: "item"}
	from = change.NewTable(item, []change.Column{
		{Name: "id", Type: "numeric", Key: true}, {Name: "code", Type: "text", Key: true}, {Name: "price", Type: "numeric"}, {Name: "twice", Type: "integer"},
	}, true).On("postgres")
)

func image(values ...string) change.Image {
	r := make(change.Image, len(values))
	for i, v := range values {
		switch v {
		case "-":
		case "NULL":
			r[i] = change.Null
		default:
			r[i] = change.Text(v)
		}
	}
	return r
}

func operation(t *testing.T, kind change.Kind, old, row change.Image) change.Operation {
	t.Helper()
	op := change.Operation{Kind: kind, Table: from, Old: old, New: row}
	of := row
	if kind == change.Delete {
		of = old
	}
	key, err := change.KeyOf(from, of, nil)
	if err != nil {
		t.Fatal(err)
	}
	op.Key = key
	return op
}

func localize(c *Converter, ops ...change.Operation) (*change.Transaction, error) {
	tx := &change.Transaction{Operations: ops, Last: true}
	return tx, c.Localize(context.Background(), tx)
}

// TestLocalize: values, the order of columns, types and keys become the local ones; what's absent stays absent; a bare
// delete's key is converted, too; what an old image can't hold is left out of it.
func TestLocalize(t *testing.T) {
	c := New(Config{Engine: value.MySQL, Catalog: here(t), Inward: apply.Inward{Names: names(t)}})
	bare := operation(t, change.Delete, image("8", "x ", "1", "2"), nil)
	bare.Old = nil
	truncate := change.Operation{Kind: change.Truncate, Table: from, Key: change.Key{Table: item}}
	tx, err := localize(c,
		operation(t, change.Insert, nil, image("7.0", "a ", "1.5", "999")), // a generated column isn't assigned, so it needn't fit
		operation(t, change.Update, image("7", "a", "NaN", "1"), image("7", "a", "-", "NULL")),
		operation(t, change.Delete, image("7", "a", "NaN", "1"), nil),
		bare, truncate)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ old, row change.Image }{
		{nil, image("1.50", "a ", "7", "999")},
		{image("-", "a", "7", "1"), image("-", "a", "7", "NULL")},
		{image("-", "a", "7", "1"), nil},
		{nil, nil}, {nil, nil},
	}
	for i, w := range want {
		op := &tx.Operations[i]
		if !slices.Equal(op.Old, w.old) || !slices.Equal(op.New, w.row) {
			t.Errorf("operation %d: %v, %v; want %v, %v", i, op.Old, op.New, w.old, w.row)
		}
		if op.Table.TableName != item || op.Table.Engine != "mysql" || op.Table.KeyNames() != "code, id" || op.Table.Columns[2].Type != "bigint unsigned" || op.Key.Table != item {
			t.Errorf("operation %d is of %+v, key %s", i, op.Table, op.Key)
		}
	}
	for i, want := range []string{"public.item (a, 7)", "public.item (a, 7)", "public.item (a, 7)", "public.item (x, 8)", "public.item (all rows)"} {
		if got := tx.Operations[i].Key.String(); got != want {
			t.Errorf("operation %d has key %s, want %s", i, got, want)
		}
	}
}

// TestLeftAlone: what this engine logged goes through, whatever the catalog says.
func TestLeftAlone(t *testing.T) {
	c := New(Config{Engine: value.Postgres, Catalog: tables{"down": {}}})
	op := operation(t, change.Insert, nil, image("7.0", "a", "NaN", "999"))
	for _, engine := range []string{"", "postgres"} {
		op.Table = from.On(engine)
		tx, err := localize(c, op)
		if got := tx.Operations[0]; err != nil || got.Table != op.Table || got.Key != op.Key || !slices.Equal(got.New, op.New) {
			t.Errorf("%q: %+v, %v", engine, got, err)
		}
	}
}

// TestRefused: what has no form here stops the stream with the place and the remedy, without the value; and it's looked
// at anew when it comes again.
func TestRefused(t *testing.T) {
	catalog := here(t)
	c := New(Config{Engine: value.MySQL, Catalog: catalog, Inward: apply.Inward{Names: names(t),
		Policy: func(table change.TableName, column string) value.Policy { return value.ClampValue }}})
	for _, tc := range []struct {
		row  change.Image
		want []string
	}{
		{image("7", "a", "NaN", "1"), []string{"table shop.item (public.item between the regions), row public.item (7, a), column preis (price between the regions)", "NaN", "on_unrepresentable"}}, // it has no nearest value
		{image("-1", "a", "1", "1"), []string{"row public.item (-1, a), column id", "bigint unsigned"}},                                                                                             // a key isn't clamped
		{image("7", "longer than ten", "1", "1"), []string{"column code", "varchar(10)", "longer than 10 characters"}},                                                                              //
	} {
		_, err := localize(c, operation(t, change.Insert, nil, tc.row))
		if !errors.Is(err, apply.ErrRefused) {
			t.Errorf("%v: %v", tc.row, err)
			continue
		}
		for _, want := range tc.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v: the error doesn't say %q: %v", tc.row, want, err)
			}
		}
	}
	catalog["shop.item"]["code"] = declared(t, value.MySQL, 2, "varchar(20)")
	if _, err := localize(c, operation(t, change.Insert, nil, image("7", "longer than ten", "1e3", "1"))); err != nil {
		t.Errorf("after the column was widened: %v", err)
	}
}

func TestTablesThatDontMatch(t *testing.T) {
	folded := declared(t, value.MySQL, 2, "varchar(10)")
	folded.Type.Collation = "utf8mb4_general_ci"
	for _, tc := range []struct {
		name  string
		alter func(tables)
		want  string
		other bool // an error of another kind
	}{
		{"no table", func(c tables) { delete(c, "shop.item") }, "table shop.item (public.item between the regions) isn't in this database", false},
		{"no column", func(c tables) { delete(c["shop.item"], "preis") }, "table shop.item (public.item between the regions) lacks column preis (price between the regions), which has type numeric in a region of postgres", false},
		{"another type", func(c tables) { c["shop.item"]["preis"] = declared(t, value.MySQL, 1, "date") }, "column preis (price between the regions)", false},
		{"a key under a collation", func(c tables) { c["shop.item"]["code"] = folded }, "utf8mb4_general_ci", false},
		{"another key type", func(c tables) { c["shop.item"]["id"] = declared(t, value.MySQL, 3, "double") }, "column id", false},
		{"no catalog", func(c tables) { c["down"] = map[string]Column{} }, "connection lost", true},
	} {
		catalog := here(t)
		tc.alter(catalog)
		c := New(Config{Engine: value.MySQL, Catalog: catalog, Inward: apply.Inward{Names: names(t)}})
		_, err := localize(c, operation(t, change.Insert, nil, image("7", "a", "1", "1")))
		if err == nil || errors.Is(err, apply.ErrRefused) == tc.other || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// TestSpelling: a column's name in another case is that column to MySQL, and not to PostgreSQL.
func TestSpelling(t *testing.T) {
	there := change.NewTable(item, []change.Column{{Name: "ID", Type: "int", Key: true}}, true).On("mariadb")
	op := change.Operation{Kind: change.Insert, Table: there, New: image("1")}
	op.Key, _ = change.KeyOf(there, op.New, nil)
	c := New(Config{Engine: value.MySQL, Catalog: tables{"public.item": {"id": declared(t, value.MySQL, 1, "int")}}})
	if tx, err := localize(c, op); err != nil || tx.Operations[0].Table.Columns[0].Name != "id" {
		t.Errorf("MySQL: %v %v", tx.Operations[0].Table.Columns, err)
	}
	c = New(Config{Engine: value.Postgres, Catalog: tables{"public.item": {"id": declared(t, value.Postgres, 1, "integer")}}})
	if _, err := localize(c, op); !errors.Is(err, apply.ErrRefused) {
		t.Errorf("PostgreSQL: %v", err)
	}
}
