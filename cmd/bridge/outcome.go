package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"bridge/config"
)

// outcome is what a command has to say when it ends. A command that fails may have one, too.
type outcome struct {
	summary string                  // one line
	result  any                     // for --json
	human   func(w io.Writer) error // the same for people, before the summary; nil has nothing to add
	// streamed says that the command has printed its results while it ran: only an error is left to tell.
	streamed bool
}

// envelope is what --json prints.
type envelope struct {
	Command string         `json:"command"`
	OK      bool           `json:"ok"`
	Summary string         `json:"summary"`
	Result  any            `json:"result"`
	Error   *envelopeError `json:"error"`
}

type envelopeError struct {
	Exit     int              `json:"exit"`
	Message  string           `json:"message"`
	Problems []config.Problem `json:"problems,omitempty"` // of the configuration
}

// print shows a command's outcome: results on standard output, the error on standard error.
func (s *session) print(command string, err error) (code int) {
	code, _ = exitCode(err)
	show := s.printText
	if s.flags.JSON && !s.outcome.streamed {
		show = s.printJSON
	}
	if failed := show(command, err, code); failed != nil && code == 0 {
		fmt.Fprintf(s.stderr, "bridge: print the result: %v\n", failed)
		return exitRuntime
	}
	return code
}

func (s *session) printText(_ string, err error, _ int) error {
	if s.outcome.human != nil {
		if failed := s.outcome.human(s.stdout); failed != nil {
			return failed
		}
	}
	if err != nil {
		fmt.Fprintf(s.stderr, "bridge: %v\n", err)
		return nil
	}
	if s.outcome.summary != "" {
		_, err = fmt.Fprintln(s.stdout, s.outcome.summary)
	}
	return err
}

func (s *session) printJSON(command string, err error, code int) error {
	e := envelope{Command: command, OK: err == nil, Summary: s.outcome.summary, Result: s.outcome.result}
	if err != nil {
		e.Error = &envelopeError{Exit: code, Message: err.Error()}
		if p, ok := errors.AsType[*config.Problems](err); ok {
			e.Error.Problems = p.List
		}
		if e.Summary == "" {
			e.Summary = "failed"
		}
	}
	enc := json.NewEncoder(s.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(e)
}
