package conflict

import (
	"slices"
	"strings"

	"bridge/change"
	"bridge/history"
)

// column is what a rule by columns does with one of them.
func (r *Rule) column(c change.Column) ColumnWords {
	rule := r.Columns[c.Name]
	w := ColumnWords{Column: c.Name, Type: c.Type, Merge: rule.Merge.String(), Text: rule.words(), Problem: rule.Suits(c.Type)}
	for _, group := range r.Groups {
		if slices.Contains(group, c.Name) {
			others := slices.DeleteFunc(slices.Clone(group), func(name string) bool { return name == c.Name })
			w.Text += " It goes with " + strings.Join(others, ", ") + ": who changes one of them has changed all."
		}
	}
	if w.Problem == "" {
		w.Example = rule.example(c)
	}
	return w
}

// words say what comes of concurrent changes.
func (c Column) words() string {
	const otherwise = " A change from or to NULL is an assignment: it stands against all before it."
	switch c.Merge {
	case Counter:
		text := "Differences add up."
		if c.Reset != nil {
			text += " Writing " + *c.Reset + " is an assignment: what comes later is added to that."
		}
		return text + otherwise
	case Max:
		return "The greatest stands. A change to less is an assignment: who makes it has seen the greatest and means to leave it." + otherwise
	case Min:
		return "The least stands. A change to more is an assignment: who makes it has seen the least and means to leave it." + otherwise
	case Set:
		return "Members are added and removed one by one; where one adds and another removes the same, the later one counts. The result is sorted." + otherwise
	case Map:
		return "Members of the JSON object are assigned and removed one by one, nested ones, too; of two changes of one member the later one stands. Arrays are values." + otherwise
	case Append:
		return "What was appended stands in the order of the writes. A change that isn't an appending is an assignment." + otherwise
	case Text:
		return "The latest change stands, until one region (the first by name) has merged the texts word by word, and written that; where both changed the same words its own stand."
	case Expression:
		return "The latest change stands, until one region (the first by name) has computed the expression of both, and written that."
	case Manual:
		return "The latest change stands, and the case waits for a person in the first region by name (bridge conflicts list --open)."
	}
	return "The latest change of the column stands."
}

// example is the rule at work on two changes.
func (c Column) example(of change.Column) *Example {
	before, first, second := c.samples(of.Type)
	of.Name, of.Key = "c", false
	t := change.NewTable(change.TableName{}, []change.Column{of}, true)
	op := func(origin change.Origin, at change.Timestamp, after string) history.Entry {
		return history.Entry{
			Tag: &change.Tag{Dot: change.Dot{Origin: origin, Seq: 1}, Time: at}, Kind: change.Update, Table: t,
			Old: change.Image{change.Text(before)}, Image: change.Image{change.Text(after)},
		}
	}
	rule := &Rule{Columns: map[string]Column{"c": c}}
	o := rule.Replay(history.Row{op("a/1", 1, first), op("b/1", 2, second)}, Base{Table: t, Image: change.Image{change.Text(before)}})
	after, _ := o.Image[0].Text()
	return &Example{before, first, second, after}
}

// samples are a value of a type and two changes of it, such as the rule is for.
func (c Column) samples(typeName string) (before, first, second string) {
	list := c.list(typeName)
	switch {
	case c.Merge == Counter:
		return "10", "13", "8"
	case c.Merge == Map:
		return `{"a": 1, "b": 1}`, `{"a": 2, "b": 1}`, `{"a": 1, "b": 1, "c": 3}`
	case c.Merge == Set:
		return list.format([]string{"1", "2"}), list.format([]string{"1", "2", "3"}), list.format([]string{"2"})
	case c.Merge == Append && list != nil:
		return list.format([]string{"1"}), list.format([]string{"1", "2"}), list.format([]string{"1", "3"})
	case c.Merge == Append:
		return "one", "one, two", "one, three"
	case strings.HasPrefix(typeName, "date"), strings.HasPrefix(typeName, "timestamp"):
		return "2026-01-10", "2026-01-15", "2026-01-12"
	case (Column{Merge: Counter}).Suits(typeName) == "", c.Merge == Max, c.Merge == Min:
		if c.Merge == Min {
			return "10", "5", "8"
		}
		return "10", "15", "12"
	}
	return "old", "first", "second"
}
