package main

import (
	"bytes"
	"io"

	"bridge/config"
)

// grantsCommand is "bridge grants". It needs no connection: the role that would connect may not exist
// yet.
type grantsCommand struct{}

// Run is called by kong.
func (*grantsCommand) Run(s *session) error {
	c, err := s.config()
	if err != nil {
		return err
	}
	var sql bytes.Buffer
	if err := databaseOf(c).grants(&sql); err != nil {
		return err
	}
	s.outcome.result = map[string]string{"sql": sql.String()}
	s.outcome.human = func(w io.Writer) error { _, err := w.Write(sql.Bytes()); return err }
	return nil
}

// expressions are table patterns as regular expressions for the catalog.
func expressions(patterns []string) [][2]string {
	pairs := make([][2]string, len(patterns))
	for i, p := range patterns {
		pairs[i][0], pairs[i][1] = config.Regexp(p)
	}
	return pairs
}
