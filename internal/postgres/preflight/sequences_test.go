package preflight_test

import (
	"testing"

	"bridge/internal/postgres/preflight"
)

// TestDistinctSequences: with the right stride, each from its own remainder, nothing is said, whether or not a sequence
// was used.
func TestDistinctSequences(t *testing.T) {
	b := setup(t, 15)
	b.spoil(`CREATE SEQUENCE public.unused INCREMENT 3 START 7; CREATE TABLE public.a (x bigint DEFAULT nextval('public.unused') PRIMARY KEY); ` +
		`CREATE SEQUENCE public.used INCREMENT 3 START 4; CREATE TABLE public.b (x bigint DEFAULT nextval('public.used') PRIMARY KEY); SELECT nextval('public.used')`)
	report := b.check(b.connect())
	for _, table := range []string{"public.a", "public.b"} {
		if f := find(report, preflight.Warning, table+`: column "x"`); f != nil {
			t.Errorf("%+v", f)
		}
	}
}
