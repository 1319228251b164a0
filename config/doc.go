// Package config turns bridge's one YAML file into a validated value.
//
// It's strict: unknown keys, wrong types and contradictions are refused, all of them at once, each
// with its line, its path and what to do ([Problems]). Every default is in [Default]. A scalar may
// hold ${VAR}, ${VAR:default} and ${file:/path}; they are expanded after YAML was parsed, so a value
// from outside can't add keys. A few settings can come from the environment ([Environment]) and from
// flags; flags win over the environment, and that over the file.
//
// Secrets have types of their own ([Secret], [ConnString]) that print as "***".
//
// Only cmd/bridge imports this package: it hands the engines their own settings.
package config
