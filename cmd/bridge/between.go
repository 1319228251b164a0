package main

import (
	"slices"
	"strings"

	"bridge/change"
	"bridge/compare"
	"bridge/config"
	"bridge/naming"
	"bridge/value"
)

// between is how a region's rows differ from what they are between the regions.
type between struct {
	names  naming.Names
	policy func(change.TableName, string) value.Policy
	others []value.Engine // of the other regions, but for this one's
}

func betweenRegions(c *config.Config) (b between, err error) {
	if b.names, err = names(c); err == nil {
		b.policy, err = policy(c)
	}
	b.others = otherEngines(c)
	return b, err
}

// compared is what of a region's database is compared.
func (b *between) compared(selected func(change.TableName) bool) compare.Scope {
	return compare.Scope{Selected: selected, Names: b.names, Policy: b.policy}
}

// names are what a region's tables and columns are called between the regions.
func names(c *config.Config) (naming.Names, error) {
	rules := naming.Rules{Schemas: c.Tables.Schemas}
	for table, r := range c.Tables.Rename {
		rules.Tables = append(rules.Tables, naming.Table{Local: tableName(table), Stream: tableName(r.To), Columns: r.Columns})
	}
	slices.SortFunc(rules.Tables, func(a, b naming.Table) int { return strings.Compare(a.Local.String(), b.Local.String()) })
	n, err := naming.New(rules)
	if err != nil {
		return n, usageError(err)
	}
	return n, nil
}

// tableName takes schema.table apart; it's the zero name of an empty one.
func tableName(text string) change.TableName {
	schema, name, _ := strings.Cut(text, ".")
	return change.TableName{Schema: schema, Name: name}
}

// otherEngines are the engines of the other regions, but for this one's.
func otherEngines(c *config.Config) (others []value.Engine) {
	for _, region := range regionNames(c) {
		engine := value.Engine(c.EngineOf(region)) // the words are the same
		if engine != value.Engine(c.Database.Engine) && !slices.Contains(others, engine) {
			others = append(others, engine)
		}
	}
	return others
}

// policy is what becomes of values that a column can't hold; nil without any such setting.
func policy(c *config.Config) (func(change.TableName, string) value.Policy, error) {
	if len(c.Tables.OnUnrepresentable) == 0 {
		return nil, nil
	}
	policies := map[string]value.Policy{}
	for column, word := range c.Tables.OnUnrepresentable {
		p, err := value.ParsePolicy(word)
		if err != nil {
			return nil, usageError(err)
		}
		policies[column] = p
	}
	return func(t change.TableName, column string) value.Policy { return policies[t.String()+"."+column] }, nil
}

// namedTable is the table that a person means by its name here or between the regions.
type namedTable struct{ local, stream change.TableName }

func findTable(c *config.Config, text string) (t namedTable, err error) {
	names, err := names(c)
	if err != nil {
		return t, err
	}
	t.local, t.stream = tableName(text), tableName(text)
	if local, err := names.Local(t.stream); err == nil {
		t.local = local
		return t, nil
	}
	t.stream, err = names.Stream(t.local)
	return t, err
}

// String is the name here, and that between the regions where it's another.
func (t namedTable) String() string {
	if t.local == t.stream {
		return t.local.String()
	}
	return t.local.String() + " (" + t.stream.String() + " between the regions)"
}
