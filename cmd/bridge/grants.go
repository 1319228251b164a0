package main

import (
	"bytes"
	"errors"
	"io"
)

// grantsCommand is "bridge grants". It needs no connection: the role that would connect may not exist
// yet.
type grantsCommand struct {
	Operator string `placeholder:"ROLE" help:"Print instead what a person's role (MySQL: user) needs for \"bridge conflicts\"."`
	ReadOnly bool   `help:"With --operator: to look at conflicts, not to resolve them."`
}

// Run is called by kong.
func (cmd *grantsCommand) Run(s *session) error {
	c, err := s.config()
	if err != nil {
		return err
	}
	var sql bytes.Buffer
	switch {
	case cmd.Operator != "":
		err = databaseOf(c).operatorGrants(&sql, cmd.Operator, cmd.ReadOnly)
	case cmd.ReadOnly:
		err = usageError(errors.New("--read-only goes with --operator ROLE"))
	default:
		err = databaseOf(c).grants(&sql)
	}
	if err != nil {
		return err
	}
	s.outcome.result = map[string]string{"sql": sql.String()}
	s.outcome.human = func(w io.Writer) error { _, err := w.Write(sql.Bytes()); return err }
	return nil
}
