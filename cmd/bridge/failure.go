package main

import "errors"

// The exit codes. Zero is success.
const (
	exitRuntime     = 1 // something failed while running
	exitUsage       = 2 // the command line or the configuration is wrong
	exitEnvironment = 3 // the database, the broker or the machine isn't as bridge needs it
)

// failure is an error with its exit code; an error without one is exitRuntime.
type failure struct {
	code int
	err  error
}

// usageError is err with the exit code exitUsage.
func usageError(err error) error { return &failure{exitUsage, err} }

// environmentError is err with the exit code exitEnvironment.
func environmentError(err error) error { return &failure{exitEnvironment, err} }

// runtimeError is err with the exit code exitRuntime, whatever code it has so far.
func runtimeError(err error) error { return &failure{exitRuntime, err} }

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// exitCode is that of what a command returns; hasCode says whether the error tells it itself.
func exitCode(err error) (code int, hasCode bool) {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.code, true
	}
	if err != nil {
		return exitRuntime, false
	}
	return 0, false
}
