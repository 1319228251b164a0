package postgres

import (
	"testing"
	"time"

	"bridge/node"
)

func TestTrimConflicts(t *testing.T) {
	e, conn := region(t, shop)
	run(t, conn, `ALTER TABLE bridge.conflicts DROP COLUMN result, DROP COLUMN resolved_at, DROP COLUMN resolved_by, DROP COLUMN resolution, DROP COLUMN awaits`) // as an earlier bridge made it
	if _, err := e.Origin(t.Context()); err != nil {
		t.Fatal(err)
	}
	run(t, conn, `INSERT INTO bridge.conflicts (decided_at, type, table_schema, table_name, key, rule, outcome, origin, seq, versions)
		SELECT now() - CASE WHEN i <= 1500 THEN interval '40 days' ELSE interval '29 days' END, '', '', '', '{}', '', '', '', i, '[]' FROM generate_series(1, 2500) i;
		UPDATE bridge.conflicts SET awaits = 'person' WHERE seq IN (7, 8); UPDATE bridge.conflicts SET awaits = 'merge' WHERE seq = 9;
		UPDATE bridge.conflicts SET resolved_at = now() WHERE seq = 8`)
	for _, tc := range []struct {
		r       node.Retention
		removed int
		oldest  int
	}{
		{node.Retention{}, 0, 1},
		{node.Retention{Rows: 2500}, 0, 1},
		{node.Retention{Age: 30 * 24 * time.Hour, Rows: 2500}, 1499, 7}, // which somebody is waited for with
		{node.Retention{Age: 30 * 24 * time.Hour}, 0, 7},
		{node.Retention{Age: 30 * 24 * time.Hour, Rows: 100}, 901, 2401},
		{node.Retention{Age: time.Hour, Rows: 100}, 100, 0},
	} {
		removed, err := e.TrimConflicts(t.Context(), tc.r)
		var oldest int
		if scanned := conn.QueryRow(t.Context(), `SELECT coalesce(min(seq), 0) FROM bridge.conflicts`).Scan(&oldest); err != nil || scanned != nil || removed != tc.removed || oldest != tc.oldest {
			t.Errorf("%+v: %d went, the oldest is %d (%v, %v); want %d, %d", tc.r, removed, oldest, err, scanned, tc.removed, tc.oldest)
		}
	}
}
