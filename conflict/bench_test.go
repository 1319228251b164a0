package conflict_test

import (
	"maps"
	"slices"
	"testing"

	"bridge/change"
	"bridge/conflict"
	"bridge/history"
)

// BenchmarkRules decides two concurrent updates of a row of eleven columns.
func BenchmarkRules(b *testing.B) {
	row := func(values ...string) (image change.Image) {
		for _, v := range values {
			image = append(image, change.Text(v))
		}
		return image
	}
	before := row("1", "a", "10.50", "3", "3", "{p,q}", `{"a": 1, "b": {"c": 2}}`, "log", "l", "street", "city")
	update := func(origin change.Origin, time change.Timestamp, after change.Image) history.Entry {
		return history.Entry{Tag: &change.Tag{Dot: change.Dot{Origin: origin, Seq: 1}, Time: time}, Kind: change.Update, Table: cart, Old: before, Image: after}
	}
	ops := history.Row{
		update("a/1", 1, row("1", "b", "11.50", "4", "2", "{p,q,r}", `{"a": 1, "b": {"c": 3}}`, "log;1", "l,1", "lane", "city")),
		update("b/1", 2, row("1", "a", "9.50", "5", "3", "{q}", `{"a": 1, "b": {"c": 2, "d": 4}}`, "log;2", "l,2", "street", "town")),
	}
	rules := ruleSet()
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rules[name].Decide(ops, &ops[0])
			}
		})
	}
	for name, column := range columns() {
		rule := &conflict.Rule{Columns: map[string]conflict.Column{name: column}}
		b.Run("column "+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rule.Decide(ops, &ops[0])
			}
		})
	}
}
