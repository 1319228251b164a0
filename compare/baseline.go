package compare

import (
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"bridge/change"
	"bridge/value"
	"bridge/wire"
)

// Fingerprint is equal for tables of one engine that are defined alike: columns with their types in any order, and the
// key.
func (t *Table) Fingerprint() uint64 {
	h := fnv.New64a()
	put := func(s string) { io.WriteString(h, s); h.Write([]byte{0}) } //nolint:errcheck // a hash doesn't fail
	for _, c := range slices.SortedFunc(slices.Values(t.Columns), func(a, b Column) int { return strings.Compare(a.Name, b.Name) }) {
		put(c.Name)
		put(c.describe())
	}
	put("") // no column has this name
	for _, k := range slices.Sorted(slices.Values(t.Key)) {
		put(k)
	}
	return h.Sum64()
}

// BaselineDifference is a table that two regions don't begin with alike.
type BaselineDifference struct {
	Table change.TableName
	Text  string // one line
}

// BaselineDifferences are the tables that regions a and b don't begin with alike, by name. Between engines, columns whose
// digests can't be compared, because of their types ([Digest]) or a policy that alters values, count as alike: [Run]
// compares them.
func BaselineDifferences(nameA string, a wire.Baseline, nameB string, b wire.Baseline) (out []BaselineDifference) {
	inA, inB := byName(a), byName(b)
	all := maps.Clone(inA)
	maps.Copy(all, inB)
	for _, name := range slices.SortedFunc(maps.Keys(all), compareNames) {
		ta, hasA := inA[name]
		tb, hasB := inB[name]
		var text string
		switch {
		case !hasA:
			text = fmt.Sprintf("isn't replicated by region %s, but by %s", nameA, nameB)
		case !hasB:
			text = fmt.Sprintf("isn't replicated by region %s, but by %s", nameB, nameA)
		default:
			p := baselinePair{nameA, nameB, &ta, &tb}
			text = p.difference()
		}
		if text != "" {
			out = append(out, BaselineDifference{name, text})
		}
	}
	return out
}

func byName(b wire.Baseline) map[change.TableName]wire.TableBaseline {
	out := make(map[change.TableName]wire.TableBaseline, len(b))
	for _, t := range b {
		out[t.TableName] = t
	}
	return out
}

// baselinePair is a table in two regions.
type baselinePair struct {
	nameA, nameB string
	a, b         *wire.TableBaseline
}

// difference is empty where they're alike.
func (p *baselinePair) difference() string {
	pairs, why := p.columns()
	switch {
	case p.a.Engine == p.b.Engine && p.a.Definition != p.b.Definition, why != "":
		return fmt.Sprintf("isn't defined alike in %s and %s%s", p.nameA, p.nameB, why)
	case p.a.Rows != p.b.Rows:
		return fmt.Sprintf("has %d rows in %s and %d in %s", p.a.Rows, p.nameA, p.b.Rows, p.nameB)
	case p.a.Engine == p.b.Engine && p.a.Content == p.b.Content:
		return ""
	}
	var columns []string
	for _, c := range pairs {
		switch {
		case c.key && !c.comparable:
			return "" // nothing names the same rows in both
		case c.comparable && c.a.Content != c.b.Content:
			columns = append(columns, strconv.Quote(c.a.Name))
		}
		if c.key && len(columns) > 0 {
			return p.otherRows("") // with other keys, every column differs
		}
	}
	switch len(columns) {
	case 0:
		return ""
	case 1:
		return p.otherRows(": they differ in column " + columns[0])
	}
	return p.otherRows(": they differ in columns " + strings.Join(columns, ", "))
}

func (p *baselinePair) otherRows(in string) string {
	return fmt.Sprintf("has %d rows in both %s and %s, but not the same ones%s", p.a.Rows, p.nameA, p.nameB, in)
}

// columnPair is a column in two regions.
type columnPair struct {
	a, b            *wire.ColumnBaseline
	key, comparable bool
}

// columns are those of the table, the key's first. why says what makes the definitions of two engines differ.
func (p *baselinePair) columns() (pairs []columnPair, why string) {
	in := map[string]*wire.ColumnBaseline{}
	for i := range p.b.Columns {
		in[p.b.Columns[i].Name] = &p.b.Columns[i]
	}
	for i := range p.a.Columns {
		a := &p.a.Columns[i]
		b := in[a.Name]
		delete(in, a.Name)
		switch {
		case b == nil:
			return nil, fmt.Sprintf(": column %q is missing in %s", a.Name, p.nameB)
		case a.Key != b.Key:
			return nil, fmt.Sprintf(": column %q is part of one's key only", a.Name)
		}
		comparable, err := p.carry(a, b)
		if err != nil {
			return nil, fmt.Sprintf(": column %q: %v", a.Name, err)
		}
		pairs = append(pairs, columnPair{a, b, a.Key, comparable})
	}
	if len(in) > 0 {
		return nil, fmt.Sprintf(": column %q is missing in %s", slices.Min(slices.Collect(maps.Keys(in))), p.nameA)
	}
	slices.SortStableFunc(pairs, func(x, y columnPair) int {
		switch {
		case x.key == y.key:
			return 0
		case x.key:
			return -1
		}
		return 1
	})
	return pairs, ""
}

// carry reports whether the digests of a column can be compared. The error says that its values can't be carried, or
// as keys don't name the same rows.
func (p *baselinePair) carry(a, b *wire.ColumnBaseline) (comparable bool, err error) {
	if p.a.Engine == p.b.Engine {
		return true, nil
	}
	ours, err := value.Declared(value.Engine(p.a.Engine), a.Type)
	if err != nil {
		return false, err
	}
	theirs, err := value.Declared(value.Engine(p.b.Engine), b.Type)
	if err != nil {
		return false, err
	}
	// What the widest policy carries is carried.
	if _, err := value.NewPlan(ours, theirs, value.TextValue); err != nil {
		return false, err
	}
	if _, err := value.NewPlan(theirs, ours, value.TextValue); err != nil {
		return false, err
	}
	if a.Key && ours.Class == value.Text && theirs.Class == value.Text { // of others the types don't tell all: an enum's labels
		if err := value.SameKey(ours, theirs); err != nil {
			return false, err
		}
	}
	return sameFamily(ours, theirs) && !a.Altered && !b.Altered, nil
}
