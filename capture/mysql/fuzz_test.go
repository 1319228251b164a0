package mysql

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/go-mysql-org/go-mysql/replication"

	"bridge/capture"
	"bridge/change"
	"bridge/internal/mysql"
)

// anyTable has a column of each type.
func anyTable() *table {
	utf8 := &charset{name: "utf8mb4"}
	binary := &charset{name: "binary", binary: true}
	t := &table{id: 1, name: change.TableName{Schema: "s", Name: "t"}, resolved: true, key: []int{0}}
	for _, c := range []column{
		{typ: typeLong}, {typ: typeTiny, unsigned: true}, {typ: typeInt24}, {typ: typeLongLong}, {typ: typeFloat}, {typ: typeDouble},
		{typ: typeNewDecimal, meta: 65<<8 | 30}, {typ: typeYear}, {typ: typeBit, meta: 13}, {typ: typeDate}, {typ: typeDatetime2, meta: 6},
		{typ: typeTimestamp2, meta: 3}, {typ: typeTime2, meta: 5}, {typ: typeVarchar, meta: 300, charset: utf8}, {typ: typeString, meta: 4, charset: binary},
		{typ: typeBlob, meta: 2, charset: binary}, {typ: typeEnum, meta: 1, labels: []string{"a"}}, {typ: typeSet, meta: 2, labels: []string{"a", "b"}},
		{typ: typeJSON, meta: 4}, {typ: typeGeometry, meta: 4}, {typ: typeBlobPacked, meta: 2, charset: utf8}, {typ: typeString, meta: 16, charset: binary, native: "inet6"},
	} {
		c.name = "c" + string(rune('a'+len(t.columns)))
		t.columns = append(t.columns, c)
	}
	if err := t.setShapes(mysql.MariaDB, &capture.Outward{}); err != nil {
		panic(err)
	}
	return t
}

// FuzzRows: rows of any bytes are rows or an error.
func FuzzRows(f *testing.F) {
	full := "\xff\xff\xff"
	f.Add(byte(replication.WRITE_ROWS_EVENTv2), "\x00\x00\x02\x00\x16"+full+"\xfe\xff\xff\x01\x00\x00\x00")
	f.Add(byte(replication.UPDATE_ROWS_EVENTv1), "\x00\x00\x16"+full+full+"\x00\x00\x00"+strings.Repeat("\x01", 400))
	f.Add(byte(replication.PARTIAL_UPDATE_ROWS_EVENT), "\x00\x00\x02\x00\x16"+full+full+"\x00\x00\x00"+strings.Repeat("\x00", 400))
	f.Add(byte(replication.MARIADB_WRITE_ROWS_COMPRESSED_EVENT_V1), "\x00\x00\x16"+full+"\x81\x05x")
	types := []replication.EventType{
		replication.WRITE_ROWS_EVENTv1, replication.UPDATE_ROWS_EVENTv1, replication.DELETE_ROWS_EVENTv1,
		replication.WRITE_ROWS_EVENTv2, replication.UPDATE_ROWS_EVENTv2, replication.DELETE_ROWS_EVENTv2, replication.PARTIAL_UPDATE_ROWS_EVENT,
		replication.MARIADB_WRITE_ROWS_COMPRESSED_EVENT_V1, replication.MARIADB_UPDATE_ROWS_COMPRESSED_EVENT_V1, replication.MARIADB_DELETE_ROWS_COMPRESSED_EVENT_V1,
	}
	f.Fuzz(func(t *testing.T, typ byte, body string) {
		if !slices.Contains(types, replication.EventType(typ)) {
			return
		}
		s := &Source{tables: newTables(nil, capture.Outward{}), catalog: &catalog{}, group: group{open: true}}
		s.tables.byID[1] = anyTable()
		s.current.Begin(0, 0)
		_, err := s.take(t.Context(), event{typ: replication.EventType(typ), body: []byte("\x01\x00\x00\x00\x00\x00" + body)})
		var operations []change.Operation
		for more := true; err == nil && s.rows != nil && more; {
			more, err = s.decode(t.Context(), s.rows)
			if e, ok := s.current.Take(); ok {
				operations = append(operations, e.Operations...)
			}
		}
		for _, o := range append(operations, s.current.Finish(change.Position{}).Operations...) {
			if o.New == nil && o.Kind != change.Delete || !o.Table.Columns[0].Key {
				t.Fatalf("%+v", o)
			}
		}
		if err != nil && !errors.Is(err, capture.ErrLog) {
			t.Errorf("%v", err)
		}
	})
}

