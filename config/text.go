package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Secret is text that no format verb, encoder or logger shows: they print "***", or nothing when it's
// empty.
type Secret struct{ text string }

// NewSecret hides text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal is the hidden text, for the one place that needs it.
func (s Secret) Reveal() string { return s.text }

func (s Secret) mask() string {
	if s.text == "" {
		return ""
	}
	return "***"
}

// String is the mask.
func (s Secret) String() string { return s.mask() }

// Format prints the mask for every verb, %#v and %d among them.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.mask()) }

// LogValue is the mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.mask()) }

// MarshalText is the mask.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.mask()), nil }

// UnmarshalText hides text.
func (s *Secret) UnmarshalText(text []byte) error {
	s.text = string(text)
	return nil
}

// ConnString is a connection string that may hold a password, which is never shown: it prints with
// "***" in its place, or as "***" altogether where it isn't a URL.
type ConnString struct{ text string }

// NewConnString hides the password in text.
func NewConnString(text string) ConnString { return ConnString{text} }

// Reveal is the whole string.
func (c ConnString) Reveal() string { return c.text }

func (c ConnString) mask() string {
	if c.text == "" {
		return ""
	}
	u, err := url.Parse(c.text)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return "***"
	}
	masked := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if u.User != nil {
		masked.User = url.User(u.User.Username())
	}
	text := masked.String()
	if _, has := u.User.Password(); has {
		text = strings.Replace(text, "@", ":***@", 1)
	}
	if u.RawQuery != "" { // any parameter might be a secret
		text += "?***"
	}
	return text
}

// String is the masked form.
func (c ConnString) String() string { return c.mask() }

// Format prints the masked form for every verb.
func (c ConnString) Format(f fmt.State, _ rune) { io.WriteString(f, c.mask()) }

// LogValue is the masked form.
func (c ConnString) LogValue() slog.Value { return slog.StringValue(c.mask()) }

// MarshalText is the masked form.
func (c ConnString) MarshalText() ([]byte, error) { return []byte(c.mask()), nil }

// UnmarshalText hides the password in text.
func (c *ConnString) UnmarshalText(text []byte) error {
	c.text = string(text)
	return nil
}

// Duration is a length of time, written "10s", "1h30m" or "7d"; never negative.
type Duration time.Duration

// Std is the duration as Go's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

const day = 24 * time.Hour

// String is the shortest form that [Duration.UnmarshalText] reads back.
func (d Duration) String() string {
	if d != 0 && d.Std()%day == 0 {
		return strconv.FormatInt(int64(d.Std()/day), 10) + "d"
	}
	text := d.Std().String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalText is String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a number with a unit; days may be whole numbers only and stand alone.
func (d *Duration) UnmarshalText(text []byte) error {
	if days, ok := strings.CutSuffix(string(text), "d"); ok {
		n, err := strconv.ParseInt(days, 10, 64)
		if err == nil && n >= 0 && n <= int64(math.MaxInt64/day) {
			*d = Duration(time.Duration(n) * day)
			return nil
		}
	}
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return errors.New(`isn't a length of time: write it with a unit, such as 10s, 5m, 1h30m or 7d`)
	}
	*d = Duration(v)
	return nil
}

// Size is a number of bytes, written "512MiB", "8MB" or "1000"; never negative.
type Size int64

var units = []struct {
	name  string
	bytes int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1},
}

// String is the shortest exact form with a binary unit.
func (s Size) String() string {
	for _, u := range units[:4] {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// MarshalText is String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a whole number, with a unit or in bytes.
func (s *Size) UnmarshalText(text []byte) error {
	number, unit := string(text), int64(1)
	for _, u := range units {
		if n, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = strings.TrimSpace(n), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return errors.New(`isn't a size: write a whole number with a unit, such as 512MiB, 8MB or 100kB`)
	}
	*s = Size(n * unit)
	return nil
}
