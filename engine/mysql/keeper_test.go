package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"bridge/apply"
	"bridge/capture"
	capturemysql "bridge/capture/mysql"
	"bridge/change"
	"bridge/internal/mysql"
	"bridge/internal/testserver"
	"bridge/internal/testserver/servertest"
	"bridge/loopguard"
	"bridge/naming"
	"bridge/visibility"
)

// keeperBed is a region's target, as the account that "bridge grants" makes, and what capture reads of the region's log.
type keeperBed struct {
	t      *testing.T
	admin  *mysql.Conn
	target apply.Target
	source *capturemysql.Source
}

func newKeeperBed(t *testing.T, flavor testserver.Flavor, ddl string) *keeperBed {
	t.Helper()
	e, admin := region(t, flavor)
	server := servertest.MySQLDatabase(t, flavor).Server
	run(t, admin, "CREATE USER IF NOT EXISTS bridge@'%' IDENTIFIED BY 'secret'; GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO bridge@'%';"+
		"GRANT ALL PRIVILEGES ON bridge.* TO bridge@'%'; DROP DATABASE IF EXISTS shop; CREATE DATABASE shop; "+ddl)
	for _, r := range run(t, admin, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'shop'")[0].Rows {
		name, _ := r[0].Text()
		run(t, admin, "GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON shop."+mysql.Quote(name)+" TO bridge@'%'")
	}
	names, err := naming.New(naming.Rules{Schemas: map[string]string{"shop": "public"}})
	if err != nil {
		t.Fatal(err)
	}
	e.Server = mysql.Server{Host: server.Host(), Port: uint16(server.Port()), User: "bridge", Password: "secret"}
	e.Names, e.LockTimeout, e.Selected = names, time.Second, func(t change.TableName) bool { return t.Schema == "shop" }
	lease := lead(t, e)
	t.Cleanup(func() { lease.Close(context.Background()) }) //nolint:errcheck // the test is over
	target, fence, err := e.OpenTarget(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fence.Close(context.Background()); target.Close(context.Background()) }) //nolint:errcheck // the test is over
	source, err := capturemysql.Open(t.Context(), capturemysql.Config{Server: e.Server, Name: "bridge test", Selected: e.Selected, Outward: e.outward(), SpillDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { source.Close(context.Background()) }) //nolint:errcheck // the test is over
	return &keeperBed{t, admin, target, source}
}

// drain is what capture has read by now, but for what concerns nobody.
func (b *keeperBed) drain() (events []capture.Event) {
	b.t.Helper()
	token := uint64(time.Now().UnixNano()) // a barrier must change the row to be logged
	run(b.t, b.admin, fmt.Sprintf("UPDATE bridge.barrier SET run = 'test', token = %d", token))
	for {
		ev, err := b.source.Next(b.t.Context())
		if err != nil {
			b.t.Fatal(err)
		}
		switch {
		case ev.Kind == capture.Barrier && ev.Barrier.Token == token:
			return events
		case ev.Kind == capture.Local, ev.Kind == capture.Echo:
			events = append(events, ev)
		}
	}
}

