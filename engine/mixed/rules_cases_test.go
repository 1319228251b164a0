package mixed

import (
	"slices"

	"bridge/conflict"
)

func byColumns(columns map[string]conflict.Column, groups ...[]string) *conflict.Rule {
	return &conflict.Rule{Columns: columns, Groups: groups}
}

// merged is columns that all are merged in one way.
func merged(m conflict.Merge, columns ...string) map[string]conflict.Column {
	out := map[string]conflict.Column{}
	for _, c := range columns {
		out[c] = conflict.Column{Merge: m}
	}
	return out
}

func withReset(columns map[string]conflict.Column, column, reset string) map[string]conflict.Column {
	c := columns[column]
	c.Reset = &reset
	columns[column] = c
	return columns
}

func separated(columns map[string]conflict.Column, column, separator string) map[string]conflict.Column {
	c := columns[column]
	c.Separator = separator
	columns[column] = c
	return columns
}

// inJSON says which columns are JSON, which MariaDB's log doesn't.
func inJSON(columns map[string]conflict.Column, names ...string) map[string]conflict.Column {
	for _, name := range names {
		c := columns[name]
		c.JSON = true
		columns[name] = c
	}
	return columns
}

var (
	atHome = &conflict.Home{Column: "country", Regions: map[string]string{"DE": "eu", "FR": "eu", "US": "us"}, Else: "ap"}
	inZone = &conflict.Home{Column: "zone", Ranges: []conflict.Range{{From: "0", To: "100", Region: "eu"}, {From: "100", Region: "us"}}}

	lastRow    = &declared{"last_row", []string{"a text", "b text"}, conflict.LastWriteWins}
	firstRow   = &declared{"first_row", []string{"a text", "b text"}, &conflict.Rule{Order: conflict.EarliestWins}}
	byPriority = &declared{"by_priority", []string{"a text", "b text"}, &conflict.Rule{Order: conflict.ByPriority, Regions: []string{"us", "ap"}}}
	byCountry  = &declared{"by_country", []string{"country char", "a text"}, &conflict.Rule{Order: conflict.ByHome, Home: atHome}}
	byZone     = &declared{"by_zone", []string{"zone int", "a text"}, &conflict.Rule{Order: conflict.ByHome, Home: inZone}}
	deleteWins = &declared{"delete_wins", []string{"a text", "b text"}, &conflict.Rule{Deletes: conflict.DeleteWins}}
	updateWins = &declared{"update_wins", []string{"a text", "b text"}, &conflict.Rule{Deletes: conflict.UpdateWins}}
	usedCart   = &declared{"used_cart", []string{"n int", "a text"}, &conflict.Rule{Deletes: conflict.UpdateWins, Columns: merged(conflict.Counter, "n")}}
	changed    = &declared{"changed", []string{"a text", "b text", "street text", "city text"}, byColumns(map[string]conflict.Column{}, []string{"street", "city"})}
	counted    = &declared{"counted", []string{"n int", "d dec", "r int"}, byColumns(withReset(merged(conflict.Counter, "n", "d", "r"), "r", "0"))}
	highest    = &declared{"highest", []string{"n int", "d dec", "day date"}, byColumns(merged(conflict.Max, "n", "d", "day"))}
	lowest     = &declared{"lowest", []string{"n int", "d dec", "day date"}, byColumns(merged(conflict.Min, "n", "d", "day"))}
	members    = &declared{"members", []string{"l list", "j json", "s text", "f set"}, byColumns(separated(merged(conflict.Set, "l", "j", "s", "f"), "s", ","))}
	oddSets    = &declared{"odd_sets", []string{"o odd"}, byColumns(merged(conflict.Set, "o"))}
	documents  = &declared{"documents", []string{"j json", "a text"}, byColumns(merged(conflict.Map, "j"))}
	journals   = &declared{"journals", []string{"t text", "l list", "j json", "s text"}, byColumns(inJSON(separated(merged(conflict.Append, "t", "l", "j", "s"), "s", ", "), "l", "j"))}

	ruleTables = []*declared{lastRow, firstRow, byPriority, byCountry, byZone, deleteWins, updateWins, usedCart, changed, counted, highest, lowest, members, oddSets, documents, journals}
)

