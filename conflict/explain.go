package conflict

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"bridge/change"
)

// Explanation says in words how a rule decides a table's rows.
type Explanation struct {
	Rule    string         `json:"rule"`    // its name
	Words   []string       `json:"words"`   // what goes for every conflict, a sentence each
	Cases   []Case         `json:"cases"`   // by what was done at the same time
	Columns []ColumnWords  `json:"columns"` // of a rule by columns: all but the key's, in the table's order
	Images  ImagesRequired `json:"images"`
}

// Case is what comes of two kinds of operation that hadn't seen each other.
type Case struct {
	Conflict string `json:"conflict"` // "update / delete"
	Text     string `json:"text"`
}

// ColumnWords is what comes of concurrent changes of one column.
type ColumnWords struct {
	Column  string   `json:"column"`
	Type    string   `json:"type"`
	Merge   string   `json:"merge"`
	Text    string   `json:"text"`
	Example *Example `json:"example,omitempty"`
	// Problem says why the column can't be merged so.
	Problem string `json:"problem,omitempty"`
}

// Example is two concurrent changes of a column, and what they come to under its rule.
type Example struct {
	Before string `json:"before"`
	First  string `json:"first"`  // what the earlier one makes of it
	Second string `json:"second"` // what the later one makes of it
	After  string `json:"after"`
}

// ImagesRequired says whether the rule needs complete rows in the log, before and after each change, and whether the
// table's log has them.
type ImagesRequired struct {
	Needed bool `json:"needed"`
	Logged bool `json:"logged"`
}

// Explain puts the rule into words for a table. regions are the mesh's, for examples.
func (r *Rule) Explain(t *change.Table, regions []string) Explanation {
	e := Explanation{
		Rule: r.String(), Words: r.Describe(), Cases: r.cases(t, regions), Columns: []ColumnWords{},
		Images: ImagesRequired{Needed: r.NeedsImages(), Logged: t.Full},
	}
	if r.Columns == nil {
		return e
	}
	for _, c := range t.Columns {
		if !c.Key {
			e.Columns = append(e.Columns, r.column(c))
		}
	}
	return e
}

// Describe says what goes for every conflict, a sentence each.
func (r *Rule) Describe() []string {
	out := []string{"A write that had seen another stands, whatever the rule. What follows is about writes that hadn't seen each other.", r.orderWords()}
	switch r.Deletes {
	case DeleteWins:
		out = append(out, "A delete wins over inserts and updates before that.")
	case UpdateWins:
		out = append(out, "An insert or update wins over deletes before that.")
	}
	if r.Columns != nil {
		out = append(out, "That says whether there is a row. Its columns are merged one by one.")
	}
	return append(out, "What doesn't stand is kept in bridge.conflicts.")
}

func (r *Rule) orderWords() string {
	const ties = " by commit time, at equal times the one of the region that comes later in the alphabet"
	switch r.Order {
	case EarliestWins:
		return "The earlier write wins: by commit time, at equal times the one of the region that comes first in the alphabet."
	case ByPriority:
		return "The write of the better region wins: " + strings.Join(r.Regions, " before ") + " before all others; between equals the later one," + ties + "."
	case ByHome:
		return "The write of the row's home region wins; between others the later one," + ties + ". " + r.Home.words()
	}
	return "The later write wins:" + ties + "."
}

// words say which rows are at home where.
func (h *Home) words() string {
	values := map[string][]string{}
	for _, v := range slices.Sorted(maps.Keys(h.Regions)) {
		values[h.Regions[v]] = append(values[h.Regions[v]], v)
	}
	var parts []string
	for _, region := range slices.Sorted(maps.Keys(values)) {
		parts = append(parts, strings.Join(values[region], ", ")+" is "+region+"'s")
	}
	for _, r := range h.Ranges {
		parts = append(parts, r.words())
	}
	rest := "all others are nobody's"
	if h.Else != "" {
		rest = "all others are " + h.Else + "'s"
	}
	return "Column " + h.Column + " tells the home: " + strings.Join(append(parts, rest), "; ") + "."
}

func (r *Range) words() string {
	switch {
	case r.From == "":
		return "what is below " + r.To + " is " + r.Region + "'s"
	case r.To == "":
		return "what is not below " + r.From + " is " + r.Region + "'s"
	}
	return "what is not below " + r.From + ", and below " + r.To + ", is " + r.Region + "'s"
}

// standing is which of two writes stands, for a sentence.
func (r *Rule) standing() string {
	return [...]string{"the later one", "the earlier one", "the better region's", "the home region's"}[r.Order]
}

func (r *Rule) cases(t *change.Table, regions []string) []Case {
	truncate := "A truncate is a delete of every row: each row that was written concurrently is decided as by update / delete."
	if r.Columns != nil {
		truncate += " Rows that survive it can't be told from the log, so applying stops at such a truncate."
	}
	return []Case{
		{"insert / insert", r.insertInsert()},
		{"update / update", r.updateUpdate(t, regions)},
		{"update / delete", r.updateDelete("update")},
		{"insert / delete", r.updateDelete("insert")},
		{"delete / delete", "The row is gone."},
		{"truncate", truncate},
	}
}

func (r *Rule) insertInsert() string {
	if r.Columns != nil {
		return "The row is the later insert's as a whole; updates that come later than that are merged into it."
	}
	return "The row is that of " + r.standing() + " as a whole."
}

func (r *Rule) updateUpdate(t *change.Table, regions []string) string {
	if r.Columns != nil {
		return "Each column goes by its own rule, see below. One that only one of them changed has that change."
	}
	text := "The row is that of " + r.standing() + " as a whole, also where only the other one changed a column."
	if !r.NeedsImages() && !t.Full {
		text += " A value that the winner's log leaves out (unchanged TOAST) is the other's."
	}
	return text + r.rowExample(t, regions)
}

// rowExample is two updates of a row in two columns.
func (r *Rule) rowExample(t *change.Table, regions []string) string {
	var names []string
	for _, c := range t.Columns {
		if !c.Key && len(names) < 2 {
			names = append(names, c.Name)
		}
	}
	if len(names) < 2 || len(regions) < 2 || r.Order == ByHome {
		return ""
	}
	first, second := 0, 1
	switch {
	case r.Order == EarliestWins, r.Order == ByPriority && r.rankOf(regions[0]) < r.rankOf(regions[1]):
		first, second = 1, 0
	}
	return fmt.Sprintf(" So when %s sets %s and then, before it has seen that, %s sets %s, the row has the %s that %s set and the %s that it had there.",
		regions[0], names[0], regions[1], names[1], names[second], regions[second], names[first])
}

func (r *Rule) updateDelete(kind string) string {
	back := "the row is there, as the " + kind + " left it"
	if r.Columns != nil {
		back = "the row is there, as the " + kind + " left it, with what other concurrent updates did to it"
	}
	switch r.Deletes {
	case DeleteWins:
		return "The delete wins: the row is gone."
	case UpdateWins:
		return "The " + kind + " wins: " + back + "."
	}
	text := strings.ToUpper(r.standing()[:1]) + r.standing()[1:] + " wins: the row is gone, or " + back + "."
	if kind == "update" && !r.NeedsImages() {
		text += " An update whose log leaves a column out (unchanged TOAST) can't bring the row back, and loses."
	}
	return text
}
