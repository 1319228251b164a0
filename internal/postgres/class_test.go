package postgres

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestClassify(t *testing.T) {
	state := func(code string) error {
		return fmt.Errorf("apply: %w", &pgconn.PgError{Code: code})
	}
	tests := []struct {
		err  error
		want Class
	}{
		{state("40001"), Retry}, {state("40P01"), Retry}, {state("55P03"), Retry},
		{state("57P01"), Retry}, {state("57P03"), Retry}, {state("57014"), Retry},
		{state("08006"), Retry}, {state("53300"), Retry}, {state("53100"), Retry}, {state("25006"), Retry},
		{state("23505"), Conflict}, {state("23503"), Conflict}, {state("23514"), Conflict}, {state("23P01"), Conflict},
		{state("22003"), Poison}, {state("22P02"), Poison}, {state("42703"), Poison}, {state("42P01"), Poison}, {state("P0001"), Poison}, {state("54000"), Poison}, {state("54001"), Fatal},
		{state("42501"), Fatal}, {state("42601"), Fatal}, {state("28P01"), Fatal}, {state("08P01"), Fatal},
		{state("40003"), Fatal}, {state("XX000"), Fatal}, {state("57P04"), Fatal}, {state(""), Fatal}, {state("2"), Fatal},
		{fmt.Errorf("read: %w", io.ErrUnexpectedEOF), Retry},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, Retry},
		{&net.DNSError{Name: "db"}, Retry},
		{context.DeadlineExceeded, Retry},
		{fmt.Errorf("dial: %w", x509.UnknownAuthorityError{}), Fatal},
		{errors.New("no idea"), Fatal},
	}
	for _, tt := range tests {
		if got := Classify(tt.err); got != tt.want {
			t.Errorf("Classify(%v) = %v, want %v", tt.err, got, tt.want)
		}
	}
}