// suited are the tables and cases for a mesh. Across engines a SET that's merged must be in its text's order, which
// arrays have: "bridge check" says so.
func suited(m *mesh) (tables []*declared, cases []ruleCase) {
	odd := func(d *declared) bool { return d == oddSets && len(m.others(m.regions[0])) > 0 }
	return slices.DeleteFunc(slices.Clone(ruleTables), odd), slices.DeleteFunc(slices.Clone(ruleCases), func(c ruleCase) bool { return odd(c.table) })
}

// ruleCase is a row that regions write without hearing of each other.
type ruleCase struct {
	table  *declared
	name   string
	before values // nil is no row
	writes []write
	want   values // those of these columns; nil is no row
}

// Of equal timestamps those of ap come before those of eu, and these before those of us.
var ruleCases = []ruleCase{
	{lastRow, "later row", values{"a": "old", "b": "old"}, []write{set("eu", 2, values{"a": "eu"}), set("us", 1, values{"b": "us"})}, values{"a": "eu", "b": "old"}},
	{lastRow, "equal timestamps", values{"a": "old", "b": "old"}, []write{set("eu", 1, values{"a": "eu"}), set("us", 1, values{"b": "us"}), set("ap", 1, values{"b": "ap"})}, values{"a": "old", "b": "us"}},
	{lastRow, "later delete", values{"a": "old"}, []write{set("eu", 1, values{"a": "eu"}), del("us", 2)}, nil},

	{firstRow, "earlier row", values{"a": "old", "b": "old"}, []write{set("eu", 1, values{"a": "eu"}), set("us", 2, values{"b": "us"}), set("ap", 3, values{"a": "ap"})}, values{"a": "eu", "b": "old"}},
	{firstRow, "equal timestamps", values{"a": "old", "b": "old"}, []write{set("eu", 1, values{"a": "eu"}), set("us", 1, values{"a": "us"}), set("ap", 1, values{"b": "ap"})}, values{"a": "old", "b": "ap"}},
	{firstRow, "inserts", nil, []write{ins("eu", 2, values{"a": "eu"}), ins("us", 1, values{"a": "us"}), ins("ap", 3, values{"a": "ap"})}, values{"a": "us"}},
	{firstRow, "earlier delete", values{"a": "old"}, []write{set("eu", 2, values{"a": "eu"}), del("us", 1)}, nil},
	{firstRow, "later delete", values{"a": "old"}, []write{set("eu", 1, values{"a": "eu"}), del("us", 2)}, values{"a": "eu"}},
	{firstRow, "insert over a delete", values{"a": "old"}, []write{set("eu", 3, values{"a": "eu"}), del("us", 1), ins("us", 2, values{"a": "new"})}, values{"a": "new"}},

	{byPriority, "the best", values{"a": "old", "b": "old"}, []write{set("eu", 3, values{"a": "eu"}), set("us", 1, values{"b": "us"}), set("ap", 2, values{"a": "ap"})}, values{"a": "old", "b": "us"}},
	{byPriority, "the second before those without a name", values{"a": "old"}, []write{set("eu", 2, values{"a": "eu"}), set("ap", 1, values{"a": "ap"})}, values{"a": "ap"}},
	{byPriority, "a better delete", values{"a": "old"}, []write{set("eu", 2, values{"a": "eu"}), del("us", 1)}, nil},
	{byPriority, "a worse delete", values{"a": "old"}, []write{set("ap", 1, values{"a": "ap"}), del("eu", 2)}, values{"a": "ap"}},
	{byPriority, "inserts", nil, []write{ins("eu", 2, values{"a": "eu"}), ins("ap", 1, values{"a": "ap"})}, values{"a": "ap"}},

	{byCountry, "at home", values{"country": "DE", "a": "old"}, []write{set("eu", 1, values{"a": "eu"}), set("us", 2, values{"a": "us"})}, values{"a": "eu", "country": "DE"}},
	{byCountry, "another's home", values{"country": "US", "a": "old"}, []write{set("eu", 2, values{"a": "eu"}), set("us", 1, values{"a": "us"}), set("ap", 3, values{"a": "ap"})}, values{"a": "us"}},
	{byCountry, "the home of the rest", values{"country": "AU", "a": "old"}, []write{set("eu", 2, values{"a": "eu"}), set("ap", 1, values{"a": "ap"})}, values{"a": "ap"}},
	{byCountry, "nobody is at home", values{"country": "FR", "a": "old"}, []write{set("us", 1, values{"a": "us"}), set("ap", 1, values{"a": "ap"})}, values{"a": "us"}},
	{byCountry, "a delete at home", values{"country": "DE", "a": "old"}, []write{del("eu", 1), set("us", 2, values{"a": "us"})}, nil},
	{byCountry, "a delete elsewhere", values{"country": "DE", "a": "old"}, []write{del("us", 3), set("eu", 1, values{"a": "eu"})}, values{"a": "eu"}},
	{byZone, "in the range", values{"zone": "99", "a": "old"}, []write{set("eu", 1, values{"a": "eu"}), set("us", 2, values{"a": "us"})}, values{"a": "eu"}},
	{byZone, "on the bound", values{"zone": "100", "a": "old"}, []write{set("eu", 2, values{"a": "eu"}), set("us", 1, values{"a": "us"})}, values{"a": "us"}},
	{byZone, "in no range", values{"zone": "-1", "a": "old"}, []write{set("eu", 1, values{"a": "eu"}), set("ap", 2, values{"a": "ap"})}, values{"a": "ap"}},

	{deleteWins, "earlier delete", values{"a": "old"}, []write{del("eu", 1), set("us", 2, values{"a": "us"})}, nil},
	{deleteWins, "delete against insert", values{"a": "old"}, []write{del("eu", 1), del("us", 2), ins("us", 3, values{"a": "us"})}, nil},
	{deleteWins, "no delete", values{"a": "old"}, []write{set("eu", 1, values{"a": "eu"}), set("us", 2, values{"b": "us"})}, values{"a": "old", "b": "us"}},
	{updateWins, "later delete", values{"a": "old"}, []write{set("eu", 1, values{"a": "eu"}), del("us", 2)}, values{"a": "eu"}},
	{updateWins, "delete against insert", values{"a": "old"}, []write{del("us", 1), ins("us", 2, values{"a": "us"}), del("eu", 3)}, values{"a": "us"}},
	{updateWins, "only deletes", values{"a": "old"}, []write{del("us", 1), del("eu", 2)}, nil},
	{usedCart, "counted on", values{"n": "10", "a": "old"}, []write{set("eu", 1, values{"n": "=n+3"}), del("us", 3), set("ap", 2, values{"n": "=n-2", "a": "ap"})}, values{"n": "11", "a": "ap"}},

	{changed, "other columns", values{"a": "old", "b": "old", "street": "old", "city": "old"}, []write{set("eu", 1, values{"a": "eu"}), set("us", 2, values{"b": "us"}), set("ap", 1, values{"street": "ap"})}, values{"a": "eu", "b": "us", "street": "ap", "city": "old"}},
	{changed, "one column", values{"a": "old", "b": "old"}, []write{set("eu", 2, values{"a": "eu"}), set("us", 1, values{"a": "us", "b": "us"})}, values{"a": "eu", "b": "us"}},
	{changed, "a group", values{"street": "old", "city": "old"}, []write{set("eu", 1, values{"street": "eu"}), set("us", 2, values{"city": "us"})}, values{"street": "old", "city": "us"}},
	{changed, "NULL is a value", values{"a": "old", "b": "NULL"}, []write{set("eu", 2, values{"a": "NULL"}), set("us", 1, values{"a": "us", "b": "us"})}, values{"a": "NULL", "b": "us"}},
	{changed, "a value written anew is no change", values{"a": "old", "b": "old"}, []write{set("eu", 1, values{"a": "eu"}), set("us", 2, values{"a": "old", "b": "us"})}, values{"a": "eu", "b": "us"}},
	{changed, "inserts", nil, []write{ins("eu", 1, values{"a": "eu"}), ins("us", 2, values{"b": "us"}), set("eu", 3, values{"street": "eu"})}, values{"a": "NULL", "b": "us", "street": "eu", "city": "NULL"}},
	{changed, "an update brings the row back", values{"a": "old", "b": "old"}, []write{del("eu", 1), set("us", 2, values{"a": "us"}), set("ap", 1, values{"b": "ap"})}, values{"a": "us", "b": "ap"}},

	{counted, "all count", values{"n": "10", "d": "10.50", "r": "1"}, []write{set("eu", 1, values{"n": "=n+3", "d": "=d+0.25"}), set("us", 1, values{"n": "=n-2", "d": "=d-1.10"}), set("ap", 1, values{"n": "=n+5"})}, values{"n": "16", "d": "9.65", "r": "1"}},
	{counted, "several of one region", values{"n": "10"}, []write{set("eu", 1, values{"n": "=n+1"}), set("eu", 2, values{"n": "=n+1"}), set("us", 3, values{"n": "=n*2"})}, values{"n": "22"}},
	{counted, "scale and sign", values{"d": "0.01"}, []write{set("eu", 1, values{"d": "=d-0.02"}), set("us", 2, values{"d": "=d+0.01"})}, values{"d": "0.00"}},
	{counted, "from NULL", values{"n": "NULL"}, []write{set("eu", 1, values{"n": "5"}), set("us", 2, values{"n": "7"})}, values{"n": "7"}},
	{counted, "to NULL and on", values{"n": "10"}, []write{set("eu", 1, values{"n": "NULL"}), set("us", 2, values{"n": "=n+3"})}, values{"n": "13"}},
	{counted, "to NULL", values{"n": "10"}, []write{set("eu", 1, values{"n": "=n+3"}), set("us", 2, values{"n": "NULL"})}, values{"n": "NULL"}},
	{counted, "reset, and on", values{"r": "10"}, []write{set("eu", 1, values{"r": "0"}), set("us", 2, values{"r": "=r+5"})}, values{"r": "5"}},
	{counted, "reset at last", values{"r": "10"}, []write{set("eu", 2, values{"r": "0"}), set("us", 1, values{"r": "=r+5"})}, values{"r": "0"}},
	{counted, "inserts", nil, []write{ins("eu", 1, values{"n": "5"}), ins("us", 2, values{"n": "7"}), set("us", 3, values{"n": "=n+1"})}, values{"n": "8"}},

	{highest, "the most", values{"n": "1", "d": "1.00", "day": "2026-01-01"}, []write{set("eu", 2, values{"n": "9", "d": "2.5"}), set("us", 1, values{"n": "10", "day": "2026-02-01"}), set("ap", 3, values{"d": "2.25", "day": "2026-01-31"})}, values{"n": "10", "d": "2.50", "day": "2026-02-01"}},
	{highest, "less, at last", values{"n": "10"}, []write{set("us", 1, values{"n": "20"}), set("eu", 2, values{"n": "5"})}, values{"n": "5"}},
	{highest, "less, at first", values{"n": "10"}, []write{set("eu", 1, values{"n": "5"}), set("us", 2, values{"n": "20"})}, values{"n": "20"}},
	{highest, "from NULL", values{"n": "NULL"}, []write{set("eu", 1, values{"n": "8"}), set("us", 2, values{"n": "3"})}, values{"n": "3"}},
	{lowest, "the least", values{"n": "100", "d": "9.00", "day": "2026-12-31"}, []write{set("eu", 2, values{"n": "10", "d": "-2.5"}), set("us", 1, values{"n": "9", "day": "2026-02-01"}), set("ap", 3, values{"d": "-2.25", "day": "2026-02-02"})}, values{"n": "9", "d": "-2.50", "day": "2026-02-01"}},

	{members, "added and removed", values{"l": `["b"]`, "j": `[1, "b"]`, "s": "x,y", "f": `["b"]`}, []write{
		set("eu", 1, values{"l": `["b","a"]`, "j": `[1, "b", 10]`, "s": "y,x,z", "f": `["a","b"]`}),
		set("us", 1, values{"l": `["b","c d"]`, "j": `["b"]`, "s": "y", "f": `["b","c"]`}),
		set("ap", 1, values{"l": `[]`, "j": `[1, "b", 9, {"k": 1}]`, "s": "x,y,ä", "f": `[]`}),
	}, values{"l": `["a","c d"]`, "j": `[10,9,"b",{"k":1}]`, "s": "y,z,ä", "f": `["a","c"]`}},
	{oddSets, "in the order of its definition", values{"o": `["b"]`}, []write{set("eu", 1, values{"o": `["b","a"]`}), set("us", 1, values{"o": `["c","b"]`}), set("ap", 1, values{"o": `[]`})}, values{"o": `["a","c"]`}},
	{members, "odd members", values{"l": `["\"", "q"]`, "j": `["\"", "q"]`}, []write{
		set("eu", 1, values{"l": `["\"", "q", "", "a,b", "NULL"]`, "j": `["\"", "q", "", "a,b", null]`}),
		set("us", 2, values{"l": `["q", "a\\b", "A", "~"]`, "j": `["q", "a\\b", "A", true]`}),
	}, values{"l": `["","A","NULL","a,b","a\\b","q","~"]`, "j": `["","A","a,b","a\\b",null,"q",true]`}},
	{members, "one added twice", values{"l": `[]`, "s": "", "f": `[]`}, []write{set("eu", 1, values{"l": `["k"]`, "s": "k", "f": `["a"]`}), set("us", 2, values{"l": `["k"]`, "s": "k", "f": `["a"]`})}, values{"l": `["k"]`, "s": "k", "f": `["a"]`}},
	{members, "from NULL", values{"l": "NULL"}, []write{set("eu", 1, values{"l": `["e"]`}), set("us", 2, values{"l": `["u"]`})}, values{"l": `["u"]`}},

	{documents, "members of objects", values{"j": `{"a": 1, "n": {"x": 1, "y": 1}, "l": [1], "long name": 0}`}, []write{
		set("eu", 1, values{"j": `{"a": 2, "n": {"x": 1, "y": 1}, "l": [1], "long name": 0}`}),
		set("us", 1, values{"j": `{"long name": 0, "a": 1, "n": {"y": 1, "x": 2}, "l": [1]}`, "a": "us"}),
		set("ap", 1, values{"j": `{"a": 1, "n": {"x": 1}, "l": [1], "b": true, "é\"<\\": "é"}`}),
	}, values{"j": `{"a":2,"b":true,"l":[1],"n":{"x":2},"é\"<\\":"é"}`, "a": "us"}},
	{documents, "one member", values{"j": `{"a": 1, "l": [1]}`}, []write{set("eu", 2, values{"j": `{"a": 2, "l": [1]}`}), set("us", 1, values{"j": `{"a": 3, "l": [1, 2]}`}), set("ap", 2, values{"j": `{"a": 1, "l": [0]}`})}, values{"j": `{"a":2,"l":[0]}`}},
	{documents, "no object", values{"j": `{"a": 1}`}, []write{set("eu", 1, values{"j": `[1]`}), set("us", 2, values{"j": `{"a": 2}`})}, values{"j": `{"a":2}`}},

	{journals, "all entries", values{"t": "start;", "l": `["start"]`, "j": `[0]`, "s": "one"}, []write{
		set("eu", 2, values{"t": "start;eu;", "l": `["start", "e u"]`, "j": `[0, {"eu": 1}]`, "s": "one, two"}),
		set("us", 1, values{"t": "start;us;", "l": `["start", "us", "us"]`, "j": `[0, "us"]`, "s": "one, three"}),
		set("ap", 2, values{"t": "start;ap;", "l": `["start", "ap"]`, "j": `[0, 1]`}),
	}, values{"t": "start;us;ap;eu;", "l": `["start","us","us","ap","e u"]`, "j": `[0,"us",1,{"eu":1}]`, "s": "one, three, two"}},
	{journals, "edited", values{"t": "start;", "l": `["a", "b"]`}, []write{set("eu", 1, values{"t": "new;", "l": `["b"]`}), set("us", 2, values{"t": "start;us;", "l": `["a", "b", "c"]`})}, values{"t": "new;us;", "l": `["b","c"]`}},
	{journals, "from nothing", values{"t": "", "l": `[]`, "s": ""}, []write{set("eu", 1, values{"t": "a", "l": `["a"]`, "s": "a"}), set("us", 2, values{"t": "b", "l": `["b"]`, "s": "b"})}, values{"t": "ab", "l": `["a","b"]`, "s": "a, b"}},
}
