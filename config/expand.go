package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// Outside is where expansions come from; the zero value is the process's environment and files.
type Outside struct {
	LookupEnv func(name string) (string, bool)
	ReadFile  func(name string) ([]byte, error)
}

func (o Outside) lookup(name string) (string, bool) {
	if o.LookupEnv != nil {
		return o.LookupEnv(name)
	}
	return os.LookupEnv(name)
}

// secretFile reads a file that holds one secret, less the newline that editors put at its end.
func (o Outside) secretFile(name string) (string, error) {
	read := os.ReadFile
	if o.ReadFile != nil {
		read = o.ReadFile
	}
	b, err := read(name)
	if err != nil {
		return "", err
	}
	text := strings.TrimSuffix(string(b), "\n")
	return strings.TrimSuffix(text, "\r"), nil
}

// expand replaces ${VAR}, ${VAR:default} and ${file:/path} in a scalar; $${ stands for ${ itself. What
// comes in isn't expanded again. A variable that's set but empty is empty: the default is for one that
// isn't set.
func (o Outside) expand(text string) (string, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			return b.String(), nil
		}
		if literal, ok := strings.CutSuffix(before, "$"); ok {
			b.WriteString(literal + "${")
			text = rest
			continue
		}
		b.WriteString(before)
		reference, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", errors.New(`has "${" without "}"; write $${ for a literal ${`)
		}
		value, err := o.reference(reference)
		if err != nil {
			return "", err
		}
		b.WriteString(value)
		text = after
	}
}

// reference resolves what stands between ${ and }.
func (o Outside) reference(ref string) (string, error) {
	name, fallback, hasDefault := strings.Cut(ref, ":")
	if name == "file" && hasDefault {
		text, err := o.secretFile(fallback)
		if err != nil {
			return "", fmt.Errorf("refers to a file: %w", err)
		}
		return text, nil
	}
	if !variable(name) {
		return "", fmt.Errorf("has ${%s}, which is neither ${VAR}, ${VAR:default} nor ${file:/path}", name)
	}
	if value, ok := o.lookup(name); ok {
		return value, nil
	}
	if hasDefault {
		return fallback, nil
	}
	return "", fmt.Errorf("refers to the environment variable %s, which isn't set; set it or write ${%s:default}", name, name)
}

func variable(name string) bool {
	for i, c := range name {
		letter := c == '_' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
