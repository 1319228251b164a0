package settings

import (
	"slices"
	"strings"

	"bridge/change"
	"bridge/cmd/bridge/internal/shell"
	"bridge/compare"
	"bridge/config"
	"bridge/naming"
	"bridge/value"
)

// Translation is how a region's rows differ from what they are between the regions.
type Translation struct {
	Names  naming.Names
	Policy func(change.TableName, string) value.Policy // see [ValuePolicy]
	Others []value.Engine                              // of the other regions, but for this one's
}

// TranslationOf is that of a configuration's region.
func TranslationOf(c *config.Config) (t Translation, err error) {
	if t.Names, err = Names(c); err == nil {
		t.Policy, err = ValuePolicy(c)
	}
	t.Others = OtherEngines(c)
	return t, err
}

// Compared is what of a region's database is compared.
func (t *Translation) Compared(selected func(change.TableName) bool) compare.Scope {
	return compare.Scope{Selected: selected, Names: t.Names, Policy: t.Policy}
}

// Names are what a region's tables and columns are called between the regions.
func Names(c *config.Config) (naming.Names, error) {
	rules := naming.Rules{Schemas: c.Tables.Schemas}
	for table, r := range c.Tables.Rename {
		rules.Tables = append(rules.Tables, naming.Table{Local: TableName(table), Stream: TableName(r.To), Columns: r.Columns})
	}
	slices.SortFunc(rules.Tables, func(a, b naming.Table) int { return strings.Compare(a.Local.String(), b.Local.String()) })
	n, err := naming.New(rules)
	if err != nil {
		return n, shell.Usage(err)
	}
	return n, nil
}

// TableName takes schema.table apart; it's the zero name of an empty one.
func TableName(text string) change.TableName {
	schema, name, _ := strings.Cut(text, ".")
	return change.TableName{Schema: schema, Name: name}
}

// OtherEngines are the engines of the other regions, but for this one's.
func OtherEngines(c *config.Config) (others []value.Engine) {
	for _, region := range Regions(c) {
		engine := value.Engine(c.EngineOf(region)) // the words are the same
		if engine != value.Engine(c.Database.Engine) && !slices.Contains(others, engine) {
			others = append(others, engine)
		}
	}
	return others
}

// ValuePolicy is what becomes of values that a column can't hold; nil without any such setting.
func ValuePolicy(c *config.Config) (func(change.TableName, string) value.Policy, error) {
	if len(c.Tables.OnUnrepresentable) == 0 {
		return nil, nil
	}
	policies := map[string]value.Policy{}
	for column, word := range c.Tables.OnUnrepresentable {
		p, err := value.ParsePolicy(word)
		if err != nil {
			return nil, shell.Usage(err)
		}
		policies[column] = p
	}
	return func(t change.TableName, column string) value.Policy { return policies[t.String()+"."+column] }, nil
}

// Table is the table that a person means by its name here or between the regions.
type Table struct{ Local, Stream change.TableName }

// FindTable takes a table's name here or between the regions; where it could be either, the latter.
func FindTable(c *config.Config, text string) (t Table, err error) {
	names, err := Names(c)
	if err != nil {
		return t, err
	}
	t.Local, t.Stream = TableName(text), TableName(text)
	if local, err := names.Local(t.Stream); err == nil {
		t.Local = local
		return t, nil
	}
	t.Stream, err = names.Stream(t.Local)
	return t, err
}

// String is the name here, and that between the regions where it's another.
func (t Table) String() string {
	if t.Local == t.Stream {
		return t.Local.String()
	}
	return t.Local.String() + " (" + t.Stream.String() + " between the regions)"
}
