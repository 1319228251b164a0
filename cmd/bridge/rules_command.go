package main

import (
	"bridge/change"
	"bridge/config"
)

// rulesCommand is "bridge rules".
type rulesCommand struct {
	Explain rulesExplainCommand `cmd:"" help:"Say in words what happens for each kind of conflict on a table."`
	Try     rulesTryCommand     `cmd:"" help:"Decide the recorded conflicts again by changed rules, and show what would differ. Nothing is written."`
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
