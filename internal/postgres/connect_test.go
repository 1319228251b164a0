package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestConfigOfFields(t *testing.T) {
	s := Server{Host: `/tmp/we ird'\`, Port: 6543, Database: "sh op", User: `o'x\`, Password: ` p'w\ `, SSLMode: "disabled"}
	c, err := s.Config(Session{Name: "bridge/eu/apply", Replication: true, LockTimeout: time.Microsecond, Settings: map[string]string{"work_mem": "1MB", "TimeZone": "Asia/Tokyo"}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Host != s.Host || c.Port != 6543 || c.Database != s.Database || c.User != s.User || c.Password != s.Password || c.TLSConfig != nil {
		t.Errorf("got %q %d %q %q %q", c.Host, c.Port, c.Database, c.User, c.Password)
	}
	for name, want := range map[string]string{
		"replication": "database", "application_name": "bridge/eu/apply", "lock_timeout": "1", "statement_timeout": "0",
		"work_mem": "1MB", "TimeZone": "Asia/Tokyo", "extra_float_digits": "3", "search_path": "pg_catalog",
	} {
		if got := c.RuntimeParams[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestFieldsAreQuoted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z'"\\ =]{1,12}`)
		s := Server{Host: "localhost", Database: text.Draw(t, "database"), User: text.Draw(t, "user"), Password: text.Draw(t, "password")}
		c, err := s.Config(Session{})
		if err != nil || c.Database != s.Database || c.User != s.User || c.Password != s.Password {
			t.Fatalf("%+v: %v", s, err)
		}
	})
}

func TestSSLModes(t *testing.T) {
	for _, tt := range []struct {
		mode            string
		tls, verifyName bool
	}{
		{"disable", false, false}, {"disabled", false, false}, {"required", true, false}, {"require", true, false},
		{"verify_identity", true, true}, {"verify-full", true, true}, {"preferred", true, false},
	} {
		s := Server{Host: "db.example", Database: "d", User: "u", SSLMode: tt.mode, ServerName: "other.example"}
		c, err := s.Config(Session{})
		if err != nil {
			t.Fatal(err)
		}
		if (c.TLSConfig != nil) != tt.tls {
			t.Errorf("%s: TLS %v", tt.mode, c.TLSConfig != nil)
		}
		if tt.verifyName && (c.TLSConfig.InsecureSkipVerify || c.TLSConfig.ServerName != "other.example") {
			t.Errorf("%s: verifies %q, skips %v", tt.mode, c.TLSConfig.ServerName, c.TLSConfig.InsecureSkipVerify)
		}
	}
}

func TestConnectErrorsHoldNoPassword(t *testing.T) {
	for _, s := range []Server{
		{URL: "postgres://u:hunter2@h:port/d"},
		{URL: "postgres://u:hunter2@[h/d"},
		{URL: "host=h password=hunter2 sslmode=never"},
		{Host: "h", Password: "hunter2", SSLMode: "never"},
		{Host: "h", Password: "hunter2", SSLMode: "verify-full", CAFile: "/nowhere"},
		{Host: "h", Password: "hunter2", SSLMode: "require", CertFile: "/nowhere", KeyFile: "/nowhere"},
	} {
		_, err := s.Config(Session{})
		if err == nil {
			t.Errorf("%q was taken", s.URL+s.SSLMode)
		} else if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "hunter2") {
			t.Errorf("the password is in: %v", err)
		}
	}
}
