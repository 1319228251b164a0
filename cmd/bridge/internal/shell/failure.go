package shell

import "errors"

// The exit codes. Zero is success.
const (
	ExitRuntime     = 1 // something failed while running
	ExitUsage       = 2 // the command line or the configuration is wrong
	ExitEnvironment = 3 // the database, the broker or the machine isn't as bridge needs it
)

// failure is an error with its exit code; an error without one is ExitRuntime.
type failure struct {
	code int
	err  error
}

// Usage is err with the exit code ExitUsage.
func Usage(err error) error { return &failure{ExitUsage, err} }

// Environment is err with the exit code ExitEnvironment.
func Environment(err error) error { return &failure{ExitEnvironment, err} }

// Runtime is err with the exit code ExitRuntime, whatever code it has so far.
func Runtime(err error) error { return &failure{ExitRuntime, err} }

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// ExitCode is that of what a command returns; hasCode says whether the error tells it itself.
func ExitCode(err error) (code int, hasCode bool) {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.code, true
	}
	if err != nil {
		return ExitRuntime, false
	}
	return 0, false
}
