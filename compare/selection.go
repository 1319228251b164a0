package compare

import (
	"slices"

	"bridge/change"
	"bridge/value"
)

// Selection is what of a table is read in every region. Where every region is of one engine that hashes rows by
// itself, its own texts are compared; else each region's [Forms] say what is.
type Selection struct {
	change.TableName
	Columns []string // names, sorted; those that all regions have
	Key     []string // names
	numbers []bool   // of the key columns
	forms   map[string]*Forms
}

// Native reports whether the regions' servers compute hashes, of rows' texts as they are.
func (s *Selection) Native() bool { return s.forms == nil }

// Forms are a region's; nil of a native selection.
func (s *Selection) Forms(region string) *Forms { return s.forms[region] }

// Ordered reports whether rows must come in the order of [Selection.Compare]: a server can sort whole numbers so,
// and its own texts. The forms of other keys are sorted by [Run].
func (s *Selection) Ordered() bool { return s.Native() || !slices.Contains(s.numbers, false) }

// Compare orders keys' forms.
func (s *Selection) Compare(a, b []string) int {
	for i := range a {
		if c := compareTexts(a[i], b[i], s.numbers[i]); c != 0 {
			return c
		}
	}
	return 0
}

// selection is what of the table can be compared in the given regions; nil when its rows can't be: fewer than
// two regions have it, or they name its rows by different keys.
func (d definitions) selection(name change.TableName, regions []string) *Selection {
	there, tables := d.there(regions)
	if len(tables) < 2 || len(tables[0].Key) == 0 {
		return nil
	}
	for _, t := range tables[1:] {
		if !sameSet(t.Key, tables[0].Key) {
			return nil
		}
	}
	s := &Selection{TableName: name, Key: tables[0].Key}
	native := hashesItself(tables)
	for _, k := range s.Key {
		numbers := 0
		for _, t := range tables {
			if t.column(k).Number {
				numbers++
			}
		}
		if native && numbers > 0 && numbers < len(tables) {
			return nil // their texts have different orders
		}
		s.numbers = append(s.numbers, numbers == len(tables))
	}
	for _, c := range d.columnNames() {
		if !slices.ContainsFunc(tables, func(t *Table) bool { return t.column(c) == nil }) {
			s.Columns = append(s.Columns, c)
		}
	}
	if native {
		return s
	}
	if s.forms = newForms(s, there, tables); s.forms == nil {
		return nil
	}
	return s
}

// hashesItself reports whether all regions are of one engine whose servers can hash a row's text: not MySQL's, whose
// text of a float lacks digits.
func hashesItself(tables []*Table) bool {
	for _, t := range tables {
		if t.Engine != tables[0].Engine || t.Engine == value.MySQL || t.Engine == value.MariaDB {
			return false
		}
	}
	return true
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
