package postgres

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"bridge/internal/database"
)

// Server says where a database is and who connects. Either URL is set, or the fields from Host on;
// what neither says comes from libpq's places (PGHOST and the like, ~/.pgpass), as with every client
// of PostgreSQL.
type Server struct {
	// URL is a connection string: postgres://user@host/db?sslmode=verify-full, or keyword=value pairs.
	URL string

	// Host is a host name or address or, for a Unix socket, the directory the socket is in
	// ("/var/run/postgresql"). A socket reads the log 1.6 times as fast as TCP on the same machine.
	Host     string
	Port     uint16
	Database string
	User     string
	Password string // also beside a URL, so that the URL needs none
	// SSLMode is libpq's word (disable, allow, prefer, require, verify-ca, verify-full) or MySQL's
	// (disabled, preferred, required, verify_ca, verify_identity). Empty is prefer. A Unix socket
	// never uses TLS.
	SSLMode    string
	CAFile     string // certificates to trust, PEM; empty is the system's under the verify modes
	CertFile   string // the client's certificate, PEM
	KeyFile    string // and its key
	ServerName string // the name to verify instead of Host

	ConnectTimeout time.Duration // 0 is 10 s
}

// Session says what one connection is for.
type Session struct {
	Name        string // application_name: bridge/<region>/<role>
	Replication bool   // speak the replication protocol (replication=database)

	// Limits that the server enforces; 0 is none, whatever the role's or database's defaults say.
	StatementTimeout       time.Duration
	LockTimeout            time.Duration
	IdleTransactionTimeout time.Duration

	// Settings are more run-time parameters, and replace the fixed ones of the same name.
	Settings map[string]string
}

// sessionSettings make a value's text the same in every region, and names in SQL mean one thing.
// search_path holds pg_catalog alone: every name outside it is written qualified (an operator of an
// extension's type, too), and format_type qualifies what it prints. row_security = off turns rows
// that a policy would hide into an error. bridge's sessions may be idle for as long as nothing happens. Its questions to the
// catalog look expensive to the planner and are not: compiling one by JIT takes a second of processor time, running it some
// milliseconds.
var sessionSettings = map[string]string{
	"client_encoding":             "UTF8",
	"DateStyle":                   "ISO, MDY",
	"IntervalStyle":               "postgres",
	"TimeZone":                    "UTC",
	"extra_float_digits":          "3",
	"bytea_output":                "hex",
	"lc_monetary":                 "C",
	"xmloption":                   "content",
	"standard_conforming_strings": "on",
	"search_path":                 "pg_catalog",
	"row_security":                "off",
	"jit":                         "off",
	"idle_session_timeout":        "0",
}

// Config builds what pgx.ConnectConfig takes; its embedded pgconn.Config serves the replication
// protocol. Errors name no secret.
func (s Server) Config(session Session) (*pgx.ConnConfig, error) {
	text, err := s.connString()
	if err != nil {
		return nil, err
	}
	config, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, s.explain(err)
	}
	if s.Password != "" {
		config.Password = s.Password
	}
	s.setTLSName(&config.Config)
	config.ConnectTimeout = s.connectTimeout()
	config.DialFunc = (&net.Dialer{
		Timeout:         config.ConnectTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 4},
		Control:         database.LimitUnacknowledged(session.unacknowledged()),
	}).DialContext
	maps.Copy(config.RuntimeParams, session.parameters())
	return config, nil
}

func (s Server) connectTimeout() time.Duration {
	if s.ConnectTimeout > 0 {
		return s.ConnectTimeout
	}
	return 10 * time.Second
}

// unacknowledged is how long sent data may stay without an acknowledgement before a connection counts as lost.
// Keepalive asks only on a connection on which nothing is under way: a replication connection, which tells
// the server its position every second, would else wait for TCP's own retries, 15 minutes. An
// ordinary one may send more than a server takes in while a statement waits: that isn't a loss.
func (s Session) unacknowledged() time.Duration {
	if s.Replication {
		return 20 * time.Second
	}
	return 3 * time.Minute
}

// setTLSName replaces the verified name in every way to connect that config holds.
func (s Server) setTLSName(config *pgconn.Config) {
	if s.ServerName == "" {
		return
	}
	if config.TLSConfig != nil {
		config.TLSConfig.ServerName = s.ServerName
	}
	for _, f := range config.Fallbacks {
		if f.TLSConfig != nil {
			f.TLSConfig.ServerName = s.ServerName
		}
	}
}

// connString is the URL, or the fields as keyword=value pairs without the password.
func (s Server) connString() (string, error) {
	mode, err := SSLMode(s.SSLMode)
	if err != nil {
		return "", err
	}
	if s.URL != "" {
		return s.URL, nil
	}
	port := ""
	if s.Port != 0 {
		port = strconv.Itoa(int(s.Port))
	}
	var b strings.Builder
	for _, kv := range [][2]string{
		{"host", s.Host}, {"port", port}, {"dbname", s.Database}, {"user", s.User}, {"sslmode", mode},
		{"sslrootcert", s.CAFile}, {"sslcert", s.CertFile}, {"sslkey", s.KeyFile},
	} {
		if kv[1] != "" {
			escaped := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(kv[1])
			fmt.Fprintf(&b, "%s='%s' ", kv[0], escaped)
		}
	}
	return b.String(), nil
}

// explain replaces pgx's parse error, which repeats the connection string and hides passwords in it
// only as well as it can.
func (s Server) explain(err error) error {
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("TLS file for the database connection: %w", file)
	}
	if s.URL != "" {
		return errors.New("the database url is not a PostgreSQL connection string: " +
			"write postgres://user@host:5432/dbname?sslmode=verify-full, and percent-encode special characters")
	}
	return fmt.Errorf("database connection settings: %w", err) // holds the fields, without the password
}

// SSLMode translates a mode of libpq's or MySQL's vocabulary to libpq's; empty stays empty.
func SSLMode(word string) (string, error) { return database.SSLMode(word) }

// parameters are the run-time parameters of the startup message.
func (s Session) parameters() map[string]string {
	p := maps.Clone(sessionSettings)
	p["application_name"] = s.Name
	p["statement_timeout"] = milliseconds(s.StatementTimeout)
	p["lock_timeout"] = milliseconds(s.LockTimeout)
	p["idle_in_transaction_session_timeout"] = milliseconds(s.IdleTransactionTimeout)
	if s.Replication {
		p["replication"] = "database"
	}
	maps.Copy(p, s.Settings)
	return p
}

// milliseconds rounds up, so that a short limit doesn't become 0, which is none.
func milliseconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Millisecond-1)/time.Millisecond), 10)
}
