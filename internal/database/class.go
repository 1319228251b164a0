package database

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"net"
	"strconv"
)

// Class says what to do about an error of the database.
type Class uint8

// The classes of error. Zero is none of them.
const (
	// Retry heals by itself: decide again and try again, after a lost connection on a new one.
	Retry Class = iota + 1
	// Conflict is a constraint of this database that the row violates.
	Conflict
	// Poison is a row, or a table's shape, that this database can't take however often it's tried.
	Poison
	// Fatal is everything else: missing privileges, wrong configuration, bridge's own faults.
	Fatal
)

// String is the class's word in logs and metrics.
func (c Class) String() string {
	switch c {
	case Retry:
		return "retry"
	case Conflict:
		return "conflict"
	case Poison:
		return "poison"
	case Fatal:
		return "fatal"
	}
	return "class " + strconv.Itoa(int(c))
}

// IsCertificate finds the errors of connecting that are about a certificate: no retry heals them.
func IsCertificate(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	return unknown || host
}

// IsConnection finds the errors of a connection that wasn't made, or that was lost. A file that can't be
// read (a certificate's, say) isn't one, although its system error passes for a network's.
func IsConnection(err error) bool {
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return false
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return true
	}
	_, network := errors.AsType[net.Error](err)
	return network
}
