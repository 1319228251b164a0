// Package explain says what rules do and did: "bridge rules explain", "bridge rules try", "bridge blame".
package explain

// Rules is "bridge rules".
type Rules struct {
	Explain rulesExplain `cmd:"" help:"Say in words what happens for each kind of conflict on a table."`
	Try     rulesTry     `cmd:"" help:"Decide the recorded conflicts again by changed rules, and show what would differ. Nothing is written."`
}
