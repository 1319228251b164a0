package mysql

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-mysql-org/go-mysql/client"
	"github.com/go-mysql-org/go-mysql/mysql"

	"bridge/internal/database"
)

// Server says where a server is and who connects.
type Server struct {
	Host     string // name or address; empty is 127.0.0.1
	Port     uint16 // 0 is 3306
	Socket   string // path of the Unix socket; set, it's used instead of Host and Port
	User     string
	Password string
	// SSLMode is MySQL's word (disabled, preferred, required, verify_ca, verify_identity) or libpq's
	// (disable, allow, prefer, require, verify-ca, verify-full). Empty is prefer: TLS if the server
	// offers it. A Unix socket never uses TLS.
	SSLMode    string
	CAFile     string // certificates to trust, PEM; empty is the system's under the verify modes
	CertFile   string // the client's certificate, PEM
	KeyFile    string // and its key
	ServerName string // the name to verify instead of Host

	ConnectTimeout time.Duration // 0 is 10 s
}

// Network and address are what to dial.
func (s Server) Network() (network, address string) {
	if s.Socket != "" {
		return "unix", s.Socket
	}
	host, port := s.Host, s.Port
	if host == "" {
		host = "127.0.0.1"
	}
	if port == 0 {
		port = 3306
	}
	return "tcp", net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// String is the address for messages; it names no secret.
func (s Server) String() string {
	_, address := s.Network()
	return address
}

func (s Server) connectTimeout() time.Duration {
	if s.ConnectTimeout > 0 {
		return s.ConnectTimeout
	}
	return 10 * time.Second
}

// Dialer is how bridge dials servers: with the connect timeout, keepalive, and a limit of how long sent
// data may stay without an acknowledgement before the connection counts as lost.
func (s Server) Dialer() *net.Dialer {
	return &net.Dialer{
		Timeout:         s.connectTimeout(),
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 4},
		Control:         database.LimitUnacknowledged(3 * time.Minute),
	}
}

// TLS is the configuration for connections to the server, nil for none. required says that a server
// without TLS is refused.
func (s Server) TLS() (config *tls.Config, required bool, err error) {
	mode, err := database.SSLMode(s.SSLMode)
	if err != nil {
		return nil, false, err
	}
	if s.Socket != "" || mode == "disable" || mode == "allow" { // allow is libpq's: without, where the server lets us
		return nil, false, nil
	}
	config = &tls.Config{ServerName: s.ServerName, MinVersion: tls.VersionTLS12}
	if config.ServerName == "" {
		network, address := s.Network()
		if config.ServerName, _, err = net.SplitHostPort(address); err != nil {
			return nil, false, fmt.Errorf("address %s %s of the server: %w", network, address, err)
		}
	}
	if err := s.loadCertificates(config); err != nil {
		return nil, false, err
	}
	switch {
	case mode == "verify-full":
	case mode == "verify-ca", mode == "require" && s.CAFile != "": // as libpq: a given authority is checked
		verifyAuthorityOnly(config)
	default:
		config.InsecureSkipVerify = true // encrypted, but to whomever
	}
	return config, mode != "" && mode != "prefer", nil
}

func (s Server) loadCertificates(config *tls.Config) error {
	if s.CAFile != "" {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			return fmt.Errorf("TLS file for the database connection: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("TLS file for the database connection: %s has no certificate in PEM form", s.CAFile)
		}
	}
	if s.CertFile == "" && s.KeyFile == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
	if err != nil {
		return fmt.Errorf("TLS certificate for the database connection (%s, %s): %w", s.CertFile, s.KeyFile, err)
	}
	config.Certificates = []tls.Certificate{pair}
	return nil
}

// verifyAuthorityOnly checks who issued the server's certificate, and not the name in it.
func verifyAuthorityOnly(config *tls.Config) {
	config.InsecureSkipVerify = true
	config.VerifyConnection = func(state tls.ConnectionState) error {
		options := x509.VerifyOptions{Roots: config.RootCAs, Intermediates: x509.NewCertPool()}
		for _, c := range state.PeerCertificates[1:] {
			options.Intermediates.AddCert(c)
		}
		if _, err := state.PeerCertificates[0].Verify(options); err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: state.PeerCertificates, Err: err}
		}
		return nil
	}
}

// dial makes an authenticated connection with the capabilities that [Conn]'s reading relies on.
func (s Server) dial(ctx context.Context, name, databaseName string) (*client.Conn, error) {
	config, required, err := s.TLS()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.connectTimeout(), fmt.Errorf("no answer within %v", s.connectTimeout()))
	defer cancel()
	conn, err := s.dialWith(ctx, config, name, databaseName)
	if err != nil && config != nil && !required && strings.Contains(err.Error(), "does not support TLS") {
		conn, err = s.dialWith(ctx, nil, name, databaseName)
	}
	if err != nil {
		err = explain(err)
		if cause := context.Cause(ctx); cause != nil {
			err = fmt.Errorf("%w (%w)", cause, err)
		}
		return nil, err
	}
	return conn, nil
}

func (s Server) dialWith(ctx context.Context, config *tls.Config, name, databaseName string) (*client.Conn, error) {
	network, address := s.Network()
	var raw net.Conn
	stop := func() bool { return true }
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		var err error
		if raw, err = s.Dialer().DialContext(ctx, network, address); err == nil {
			stop = context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
		}
		return raw, err
	}
	conn, err := client.ConnectWithDialer(ctx, network, address, s.User, s.Password, databaseName, dial,
		func(c *client.Conn) error {
			if config != nil {
				c.SetTLSConfig(config)
			}
			c.SetAttributes(map[string]string{"program_name": name})
			// One way to end a result set, and no attributes before a query's text: see Conn.
			c.UnsetCapability(mysql.CLIENT_DEPRECATE_EOF)
			c.UnsetCapability(mysql.CLIENT_QUERY_ATTRIBUTES)
			// A session may be told that an update found its row although it changed nothing.
			for _, flag := range []uint32{mysql.CLIENT_FOUND_ROWS, mysql.CLIENT_MULTI_STATEMENTS, mysql.CLIENT_MULTI_RESULTS} {
				if err := c.SetCapability(flag); err != nil {
					return err
				}
			}
			return c.SetCollation("utf8mb4_bin")
		})
	if err != nil {
		stop()
		return nil, err
	}
	if !stop() {
		conn.Close()
		return nil, context.Cause(ctx)
	}
	return conn, nil
}
