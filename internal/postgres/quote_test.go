package postgres

import (
	"testing"

	"bridge/change"
)

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{
		"users": `"users"`, `we"ird`: `"we""ird"`, "Größe x": `"Größe x"`, "": `""`, "a\x00b": `"ab"`,
	} {
		if got := Quote(in); got != want {
			t.Errorf("Quote(%q) = %s, want %s", in, got, want)
		}
	}
	if got := QuoteTable(change.TableName{Schema: "a.b", Name: "Select"}); got != `"a.b"."Select"` {
		t.Errorf("QuoteTable = %s", got)
	}
	for in, want := range map[string]string{"x": "'x'", "o'x": "'o''x'", `a\b`: ` E'a\\b'`} {
		if got := Literal(in); got != want {
			t.Errorf("Literal(%q) = %s, want %s", in, got, want)
		}
	}
}
