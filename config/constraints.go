package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// UniquePolicy says what becomes of the row that loses a value of a unique key. The short form is `park`: the row is hidden, and stands in
// bridge.parked until the value is free. The others show it altered.
type UniquePolicy struct {
	// The key's column that is NULL in the row that's shown.
	Null string `yaml:"null,omitempty"`
	// The key's column, one of text, that has another value in the row that's shown: its own one and the row's key.
	Rename string `yaml:"rename,omitempty"`

	word string // of the short form
}

// shorten takes the short form.
func (p *UniquePolicy) shorten(text string) { p.word = text }

// MarshalYAML writes the short form where that says it all.
func (p UniquePolicy) MarshalYAML() (any, error) {
	type long UniquePolicy
	if p.Null == "" && p.Rename == "" {
		return Park, nil
	}
	return long(p), nil
}

// Column is the column that the policy alters; empty if the row is parked.
func (p UniquePolicy) Column() string { return p.Null + p.Rename }

// Words of the policies.
const (
	Park       = "park"
	SetNull    = "set_null"
	Drop       = "drop"
	KeepParent = "keep_parent"
)

// keyColumns takes a constraint's columns apart, and reports where they aren't written as they should be.
func (v *validator) keyColumns(at, key string) []string {
	columns := strings.Split(key, ", ")
	for i, c := range columns {
		if c == "" || strings.TrimSpace(c) != c || strings.Contains(c, ",") || slices.Contains(columns[:i], c) {
			v.problem(at, "isn't a list of columns", `join their names by comma and space, in the key's order, each once: "org, name"`)
			break
		}
	}
	return columns
}

// merged says why rows that are merged by columns can't be shown altered: an application's write to such a row would be merged with values that it
// hasn't seen, in the regions that haven't shown it so.
const merged = "would show rows altered, and the table's rows are merged by columns, which isn't built yet"

func (v *validator) uniquePolicies(at string, t *TableConflicts) {
	policies := t.Unique
	for _, key := range slices.Sorted(maps.Keys(policies)) {
		p, at := policies[key], at+"."+key
		if p.Column() != "" && (t.Columns != nil || t.Groups != nil) {
			v.problem(at, merged, "choose park, or leave columns and groups out")
		}
		columns := v.keyColumns(at, key)
		switch {
		case p.word != "" && p.word != Park:
			v.oneOf(at, p.word, Park, "{null: column}", "{rename: column}")
		case p.word == "" && (p.Null == "") == (p.Rename == ""):
			v.problem(at, "says nothing, or two things", "write park, {null: column} or {rename: column}")
		case p.Column() != "" && !slices.Contains(columns, p.Column()):
			v.problem(at, fmt.Sprintf("alters column %s, which isn't in the key", p.Column()), "name one of "+strings.Join(columns, ", "))
		}
	}
}

func (v *validator) foreignPolicies(at string, t *TableConflicts) {
	policies := t.ForeignKeys
	for _, key := range slices.Sorted(maps.Keys(policies)) {
		if policies[key] == SetNull && (t.Columns != nil || t.Groups != nil) {
			v.problem(at+"."+key, merged, "choose park, or leave columns and groups out")
		}
		v.keyColumns(at+"."+key, key)
		v.oneOf(at+"."+key, policies[key], Park, SetNull, Drop, KeepParent)
	}
}
