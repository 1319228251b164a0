package mysql

import (
	"testing"

	"bridge/internal/testserver"
)

// MariaDB's log doesn't tell UUID, INET4 and INET6 from BINARY; the catalog does, as it is when the log is read.
func TestNativeTypesComeFromTheCatalog(t *testing.T) {
	const shape = "(id int PRIMARY KEY, u uuid, a inet4, b binary(4))"
	const row = "(1, '123e4567-e89b-12d3-a456-426655440000', '10.0.0.1', x'0a000001')"
	for name, ddl := range map[string]string{"dropped": "DROP TABLE t", "renamed": "RENAME TABLE t TO other", "without the column": "ALTER TABLE t DROP COLUMN u"} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, testserver.FlavorMariaDB, "CREATE TABLE t "+shape)
			s := b.open()
			start := b.next(s).Position
			b.close(s)
			b.exec("INSERT INTO t VALUES "+row, ddl)
			s = b.openAt(start)
			b.stops(s, b.name+".t", `column "u"`, "create an empty table of that name")
			b.close(s)
			b.exec("DROP TABLE IF EXISTS t", "CREATE TABLE t "+shape) // what the error says
			wantText(t, show(nonEmpty(b.drain(b.openAt(start)))), "insert t (1) new 1 123e4567-e89b-12d3-a456-426655440000 10.0.0.1 \\x0a000001\ncommit")
		})
	}
	// A type that was changed in the meantime is the one thing that's taken for another. The row then says so: other
	// regions turn the same bytes into their column's type, or refuse them.
	t.Run("another type", func(t *testing.T) {
		b := newBed(t, testserver.FlavorMariaDB, "CREATE TABLE t "+shape)
		s := b.open()
		start := b.next(s).Position
		b.close(s)
		b.exec("INSERT INTO t VALUES "+row, "ALTER TABLE t MODIFY u binary(16), MODIFY a binary(4)")
		events := nonEmpty(b.drain(b.openAt(start)))
		wantText(t, show(events), "insert t (1) new 1 \\x123e4567e89b12d3a456426655440000 \\x0a000001 \\x0a000001\ncommit")
		for i, typ := range []string{"int", "binary", "binary", "binary"} {
			if got := events[0].Operations[0].Table.Columns[i].Type; got != typ {
				t.Errorf("column %d has type %s, want %s", i, got, typ)
			}
		}
	})
}
