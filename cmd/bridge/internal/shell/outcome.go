package shell

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"bridge/config"
)

// Outcome is what a command has to say when it ends. A command that fails may have one, too.
type Outcome struct {
	Summary string                  // one line
	Result  any                     // for --json
	Human   func(w io.Writer) error // the same for people, before the summary; nil has nothing to add
	// Streamed says that the command has printed its results while it ran: only an error is left to tell.
	Streamed bool
}

// Envelope is what --json prints.
type Envelope struct {
	Command string         `json:"command"`
	OK      bool           `json:"ok"`
	Summary string         `json:"summary"`
	Result  any            `json:"result"`
	Error   *EnvelopeError `json:"error"`
}

// EnvelopeError is why a command failed.
type EnvelopeError struct {
	Exit     int              `json:"exit"`
	Message  string           `json:"message"`
	Problems []config.Problem `json:"problems,omitempty"` // of the configuration
}

// Print shows a command's outcome: results on standard output, the error on standard error.
func (s *Session) Print(command string, err error) (code int) {
	code, _ = ExitCode(err)
	show := s.printText
	if s.Flags.JSON && !s.Outcome.Streamed {
		show = s.printJSON
	}
	if failed := show(command, err, code); failed != nil && code == 0 {
		fmt.Fprintf(s.Stderr, "bridge: print the result: %v\n", failed)
		return ExitRuntime
	}
	return code
}

func (s *Session) printText(_ string, err error, _ int) error {
	if s.Outcome.Human != nil {
		if failed := s.Outcome.Human(s.Stdout); failed != nil {
			return failed
		}
	}
	if err != nil {
		fmt.Fprintf(s.Stderr, "bridge: %v\n", err)
		return nil
	}
	if s.Outcome.Summary != "" {
		_, err = fmt.Fprintln(s.Stdout, s.Outcome.Summary)
	}
	return err
}

func (s *Session) printJSON(command string, err error, code int) error {
	e := Envelope{Command: command, OK: err == nil, Summary: s.Outcome.Summary, Result: s.Outcome.Result}
	if err != nil {
		e.Error = &EnvelopeError{Exit: code, Message: err.Error()}
		if p, ok := errors.AsType[*config.Problems](err); ok {
			e.Error.Problems = p.List
		}
		if e.Summary == "" {
			e.Summary = "failed"
		}
	}
	enc := json.NewEncoder(s.Stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(e)
}
