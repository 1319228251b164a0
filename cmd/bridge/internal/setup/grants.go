package setup

import (
	"bytes"
	"errors"
	"io"

	"bridge/cmd/bridge/internal/engines"
	"bridge/cmd/bridge/internal/shell"
)

// Grants is "bridge grants". It needs no connection: the role that would connect may not exist
// yet.
type Grants struct {
	Operator string `placeholder:"ROLE" help:"Print instead what a person's role (MySQL: user) needs for \"bridge conflicts\"."`
	ReadOnly bool   `help:"With --operator: to look at conflicts, not to resolve them."`
}

// Run is called by kong.
func (cmd *Grants) Run(s *shell.Session) error {
	c, err := s.Config()
	if err != nil {
		return err
	}
	var sql bytes.Buffer
	switch {
	case cmd.Operator != "":
		err = engines.Of(c).OperatorGrants(&sql, cmd.Operator, cmd.ReadOnly)
	case cmd.ReadOnly:
		err = shell.Usage(errors.New("--read-only goes with --operator ROLE"))
	default:
		err = engines.Of(c).Grants(&sql)
	}
	if err != nil {
		return err
	}
	s.Outcome.Result = map[string]string{"sql": sql.String()}
	s.Outcome.Human = func(w io.Writer) error { _, err := w.Write(sql.Bytes()); return err }
	return nil
}
