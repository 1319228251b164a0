package mysql

import (
	"testing"
	"time"

	"bridge/internal/testserver"
	"bridge/node"
)

func TestTrimConflicts(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		e, conn := region(t, flavor)
		run(t, conn, "ALTER TABLE bridge.conflicts DROP COLUMN result, DROP COLUMN resolved_at, DROP COLUMN resolved_by, DROP COLUMN resolution, DROP COLUMN awaits") // as an earlier bridge made it
		if _, err := e.Origin(t.Context()); err != nil {
			t.Fatal(err)
		}
		run(t, conn, `INSERT INTO bridge.conflicts (decided_at, type, table_schema, table_name, `+"`key`"+`, rule, outcome, origin, seq, versions)
			SELECT now() - INTERVAL IF(i <= 1500, 40, 29) DAY, '', '', '', '[]', '', '', '', i, '[]' FROM (
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) SELECT a.i + 50 * (b.i - 1) AS i FROM n a, n b) AS n ORDER BY i;
			UPDATE bridge.conflicts SET awaits = 'person' WHERE seq IN (7, 8); UPDATE bridge.conflicts SET awaits = 'merge' WHERE seq = 9;
			UPDATE bridge.conflicts SET resolved_at = now() WHERE seq = 8`)
		for _, tc := range []struct {
			r       node.Retention
			removed int
			oldest  string
		}{
			{node.Retention{}, 0, "1"},
			{node.Retention{Rows: 2500}, 0, "1"},
			{node.Retention{Age: 30 * 24 * time.Hour, Rows: 2500}, 1499, "7"}, // which somebody is waited for with
			{node.Retention{Age: 30 * 24 * time.Hour}, 0, "7"},
			{node.Retention{Age: 30 * 24 * time.Hour, Rows: 100}, 901, "2401"},
			{node.Retention{Age: time.Hour, Rows: 100}, 100, "0"},
		} {
			removed, err := e.TrimConflicts(t.Context(), tc.r)
			oldest, failed := conn.Text(t.Context(), "SELECT coalesce(min(seq), 0) FROM bridge.conflicts")
			if err != nil || failed != nil || removed != tc.removed || oldest[0] != tc.oldest {
				t.Errorf("%+v: %d went, the oldest is %v (%v, %v); want %d, %s", tc.r, removed, oldest, err, failed, tc.removed, tc.oldest)
			}
		}
	})
}
