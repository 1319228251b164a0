package database_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"

	"bridge/internal/database"
)

func TestIsConnection(t *testing.T) {
	_, missing := os.ReadFile("/no/such/file")
	_, refused := net.Dial("unix", "/no/such/socket")
	for _, test := range []struct {
		err  error
		want bool
	}{
		{io.EOF, true},
		{fmt.Errorf("read: %w", io.ErrUnexpectedEOF), true},
		{net.ErrClosed, true},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, true},
		{refused, true},
		{missing, false},
		{fs.ErrNotExist, false},
		{errors.New("syntax"), false},
	} {
		if got := database.IsConnection(test.err); got != test.want {
			t.Errorf("%v: %t, want %t", test.err, got, test.want)
		}
	}
}
