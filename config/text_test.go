package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"
)

func TestSecretsAreNeverShown(t *testing.T) {
	const secret = "hunter2"
	c := Default()
	c.Database.Password = NewSecret(secret)
	c.Database.URL = NewConnString("postgres://bridge:" + secret + "@db:5432/shop?sslpassword=" + secret)
	other := struct{ A ConnString }{NewConnString("host=db password=" + secret)}
	c.Kafka.SASL.Password = NewSecret(secret)

	var shown bytes.Buffer
	for _, v := range []any{c, *c, c.Database, &c.Database.Password, c.Database.Password, c.Database.URL, other, &other, []Secret{c.Database.Password}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&shown, verb, v)
		}
		j, _ := json.Marshal(v)
		y, _ := yaml.Marshal(v)
		shown.Write(j)
		shown.Write(y)
		slog.New(slog.NewTextHandler(&shown, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&shown, nil)).Info("x", "v", v)
	}
	if i := strings.Index(shown.String(), secret); i >= 0 {
		t.Errorf("secret shown: %s", shown.String()[max(0, i-80):i+20])
	}
	if hex := fmt.Sprintf("%x", secret); strings.Contains(shown.String(), hex) {
		t.Error("secret shown in hexadecimal")
	}
	if got, want := c.Database.URL.String(), "postgres://bridge:***@db:5432/shop?***"; got != want {
		t.Errorf("url %q, want %q", got, want)
	}
	if got := (Secret{}).String(); got != "" {
		t.Errorf("an empty secret prints %q", got)
	}
}

func TestDuration(t *testing.T) {
	for in, want := range map[string]string{
		"10s": "10s", "90s": "1m30s", "60m": "1h", "24h": "1d", "7d": "7d", "0s": "0s", "100ms": "100ms", "1h30m": "1h30m", "36h": "36h", "0d": "0s",
	} {
		var d Duration
		if err := d.UnmarshalText([]byte(in)); err != nil || d.String() != want {
			t.Errorf("%q is %v (%v), want %s", in, d, err, want)
		}
	}
	for _, in := range []string{"", "10", "-1s", "d", "-1d", "1.5d", "200000d", "ten", "1d2h"} {
		var d Duration
		if err := d.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q was read as %v", in, d)
		}
	}
}

func TestSize(t *testing.T) {
	for in, want := range map[string]Size{"1": 1, "512MiB": 512 << 20, "8MB": 8e6, "1 GiB": 1 << 30, "3kB": 3000, "0": 0, "2TiB": 2 << 40, "7B": 7} {
		var s Size
		if err := s.UnmarshalText([]byte(in)); err != nil || s != want {
			t.Errorf("%q is %d (%v), want %d", in, int64(s), err, int64(want))
		}
	}
	for _, in := range []string{"", "MiB", "-1", "1.5GiB", "9999999999TiB", "1mib", "x"} {
		var s Size
		if err := s.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q was read as %d", in, int64(s))
		}
	}
}

func TestTextRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Duration(rapid.Int64Range(0, 1<<62).Draw(t, "duration"))
		var d2 Duration
		if err := d2.UnmarshalText([]byte(d.String())); err != nil || d != d2 {
			t.Fatalf("%d is %q is %d (%v)", d, d, d2, err)
		}
		s := Size(rapid.Int64Min(0).Draw(t, "size"))
		var s2 Size
		if err := s2.UnmarshalText([]byte(s.String())); err != nil || s != s2 {
			t.Fatalf("%d is %q is %d (%v)", int64(s), s, int64(s2), err)
		}
	})
}

// glob agrees with the regular expression that PostgreSQL gets for the same pattern.
func TestGlobIsItsRegexp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?+\$]{0,8}`).Draw(t, "pattern")
		name := rapid.StringMatching(`[ab+\$]{0,8}`).Draw(t, "name")
		want := regexp.MustCompile(anchored(pattern)).MatchString(name)
		if got := glob(pattern, name); got != want {
			t.Fatalf("glob(%q, %q) = %v, %s says %v", pattern, name, got, anchored(pattern), want)
		}
	})
}

func TestExpand(t *testing.T) {
	out := world("A", "1", "EMPTY", "", "REF", "${A}", "/f", "text\r\n")
	for in, want := range map[string]string{
		"":                "",
		"plain $A":        "plain $A",
		"${A}":            "1",
		"x${A}y${A}":      "x1y1",
		"${B:two}":        "two",
		"${B:}":           "",
		"${EMPTY:x}":      "",
		"${REF}":          "${A}",
		"$${A}":           "${A}",
		"${file:/f}":      "text",
		"${B:a:b}":        "a:b",
		"price: $5 } { $": "price: $5 } { $",
	} {
		if got, err := out.expand(in); err != nil || got != want {
			t.Errorf("%q is %q (%v), want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"${B}", "${", "${}", "${A", "${1A}", "${A B}", "${file:/none}", "${:x}"} {
		if got, err := out.expand(in); err == nil {
			t.Errorf("%q was read as %q", in, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(minimal)
	f.Add("regions: &r {eu: {kafka: *r}}")
	f.Add("a: [")
	f.Add("kafka: {brokers: ${A:x}}\n---\n")
	f.Add("? [a]\n: b")
	f.Add(withTable(`{unique: {email: park, "org, name": {rename: name}}, foreign_keys: {boss: set_null}}`))
	f.Add(withTable(`{unique: {"": {"": x}, email: &a {null: *a}}}`))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse("f", []byte(text), world(), Override{"database.url", "x", "E"}, Override{"log.level", "x", "E"})
		if (c == nil) == (err == nil) {
			t.Errorf("config %v, error %v", c, err)
		}
	})
}
