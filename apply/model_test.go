package apply

import (
	"fmt"
	"maps"
	"slices"

	"bridge/change"

	"pgregory.net/rapid"
)

var (
	tbl = change.NewTable(change.TableName{Schema: "public", Name: "docs"}, []change.Column{
		{Name: "id", Type: "integer", Key: true}, {Name: "a", Type: "text"}, {Name: "t", Type: "text"}}, false)
	other = change.NewTable(change.TableName{Schema: "public", Name: "other"}, tbl.Columns, false)
)

// op is an operation on a row of t; a "-" is an absent column.
func op(kind change.Kind, t *change.Table, id string, values ...string) change.Operation {
	o := change.Operation{Kind: kind, Table: t, Key: change.Key{Table: t.TableName}}
	if id != "" {
		o.Key, _ = change.KeyOf(t, change.Image{change.Text(id)}, nil)
	}
	if len(values) > 0 {
		o.New = change.Image{change.Text(id)}
		for _, v := range values {
			c := change.Text(v)
			if v == "-" {
				c = change.Absent
			}
			o.New = append(o.New, c)
		}
	}
	return o
}

func ins(id, a, t string) change.Operation { return op(change.Insert, tbl, id, a, t) }
func upd(id, a, t string) change.Operation { return op(change.Update, tbl, id, a, t) }
func del(id string) change.Operation       { return op(change.Delete, tbl, id) }
func trunc() change.Operation              { return op(change.Truncate, tbl, "") }

func txOf(origin string, seq uint64, time change.Timestamp, ops ...change.Operation) *change.Transaction {
	dot := change.Dot{Origin: change.NewOrigin(origin, 1), Seq: seq}
	return &change.Transaction{Tag: change.Tag{Dot: dot, Time: time}, Last: true, Operations: ops}
}

// rows is a database: what the tables hold.
type rows map[change.Key]change.Image

func (r rows) clear(name change.TableName) {
	maps.DeleteFunc(r, func(k change.Key, _ change.Image) bool { return k.Table == name })
}

// operate is what an operation did where it was born.
func (r rows) operate(o *change.Operation) {
	switch o.Kind {
	case change.Insert:
		r[o.Key] = o.New
	case change.Update:
		r[o.Key] = o.New.Over(r[o.Key])
	case change.Delete:
		delete(r, o.Key)
	case change.Truncate:
		r.clear(o.Key.Table)
	}
}

// write does writes in the given order, and returns those that found no row.
func (r rows) write(writes []Write) (missing []int) {
	for i, w := range writes {
		_, found := r[w.Key]
		if !found && (w.Kind == Update || w.Kind == Delete) {
			missing = append(missing, i)
			continue
		}
		switch w.Kind {
		case Upsert:
			if !w.Image.Complete() {
				panic(fmt.Sprintf("an upsert of %v lacks a column", w.Key))
			}
			r[w.Key] = w.Image
		case Update:
			r[w.Key] = w.Image.Over(r[w.Key])
		case Delete:
			delete(r, w.Key)
		case Truncate:
			r.clear(w.Key.Table)
		case Lock:
		default:
			panic(fmt.Sprintf("write of kind %d", w.Kind))
		}
	}
	return missing
}

func (r rows) String() string {
	var lines []string
	for k, image := range r {
		line := k.String()
		for _, v := range image {
			s, ok := v.Text()
			if !ok {
				s = "-"
			}
			line += " " + s
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return fmt.Sprint(lines)
}

// drawTransaction draws what an application could do to the rows of db, which it changes.
func drawTransaction(t *rapid.T, db rows, origin string, seq uint64, truncates bool) *change.Transaction {
	tx := txOf(origin, seq, change.Timestamp(seq))
	for n := range rapid.IntRange(1, 6).Draw(t, "operations") {
		table := rapid.SampledFrom([]*change.Table{tbl, tbl, other}).Draw(t, "table")
		id := rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "id")
		v := fmt.Sprintf("%s%d.%d", origin, seq, n)
		o := op(change.Insert, table, id, v, v)
		_, there := db[o.Key]
		choice := rapid.IntRange(0, 9).Draw(t, "operation")
		switch {
		case choice == 0 && truncates:
			o = op(change.Truncate, table, "")
		case !there:
		case choice <= 3:
			o = op(change.Delete, table, id)
		case choice <= 6:
			o = op(change.Update, table, id, v, "-")
		default:
			o = op(change.Update, table, id, v, v)
		}
		db.operate(&o)
		tx.Operations = append(tx.Operations, o)
	}
	return tx
}
