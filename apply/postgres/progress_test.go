package postgres

import (
	"maps"
	"testing"

	"github.com/jackc/pgx/v5"

	"bridge/apply"
	"bridge/change"
	pg "bridge/internal/postgres"
	"bridge/internal/testserver/servertest"
	"bridge/loopguard"
)

// Each worker has a marker of its own: the furthest of an origin's is where the region stands, by number.
func TestProgressIsTheFurthestMarker(t *testing.T) {
	db := servertest.Database(t, 15)
	conn, err := pgx.Connect(t.Context(), db.SocketDSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over
	if err := pg.CreateTables(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `INSERT INTO bridge.progress (origin, worker, seq, ts, stream_offset) VALUES
		('eu/1', 0, 9, 109, 3), ('eu/1', 1, 101, 201, 5), ('eu/1', 2, 20, 120, 4), ('us/1', 0, 1000, 300, 7), ('us/1', 1, 999, 299, 6)`); err != nil {
		t.Fatal(err)
	}
	target := NewTarget(func(string) (*pgx.ConnConfig, error) { return pgx.ParseConfig(db.SocketDSN()) }, nil, apply.Inward{})
	got, err := target.Progress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[change.Origin]loopguard.Marker{
		"eu/1": {Origin: "eu/1", Worker: 1, Seq: 101, Time: 201, Offset: 5},
		"us/1": {Origin: "us/1", Worker: 0, Seq: 1000, Time: 300, Offset: 7},
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
