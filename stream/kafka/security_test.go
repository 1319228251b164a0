package kafka_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"bridge/stream/kafka"
)

const password = "s3cret"

func TestSASL(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			b := broker(t, kfake.EnableSASL(), kfake.Superuser(mechanism, "bridge", password))
			as := func(user, pass string) func(*kafka.Config) {
				return func(c *kafka.Config) { c.SASL = kafka.SASL{Mechanism: mechanism, User: user, Password: pass} }
			}
			l, _ := open(t, b, as("bridge", password))
			add(t, l, "a")
			wantContent(t, l, "a")

			wrong, _ := config(t, b, as("bridge", "wr0ng"))
			_, errAppend := wrong.Append(within(t), [][]byte{{1}})
			_, errRead := wrong.Read(within(t), 0)
			_, errCheck := wrong.CheckTopic(within(t), kafka.Settings{})
			for _, err := range []error{errAppend, errRead, errCheck} {
				if err == nil || !strings.Contains(err.Error(), mechanism+" as bridge") || strings.Contains(err.Error(), "wr0ng") {
					t.Errorf("wrong password: %v", err)
				}
			}
		})
	}
}

func TestConfigRefused(t *testing.T) {
	good := kafka.Config{Brokers: []string{"127.0.0.1:1"}, Topic: "t"}
	for name, edit := range map[string]func(*kafka.Config){
		"brokers":     func(c *kafka.Config) { c.Brokers = nil },
		"topic":       func(c *kafka.Config) { c.Topic = "" },
		"compression": func(c *kafka.Config) { c.Compression = "brotli" },
		"mechanism":   func(c *kafka.Config) { c.SASL = kafka.SASL{Mechanism: "GSSAPI", Password: password} },
		"no mechanism": func(c *kafka.Config) {
			c.SASL = kafka.SASL{User: "bridge", Password: password}
		},
		"limit": func(c *kafka.Config) { c.MaxMessageBytes = 10 },
	} {
		c := good
		edit(&c)
		if _, err := kafka.Open(c); err == nil || strings.Contains(err.Error(), password) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestTLS(t *testing.T) {
	cert, pool := certificate(t)
	b := broker(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}}))
	l, _ := open(t, b, func(c *kafka.Config) { c.TLS = &tls.Config{RootCAs: pool} })
	add(t, l, "a")
	wantContent(t, l, "a")

	untrusting, _ := config(t, b, func(c *kafka.Config) { c.TLS = &tls.Config{RootCAs: x509.NewCertPool()} })
	if _, err := untrusting.Append(within(t), [][]byte{{1}}); err == nil || !strings.Contains(err.Error(), "the CA") {
		t.Errorf("unknown CA: %v", err)
	}
}

// certificate makes a certificate for 127.0.0.1 that signs itself.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
