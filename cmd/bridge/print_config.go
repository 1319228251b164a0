package main

import (
	"fmt"
	"io"

	"gopkg.in/yaml.v3"

	"bridge/cmd/bridge/internal/shell"
)

// printConfigCommand is "bridge print-config": the file with defaults filled in, variables expanded,
// overrides applied and secrets masked.
type printConfigCommand struct{}

// Run is called by kong.
func (*printConfigCommand) Run(s *shell.Session) error {
	c, err := s.Config()
	if err != nil {
		return err
	}
	text, err := yaml.Marshal(c)
	if err != nil {
		return fmt.Errorf("print the configuration: %w", err)
	}
	var tree map[string]any // the same names in JSON
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return fmt.Errorf("print the configuration: %w", err)
	}
	s.Outcome.Result = tree
	s.Outcome.Human = func(w io.Writer) error { _, err := w.Write(text); return err }
	return nil
}