func (b *keeperBed) table(name string) *visibility.Table {
	b.t.Helper()
	catalog, err := b.target.Constraints(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	table := catalog[change.TableName{Schema: "public", Name: name}]
	if table == nil {
		b.t.Fatalf("no constraints of %s among those of %d tables", name, len(catalog))
	}
	return table
}

const everything = `CREATE TABLE shop.everything (word varchar(20) COLLATE utf8mb4_general_ci, ti tinyint, n int, PRIMARY KEY (word, n),
	si smallint unsigned, bz bigint unsigned zerofill, d decimal(20,5), f float, db double, bt bit(13), y year,
	c char(10), vc varchar(40) CHARACTER SET latin1, tt tinytext, lt longtext, bn binary(4), vb varbinary(20), lb longblob,
	dt date, dtm datetime(4), ts timestamp(3) NULL, tm time(2), e enum('x','it''s',''), s set('p','q'), j json, g geometry, pt point, gc geometrycollection,
	gs int AS (n + 1) STORED, gv int AS (n + 2) VIRTUAL, hid int INVISIBLE DEFAULT 5, up int, up_word varchar(20) COLLATE utf8mb4_general_ci,
	UNIQUE u (vc, f), CONSTRAINT up FOREIGN KEY (up_word, up) REFERENCES shop.everything (word, n)`

// TestFoundAsCaptured: a table's shape, and a row that is looked up, are what capture makes of the log, of every type; and a row is
// found by all of what its keys hold.
func TestFoundAsCaptured(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		own, columns, values := ", vec vector(2))", "(vec, ", "(string_to_vector('[1,-2.5]'), "
		if flavor == testserver.FlavorMariaDB {
			own, columns, values = ", id uuid, a inet6, b inet4, z varchar(200) COMPRESSED)", "(id, a, b, z, ", "('123e4567-e89b-12d3-a456-426655440000', '2001:db8::1', '10.0.0.1', 'zz', "
		}
		b := newKeeperBed(t, flavor, everything+own)
		columns = "INSERT INTO shop.everything " + columns + "word, n, up_word, up, ti, si, bz, d, f, db, bt, y, c, vc, tt, lt, bn, vb, lb, dt, dtm, ts, tm, e, s, j, g, pt, gc) VALUES " + values
		for _, row := range []string{
			`'Über ', 1, NULL, NULL, -128, 65535, 7, 1.5, 3.4028234663852886e38, 1.7976931348623157e308, b'1010', 2024, 'c ', 'é€', 'tt', 'long', x'01', x'0001', x'ff00', '2024-02-29', '2024-01-02 03:04:05.5',
				'2024-01-02 03:04:05.25', '-838:59:59', 'it''s', 'p,q', '{"b": 1.0, "a": [1e100, "\\u00e9", null, true]}', ST_GeomFromText('LINESTRING(0 0, 1 1)'), ST_GeomFromText('POINT(1 2)'), ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1))')`,
			`'b', 2, 'uber', 1, 127, 0, 18446744073709551615, -99999.00001, 1e-45, 5e-324, 0, '0000', '', 'É', '', '', '', '', '', '0000-00-00', '0000-00-00 00:00:00', '1970-01-01 00:00:01', '00:00:00.01', '', '', '[]', NULL, NULL, NULL`,
			`'😀', 3, 'B', 2, 0, 1, 2, 0, -0.0, -0.0, b'1111111111111', 1901, ' x', 'ß', 'x', 'y', x'01020304', x'5c27', x'00', '9999-12-31', '9999-12-31 23:59:59.9999', '2038-01-19 03:14:07.999', '838:59:59', 'x', 'q', '"t"', NULL, NULL, NULL`,
			`'nulls', 4, NULL, NULL, NULL, NULL, NULL, NULL, 0.1, 0.1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL`,
			`'floats', 5, NULL, NULL, NULL, NULL, NULL, NULL, 16777216, 123456789012345680000, NULL, NULL, NULL, 'f', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL`,
		} {
			run(t, b.admin, columns+row+")")
		}
		table := b.table("everything")
		s, err := b.target.Open(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close(t.Context()) //nolint:errcheck // the test is over
		s.Begin(loopguard.Marker{Origin: "us/1", Seq: 1}, apply.AsSets)
		events := b.drain()
		if len(events) != 5 {
			t.Fatalf("capture gave %d transactions", len(events))
		}
		for _, ev := range events {
			op := &ev.Operations[0]
			if op.Table.Fingerprint() != table.Shape.Fingerprint() {
				t.Fatalf("the shape is\n%+v, captured\n%+v", table.Shape, op.Table)
			}
			captured := visibility.Row{Key: op.Key, Table: op.Table, Image: op.New}
			for _, columns := range [][]string{{"word", "n"}, {"n", "word"}, table.Unique[0].Columns, table.Foreign[0].Columns} {
				values, ok := captured.Values(columns)
				if !ok {
					continue
				}
				found, err := s.Find(t.Context(), &visibility.Lookup{Table: table, Columns: columns, Values: [][]change.Value{values}})
				if err != nil || len(found) != 1 || found[0].Key != op.Key || !slices.Equal(found[0].Image, op.New) {
					t.Errorf("by %v: %+v, %v\ncaptured %+v", columns, found, err, captured)
				}
			}
			for _, c := range table.Shape.Keys {
				text, _ := op.New[c].Text()
				values, _ := op.Key.Values()
				form, err := b.target.Form(t.Context(), table.Shape.TableName, table.Shape.Columns[c].Name, text)
				if err != nil || !slices.Contains(values, form) {
					t.Errorf("%q has form %q, %v; the key is %q", text, form, err, values)
				}
			}
		}
		if err := s.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// TestSettlingInTheLog: whatever a session does in a transaction, going back to a savepoint and parking included, is one echo in the
// log; and so is upkeep, though its marker isn't new, whichever worker's it is.
func TestSettlingInTheLog(t *testing.T) {
	on(t, func(t *testing.T, flavor testserver.Flavor) {
		b := newKeeperBed(t, flavor, "CREATE TABLE shop.t (id int PRIMARY KEY, v int UNIQUE); INSERT INTO shop.t VALUES (1, 1)")
		table := b.table("t")
		write := func(kind apply.WriteKind, id, v string) apply.Write {
			image := change.Image{change.Text(id), change.Text(v)}
			key, err := change.KeyOf(table.Shape, image, nil)
			if err != nil {
				t.Fatal(err)
			}
			return apply.Write{Kind: kind, Table: table.Shape, Key: key, Image: image}
		}
		b.drain()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		var want []loopguard.Marker
		for worker := range 2 {
			s, err := b.target.Open(t.Context(), worker)
			must(err)
			defer s.Close(t.Context()) //nolint:errcheck // the test is over
			for n, how := range []apply.Manner{apply.AsSets, apply.Upkeep, apply.Upkeep} {
				m := loopguard.Marker{Origin: "us/1", Worker: worker, Seq: 1, Time: 7, Offset: 3}
				if worker == 1 && how == apply.AsSets {
					continue // this one's first transaction is upkeep
				}
				s.Begin(m, how)
				_, err = s.Find(t.Context(), &visibility.Lookup{Table: table, Columns: []string{"v"}, Values: [][]change.Value{{change.Text("1")}}})
				must(err)
				must(s.Savepoint(t.Context()))
				parked := write(apply.Upsert, "9", "1")
				if _, err := s.Write(t.Context(), []apply.Write{write(apply.Upsert, "8", fmt.Sprint(8+n)), parked}); !errors.Is(err, apply.ErrCollides) {
					t.Fatal(err)
				}
				must(s.RollbackTo(t.Context()))
				must(s.Park(t.Context(), []visibility.Parked{{Row: visibility.Row{Key: parked.Key, Table: table.Shape, Image: parked.Image}, Reason: visibility.ByUnique}}, nil))
				must(s.Savepoint(t.Context()))
				if n < 2 {
					_, err = s.Write(t.Context(), []apply.Write{write(apply.Upsert, "2", fmt.Sprint(2+worker))})
					must(err)
				}
				must(s.Commit(t.Context()))
				want = append(want, m)
			}
		}
		events := b.drain()
		if len(events) != len(want) {
			t.Fatalf("the log has %d transactions, want %d", len(events), len(want))
		}
		for i, ev := range events {
			if ev.Kind != capture.Echo || ev.Marker.Origin != want[i].Origin || ev.Marker.Seq != want[i].Seq || ev.Marker.Time != want[i].Time || ev.Marker.Offset != want[i].Offset {
				t.Errorf("transaction %d is of kind %d, its marker is %+v; want %+v", i, ev.Kind, ev.Marker, want[i])
			}
		}
		progress, err := b.target.Progress(t.Context())
		if err != nil || progress["us/1"].Seq != 1 {
			t.Errorf("progress %+v, %v", progress, err)
		}
		rows := run(t, b.admin, "SELECT count(*) FROM bridge.progress UNION ALL SELECT count(*) FROM bridge.parked UNION ALL SELECT count(*) FROM shop.t")[0].Rows
		if fmt.Sprint(rows) != fmt.Sprint([]change.Image{{change.Text("2")}, {change.Text("1")}, {change.Text("2")}}) {
			t.Errorf("%v markers, parked rows and rows; want 2, 1, 2", rows)
		}
	})
}
