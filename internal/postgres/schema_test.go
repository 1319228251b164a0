package postgres_test

import (
	"testing"

	"bridge/internal/postgres"
)

// Tables that an earlier bridge made get what they lack, and keep their rows.
func TestUpdateTables(t *testing.T) {
	conn := dial(t, 15)
	if err := postgres.CreateTables(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	_, err := conn.Exec(t.Context(), `
ALTER TABLE bridge.conflicts DROP COLUMN result, DROP COLUMN resolved_at, DROP COLUMN resolved_by, DROP COLUMN resolution, DROP COLUMN awaits;
ALTER TABLE bridge.parked DROP COLUMN constraint_name, DROP COLUMN shown, DROP COLUMN document;
INSERT INTO bridge.conflicts (type, table_schema, table_name, key, rule, outcome, origin, seq, versions)
VALUES ('insert_exists', 'public', 't', '{1}', 'last_write_wins', 'kept', 'eu/1', 1, '[]')`)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := postgres.UpdateTables(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
	}
	var open int
	err = conn.QueryRow(t.Context(), `SELECT count(*) FROM bridge.conflicts WHERE result IS NULL AND resolved_at IS NULL AND resolved_by IS NULL AND resolution IS NULL AND awaits IS NULL`).Scan(&open)
	if err != nil || open != 1 {
		t.Errorf("%d cases (%v), want 1", open, err)
	}
	if _, err := conn.Exec(t.Context(), `ALTER TABLE bridge.parked DROP COLUMN document`); err != nil { // as of the bridge before it
		t.Fatal(err)
	}
	if err := postgres.UpdateTables(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `SELECT constraint_name, shown, document FROM bridge.parked`); err != nil {
		t.Error(err)
	}
}
