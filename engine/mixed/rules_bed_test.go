package mixed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"bridge/change"
	"bridge/conflict"
	"bridge/loopguard"
	"bridge/value"
)

// values are columns' values by name: text as every engine takes it between quotes, lists and sets as JSON. "NULL" is NULL, and
// what begins with "=" is an expression.
type values map[string]string

// form is a column's type in all engines.
type form struct {
	postgres, mysql string
	list            bool // JSON where the values are told
}

var forms = map[string]form{
	"int":   {"integer", "int", false},
	"small": {"smallint", "smallint", false},
	"dec":   {"numeric(12,2)", "decimal(12,2)", false},
	"text":  {"text", "varchar(300)", false},
	"char":  {"char(4)", "char(4)", false},
	"date":  {"date", "date", false},
	"json":  {"jsonb", "json", true},
	"list":  {"text[]", "json", true},
	"set":   {"text[]", "set('a','b','c')", true},
	"odd":   {"text[]", "set('c','b','a')", true}, // in an order that isn't the text's
}

// declared is a table under a rule: columns are "name form", and there's a key besides.
type declared struct {
	name    string
	columns []string
	rule    *conflict.Rule
}

func (d *declared) each(f func(column, form string)) {
	for _, c := range d.columns {
		name, form, _ := strings.Cut(c, " ")
		f(name, form)
	}
}

func (d *declared) create(r *region) string {
	sql := "CREATE TABLE " + d.name + " (id int PRIMARY KEY"
	d.each(func(column, form string) { sql += ", " + column + " " + r.is(forms[form].postgres, forms[form].mysql) })
	sql += ")"
	if r.engine == value.Postgres {
		sql += "; ALTER TABLE " + d.name + " REPLICA IDENTITY FULL"
	}
	return sql
}

// literal writes a value of a form in a region's SQL.
func (r *region) literal(form, v string) string {
	if v == "NULL" {
		return v
	}
	if expression, ok := strings.CutPrefix(v, "="); ok {
		return expression
	}
	quoted := "'" + strings.ReplaceAll(v, "'", "''") + "'"
	switch {
	case r.engine == value.Postgres && forms[form].postgres == "text[]":
		return "(SELECT coalesce(array_agg(e), '{}') FROM jsonb_array_elements_text(" + quoted + ") e)"
	case r.engine == value.Postgres:
		return quoted
	case strings.HasPrefix(forms[form].mysql, "set("):
		return strings.NewReplacer("[", "", "]", "", `"`, "").Replace(quoted)
	}
	return strings.ReplaceAll(quoted, `\`, `\\`)
}

// rows are a table's rows by key, in a form that's the same for all engines.
func (r *region) rows(t testing.TB, d *declared) map[string]values {
	t.Helper()
	names, kinds, expressions := []string{}, []string{}, "id"
	d.each(func(column, form string) {
		names, kinds = append(names, column), append(kinds, form)
		if r.engine == value.Postgres && forms[form].postgres == "text[]" {
			column = "to_json(" + column + ")"
		}
		expressions += ", " + column
	})
	all := map[string]values{}
	for _, row := range r.query(t, "SELECT "+expressions+" FROM "+d.name) {
		cells := strings.Split(row, "\t")
		v := values{}
		for i, cell := range cells[1:] {
			v[names[i]] = canonical(t, kinds[i], cell)
		}
		all[cells[0]] = v
	}
	return all
}

// canonical is a value as servers print it, or a test tells it, in one form.
func canonical(t testing.TB, kind, v string) string {
	t.Helper()
	set := strings.HasPrefix(forms[kind].mysql, "set(")
	switch {
	case v == "NULL" || !forms[kind].list:
		return strings.TrimRight(v, " ") // a char's
	case set && v == "":
		return "[]"
	case set && !strings.HasPrefix(v, "["):
		v = `["` + strings.ReplaceAll(v, ",", `","`) + `"]`
	}
	var parsed any
	d := json.NewDecoder(strings.NewReader(v))
	d.UseNumber()
	if err := d.Decode(&parsed); err != nil {
		t.Fatalf("%q isn't JSON: %v", v, err)
	}
	if list, ok := parsed.([]any); ok && kind == "odd" {
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(parsed); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String())
}

// write is one region's transaction on a case's row. at orders the writes of a case; equal ones have equal timestamps.
type write struct {
	region string
	at     int
	kind   change.Kind
	values values
}

func ins(region string, at int, v values) write { return write{region, at, change.Insert, v} }
func set(region string, at int, v values) write { return write{region, at, change.Update, v} }
func del(region string, at int) write           { return write{region, at, change.Delete, nil} }

func (d *declared) sql(r *region, id int, w *write) string {
	var names, literals, assigned []string
	kinds := map[string]string{}
	d.each(func(column, form string) { kinds[column] = form })
	for _, column := range slices.Sorted(maps.Keys(w.values)) {
		names, literals = append(names, column), append(literals, r.literal(kinds[column], w.values[column]))
		assigned = append(assigned, column+" = "+literals[len(literals)-1])
	}
	switch w.kind {
	case change.Insert:
		return fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", d.name, strings.Join(append(names, "id"), ", "), strings.Join(append(literals, fmt.Sprint(id)), ", "))
	case change.Update:
		return fmt.Sprintf("UPDATE %s SET %s WHERE id = %d", d.name, strings.Join(assigned, ", "), id)
	}
	return fmt.Sprintf("DELETE FROM %s WHERE id = %d", d.name, id)
}

// lift makes the region's next transaction have the timestamp after floor: what the barrier of a batch does that found
// rows missing.
func (r *region) lift(floor change.Timestamp) string {
	b := loopguard.Barrier{Run: "test", Token: 1, Floor: floor}
	return r.is(fmt.Sprintf("SELECT pg_logical_emit_message(true, '%s', '%s')", loopguard.BarrierPrefix, b),
		fmt.Sprintf("UPDATE bridge.barrier SET run = '%s', token = %d, floor = %d", b.Run, b.Token, floor))
}

// concurrently runs the writes of cases while no region hears of another's, each with its own timestamp.
func (m *mesh) concurrently(cases []ruleCase) {
	m.t.Helper()
	for _, r := range m.regions {
		r.stop()
	}
	m.epoch = max(m.epoch, change.TimestampOf(time.Now().Add(time.Hour))) + 1e9
	for _, r := range m.regions {
		for at := 1; at <= 5; at++ {
			for i := range cases {
				for j := range cases[i].writes {
					if w := &cases[i].writes[j]; w.region == r.name && w.at == at {
						r.exec(m.t, r.lift(m.epoch+change.Timestamp(at*1e6+i*100)))
						r.exec(m.t, cases[i].table.sql(r, i, w))
					}
				}
			}
		}
	}
	m.startAll()
}
