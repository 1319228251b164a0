package conflict

import (
	"fmt"
	"slices"

	"bridge/change"
	"bridge/history"

	"pgregory.net/rapid"
)

var (
	docs = change.NewTable(change.TableName{Schema: "public", Name: "docs"}, []change.Column{
		{Name: "id", Type: "integer", Key: true}, {Name: "a", Type: "text"}, {Name: "t", Type: "text"}}, false)
	row1   = change.Key{Table: docs.TableName, Row: "\x011"}
	absent = change.Absent
)

// at makes an operation on row 1 by a transaction with a dot like "a1", that had seen others.
func at(dot string, time change.Timestamp, kind change.Kind, image change.Image, saw ...string) history.Entry {
	tag := &change.Tag{Dot: dotOf(dot), Time: time}
	for _, s := range saw {
		d := dotOf(s)
		tag.Deps = tag.Deps.With(d.Origin, max(d.Seq, tag.Deps.Get(d.Origin)))
	}
	return history.Entry{Tag: tag, Kind: kind, Table: docs, Image: image}
}

func dotOf(s string) change.Dot {
	return change.Dot{Origin: change.NewOrigin(s[:1], 1), Seq: uint64(s[1] - '0')}
}

// img is an image of docs: "-" stands for an absent column.
func img(a, t string) change.Image {
	r := change.Image{change.Text("1"), change.Text(a), change.Text(t)}
	for i, s := range []string{a, t} {
		if s == "-" {
			r[i+1] = absent
		}
	}
	return r
}

func rowOf(entries ...history.Entry) history.Row {
	var r history.Row
	for _, e := range entries {
		r = r.Insert(e)
	}
	return r
}

// show is an outcome in a form that can be compared.
func show(o Outcome) string {
	if !o.Exists {
		return fmt.Sprintf("no row, by %s/%d", o.Winner.Tag.Dot, o.Winner.Order)
	}
	var values []string
	for i, v := range o.Image {
		s, ok := v.Text()
		switch {
		case !ok && v.IsNull():
			s = "NULL"
		case !ok:
			s = "-"
		}
		values = append(values, o.Table.Columns[i].Name+"="+s)
	}
	return fmt.Sprintf("%v, by %s/%d", values, o.Winner.Tag.Dot, o.Winner.Order)
}

// drawOps draws one row's operations as regions that hear of each other in causal order could have
// written them. Commit times are few, so that ties are common.
func drawOps(t *rapid.T) []history.Entry {
	type region struct {
		seen change.Vector
		last change.Timestamp
	}
	origins := []change.Origin{"a/1", "b/1", "c/1"}
	regions := make([]region, len(origins))
	var ops []history.Entry
	for range rapid.IntRange(1, 9).Draw(t, "steps") {
		i := rapid.IntRange(0, len(origins)-1).Draw(t, "region")
		r := &regions[i]
		if len(ops) > 0 && rapid.Bool().Draw(t, "hear") {
			heard := ops[rapid.IntRange(0, len(ops)-1).Draw(t, "of")].Tag
			for _, e := range heard.Seen() {
				r.seen = r.seen.With(e.Origin, max(e.Seq, r.seen.Get(e.Origin)))
			}
			r.last = max(r.last, heard.Time)
		}
		r.last = max(r.last+1, change.Timestamp(rapid.IntRange(1, 4).Draw(t, "commit")))
		tag := &change.Tag{Dot: change.Dot{Origin: origins[i], Seq: r.seen.Get(origins[i]) + 1}, Time: r.last}
		for _, e := range r.seen {
			if e.Origin != tag.Dot.Origin {
				tag.Deps = tag.Deps.With(e.Origin, e.Seq)
			}
		}
		r.seen = r.seen.With(tag.Dot.Origin, tag.Dot.Seq)
		for order := range rapid.IntRange(1, 2).Draw(t, "operations") {
			e := history.Entry{Tag: tag, Table: docs, Order: uint32(order)}
			e.Kind = change.Kind(rapid.IntRange(int(change.Insert), int(change.Truncate)).Draw(t, "operation"))
			v := fmt.Sprintf("%s/%d", tag.Dot, order)
			switch {
			case e.Kind == change.Insert:
				e.Image = img(v, v)
			case e.Kind == change.Update:
				e.Image = img(v, rapid.SampledFrom([]string{v, "-"}).Draw(t, "toast"))
			}
			ops = append(ops, e)
		}
	}
	return ops
}

// shuffled is ops in another order of arrival, some of them twice.
func shuffled(t *rapid.T, ops []history.Entry) []history.Entry {
	out := rapid.Permutation(ops).Draw(t, "arrival")
	for _, e := range ops {
		if rapid.IntRange(0, 3).Draw(t, "again") == 0 {
			out = slices.Insert(out, rapid.IntRange(0, len(out)).Draw(t, "place"), e)
		}
	}
	return out
}
