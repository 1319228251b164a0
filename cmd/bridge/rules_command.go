package main

// rulesCommand is "bridge rules".
type rulesCommand struct {
	Explain rulesExplainCommand `cmd:"" help:"Say in words what happens for each kind of conflict on a table."`
	Try     rulesTryCommand     `cmd:"" help:"Decide the recorded conflicts again by changed rules, and show what would differ. Nothing is written."`
}