// FuzzTableMap: so are tables.
func FuzzTableMap(f *testing.F) {
	f.Add("\x00\x00\x01s\x00\x01t\x00\x02\x03\x0f\x02\x10\x00\x00\x01\x01\x00\x04\x04\x01a\x01b\x08\x01\x00\x02\x01\x3f")
	f.Add("\x01\x00\x01s\x00\x01t\x00\xfe")
	f.Fuzz(func(t *testing.T, body string) {
		ts := newTables(nil, capture.Outward{})
		if ts.announce([]byte("\x01\x00\x00\x00\x00\x00"+body)) != nil {
			return
		}
		binary := &charset{name: "binary", binary: true}
		from := &catalog{byID: map[uint64]collation{63: {"binary", binary}}}
		tab := ts.byID[1]
		if tab.role = roleData; ts.resolve(t.Context(), tab, from) != nil || tab.err != nil {
			return
		}
		if shape := tab.shape(true); len(shape.Columns) != len(tab.columns) || tab.role == roleData && len(shape.Keys) == 0 {
			t.Errorf("%+v", shape)
		}
	})
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte("\x00\x01\x00\x0c\x00\x0b\x00\x01\x00\x05\x01\x00a"))
	f.Add([]byte("\x02\x01\x00\x07\x00\x02\x00\x00")) // an array that holds itself
	f.Add([]byte("\x0f\xf6\x04\x03\x01\x80\x00"))
	f.Fuzz(func(t *testing.T, document []byte) {
		if out, err := appendJSON(nil, document); err == nil && len(out) == 0 {
			t.Error("no text")
		}
	})
}

func FuzzPayload(f *testing.F) {
	f.Add([]byte("\x02\x01\xff\x00" + "\x00\x00\x00\x00\x10\x00\x00\x00\x00\x1b\x00\x00\x00\x00\x00\x00\x00\x00\x00" + "\x01\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x02\x01\x00\x03\x01\x20\x00(\xb5/\xfd"))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := &Source{}
		if s.payload(event{body: body}) != nil {
			return
		}
		for {
			if _, err := s.nested[0].next(); err != nil {
				if err != io.EOF && !errors.Is(err, capture.ErrLog) {
					t.Error(err)
				}
				break
			}
		}
		s.nested[0].close()
	})
}

func FuzzQuery(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x0d\x00\x00\x00\x00\x00\x00\x01\x00\x00\x10\x00\x00\x00\x00\x00d\x00TRUNCATE t"), false)
	f.Fuzz(func(t *testing.T, body []byte, compressed bool) {
		e := event{typ: replication.QUERY_EVENT, body: body}
		if compressed {
			e.typ = replication.MARIADB_QUERY_COMPRESSED_EVENT
		}
		if q, err := parseQuery(e); err == nil {
			parseStatement(q.sql, q.noBackslash)
		}
	})
}

// What the server never sends here, but might.
func TestEventsThatStop(t *testing.T) {
	for name, tc := range map[string]struct {
		e    event
		want string
	}{
		"incident":        {event{typ: replication.INCIDENT_EVENT}, "incident"},
		"fragment":        {event{typ: 172}, "binlog_row_event_fragment_threshold"},
		"unknown":         {event{typ: 200}, "unknown event of type 200"},
		"old rows":        {event{typ: replication.WRITE_ROWS_EVENTv0}, "unknown event"},
		"load data":       {event{typ: replication.EXECUTE_LOAD_QUERY_EVENT}, "LOAD DATA"},
		"unannounced":     {event{typ: replication.WRITE_ROWS_EVENTv2, body: make([]byte, 20)}, "wasn't announced"},
		"odd compression": {event{typ: replication.TRANSACTION_PAYLOAD_EVENT, body: []byte("\x02\x01\x07\x00")}, "binlog_transaction_compression"},
	} {
		s := &Source{tables: newTables(nil, capture.Outward{}), catalog: &catalog{}, group: group{open: true}}
		if _, err := s.take(context.Background(), tc.e); !errors.Is(err, capture.ErrLog) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := &Source{}
	if _, err := s.take(context.Background(), event{typ: replication.XID_EVENT}); !errors.Is(err, capture.ErrLog) {
		t.Errorf("outside a group: %v", err)
	}
}
