package config

import (
	"errors"
	"regexp"
	"strings"
)

// splitPattern parts a pattern at its first dot. A schema's name that holds a dot can be matched with
// a question mark in its place.
func splitPattern(pattern string) (schema, table string, err error) {
	schema, table, ok := strings.Cut(pattern, ".")
	if !ok || schema == "" || table == "" {
		return "", "", errors.New("isn't of the form schema.table")
	}
	return schema, table, nil
}

func matchAny(patterns []string, schema, table string) bool {
	for _, p := range patterns {
		s, t, err := splitPattern(p)
		if err == nil && glob(s, schema) && glob(t, table) {
			return true
		}
	}
	return false
}

// glob matches the whole name; "*" is any run of characters and "?" is one. It goes back only to the
// last star, so it takes at most len(pattern) × len(name) steps.
func glob(pattern, name string) bool {
	p, s := []rune(pattern), []rune(name)
	i, j := 0, 0
	star, mark := -1, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == s[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// systemSchema finds the schemas whose tables are never replicated.
func systemSchema(engine, schema string) bool {
	switch schema {
	case "bridge", "information_schema":
		return true
	case "mysql", "performance_schema", "sys":
		return engine != PostgreSQL
	}
	return engine == PostgreSQL && strings.HasPrefix(schema, "pg_")
}

// Regexp is the pattern as a pair of anchored regular expressions, for schema and table, in the
// syntax that Go and PostgreSQL share.
func Regexp(pattern string) (schema, table string) {
	s, t, _ := splitPattern(pattern)
	return anchored(s), anchored(t)
}

func anchored(glob string) string {
	quoted := regexp.QuoteMeta(glob)
	return "^" + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(quoted) + "$"
}
