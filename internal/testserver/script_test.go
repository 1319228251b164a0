package testserver_test

import (
	"slices"
	"testing"

	"bridge/internal/testserver"
)

// A script's statements, as the mysql client parts them.
func TestMySQLStatements(t *testing.T) {
	script := "-- why\nSET a = 1;\n\nDELIMITER //\nBEGIN\n  SET b = ';';\nEND//\nDELIMITER ;\nCALL c();"
	want := []string{"SET a = 1", "BEGIN\n  SET b = ';';\nEND", "CALL c()"}
	if got := slices.Collect(testserver.MySQLStatements(script)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
