package mysql_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bridge/internal/mysql"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
)

// authority makes certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string
}

// issue writes a certificate, signed by a (nil: by itself), and its key.
func (a *authority) issue(t *testing.T, dir, name string, template *x509.Certificate) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, template.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	signer := authority{template, key, ""}
	if a != nil {
		signer = *a
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.certificate, &key.PublicKey, signer.key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	out := &authority{certificate, key, filepath.Join(dir, name)}
	for suffix, block := range map[string]*pem.Block{".pem": {Type: "CERTIFICATE", Bytes: der}, ".key": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(out.file+suffix, pem.EncodeToMemory(block), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func newAuthority(t *testing.T, dir, name string) *authority {
	return (*authority)(nil).issue(t, dir, name, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
}

func TestTLS(t *testing.T) {
	dir, err := os.MkdirTemp("", "bridge-tls-") // a test's own directory is closed to the server's user
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	ca, stranger := newAuthority(t, dir, "ca"), newAuthority(t, dir, "stranger")
	ca.issue(t, dir, "server", &x509.Certificate{DNSNames: []string{"db.example"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	ca.issue(t, dir, "client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	file := func(name string) string { return filepath.Join(dir, name) }

	on(t, func(t *testing.T, flavor testserver.Flavor) {
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true, Settings: map[string]string{
			"ssl_ca": ca.file + ".pem", "ssl_cert": file("server.pem"), "ssl_key": file("server.key")}})
		servertest.ExecMySQL(t, server, "", "CREATE USER open@'127.0.0.1' IDENTIFIED BY 'pass'; CREATE USER certified@'127.0.0.1' IDENTIFIED BY 'pass' REQUIRE X509")
		base := mysql.Server{Host: server.Host(), Port: uint16(server.Port()), User: "open", Password: "pass"}
		with := func(change func(*mysql.Server)) mysql.Server {
			s := base
			change(&s)
			return s
		}
		for name, test := range map[string]struct {
			server    mysql.Server
			encrypted bool
			class     mysql.Class // of the error; 0 is none
		}{
			"default":   {base, true, 0},
			"disable":   {with(func(s *mysql.Server) { s.SSLMode = "disable" }), false, 0},
			"required":  {with(func(s *mysql.Server) { s.SSLMode = "required" }), true, 0},
			"verify-ca": {with(func(s *mysql.Server) { s.SSLMode, s.CAFile = "verify-ca", ca.file+".pem" }), true, 0},
			"verify-full": {with(func(s *mysql.Server) {
				s.SSLMode, s.CAFile, s.ServerName = "verify_identity", ca.file+".pem", "db.example"
			}), true, 0},
			"other name":                {with(func(s *mysql.Server) { s.SSLMode, s.CAFile = "verify-full", ca.file+".pem" }), false, mysql.Fatal},
			"stranger":                  {with(func(s *mysql.Server) { s.SSLMode, s.CAFile = "verify-ca", stranger.file+".pem" }), false, mysql.Fatal},
			"require with an authority": {with(func(s *mysql.Server) { s.SSLMode, s.CAFile = "require", stranger.file+".pem" }), false, mysql.Fatal},
			"the system's":              {with(func(s *mysql.Server) { s.SSLMode = "verify-full" }), false, mysql.Fatal},
			"no file":                   {with(func(s *mysql.Server) { s.SSLMode, s.CAFile = "verify-ca", file("none") }), false, mysql.Fatal},
			"not PEM": {with(func(s *mysql.Server) {
				s.SSLMode, s.CertFile, s.KeyFile = "require", file("server.key"), file("server.key")
			}), false, mysql.Fatal},
			"unknown mode": {with(func(s *mysql.Server) { s.SSLMode = "maybe" }), false, mysql.Fatal},
			"certified": {with(func(s *mysql.Server) {
				s.User, s.CertFile, s.KeyFile = "certified", file("client.pem"), file("client.key")
			}), true, 0},
			"not certified": {with(func(s *mysql.Server) { s.User = "certified" }), false, mysql.Fatal},
		} {
			conn, err := test.server.Connect(t.Context(), mysql.Session{})
			if (err == nil) != (test.class == 0) || err != nil && mysql.Classify(err) != test.class {
				t.Errorf("%s: %v", name, err)
			}
			if err != nil {
				continue
			}
			status := rows(t, conn, "SHOW SESSION STATUS LIKE 'Ssl_cipher'")[0]
			if encrypted := status != "Ssl_cipher|"; encrypted != test.encrypted {
				t.Errorf("%s: %s", name, status)
			}
			conn.Close()
		}
	})
}

// A server without TLS is taken by the modes that don't insist on it.
func TestWithoutTLS(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		off := map[string]string{"tls_version": ""}
		if flavor == testserver.FlavorMariaDB {
			off = map[string]string{"ssl": "OFF"}
		}
		server := servertest.MySQL(t, flavor, testserver.MySQLOptions{NoSync: true, Settings: off})
		for mode, fine := range map[string]bool{"": true, "preferred": true, "allow": true, "disable": true, "require": false, "verify-ca": false, "verify-full": false} {
			s := mysql.Server{Host: server.Host(), Port: uint16(server.Port()), User: testserver.MySQLSuperuser, SSLMode: mode}
			conn, err := s.Connect(t.Context(), mysql.Session{})
			if (err == nil) != fine {
				t.Errorf("mode %q: %v", mode, err)
			}
			if err == nil {
				conn.Close()
			} else if mysql.Classify(err) != mysql.Fatal {
				t.Errorf("mode %q: %v is of class %v", mode, err, mysql.Classify(err))
			}
		}
	})
}
