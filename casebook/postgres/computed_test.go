package postgres_test

import (
	"strings"
	"testing"

	"bridge/casebook"
	"bridge/visibility"
)

// TestComputedKeysAreToldSo: of a key that's computed no row is said to be in the way, nor that none is.
func TestComputedKeysAreToldSo(t *testing.T) {
	b := bed(t)
	b.Exec(t, `CREATE TABLE app.account (id int PRIMARY KEY, email text, gone date);
CREATE UNIQUE INDEX one_email ON app.account (lower(email)); CREATE UNIQUE INDEX one_left ON app.account (email) WHERE gone IS NULL`)
	book, err := b.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close(t.Context()) //nolint:errcheck // it was only read from
	for constraint, want := range map[string]string{"one_email": "email", "one_left": "email, gone"} {
		p := &casebook.Parked{Schema: "shop", Table: "account", Reason: visibility.ByUnique, Constraint: constraint}
		o, err := casebook.InTheWay(t.Context(), book, p)
		if err != nil {
			t.Fatal(err)
		}
		if o == nil || !o.Computed || strings.Join(o.Columns, ", ") != want {
			t.Errorf("%s: %+v, not computed from %s", constraint, o, want)
		}
	}
}
