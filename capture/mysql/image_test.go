package mysql

import (
	"fmt"
	"slices"
	"testing"

	"github.com/go-mysql-org/go-mysql/replication"
	"pgregory.net/rapid"

	"bridge/capture"
	"bridge/change"
	"bridge/internal/mysql"
)

// shortTable has columns of some forms in the log: of a fixed size, and with their length before them in one and two bytes.
func shortTable(t *rapid.T) *table {
	utf8, binary := &charset{name: "utf8mb4"}, &charset{name: "binary", binary: true}
	tab := &table{id: 1, name: change.TableName{Schema: "s", Name: "t"}, role: roleData, resolved: true, key: []int{0}, columns: []column{
		{name: "id", typ: typeTiny}, {name: "a", typ: typeVarchar, meta: 20, charset: utf8}, {name: "b", typ: typeVarchar, meta: 300, charset: binary},
		{name: "c", typ: typeBlob, meta: 1, charset: utf8}, {name: "d", typ: typeNewDecimal, meta: 4<<8 | 2}, {name: "e", typ: typeShort},
	}}
	if err := tab.setShapes(mysql.MySQL, &capture.Outward{}); err != nil {
		t.Fatal(err)
	}
	return tab
}

// shortImage is an image of a row of shortTable. There are so few values that many are equal, or begin alike.
func shortImage(t *rapid.T) []byte {
	some := func(n int) []byte {
		return rapid.SliceOfN(rapid.SampledFrom([]byte("\x00ab")), n, n).Draw(t, "bytes")
	}
	nulls := rapid.SampledFrom([]byte{0, 2, 8, 0b111110}).Draw(t, "nulls") // never the key
	row := append([]byte{nulls}, some(1)...)
	for i, lengthBytes := range []int{1, 2, 1} {
		if nulls>>(i+1)&1 == 0 {
			n := rapid.IntRange(0, 2).Draw(t, "length")
			row = append(append(append(row, byte(n)), make([]byte, lengthBytes-1)...), some(n)...)
		}
	}
	for i := range 2 { // of two bytes each
		if nulls>>(i+4)&1 == 0 {
			row = append(row, some(2)...)
		}
	}
	return row
}

// imagesOf are those of an event's rows in their order, old ones first.
func imagesOf(t *rapid.T, tab *table, typ replication.EventType, rows []byte) (out []string) {
	s := &Source{tables: newTables(nil, capture.Outward{}), catalog: &catalog{}, group: group{open: true}}
	s.tables.byID[1] = tab
	s.current.Begin(0, 0)
	head := []byte{1, 0, 0, 0, 0, 0, 0, 0, byte(len(tab.columns)), 0xff}
	if typ == replication.UPDATE_ROWS_EVENTv1 {
		head = append(head, 0xff)
	}
	if _, err := s.take(t.Context(), event{typ: typ, body: append(head, rows...)}); err != nil {
		t.Fatal(err)
	}
	for more := true; more; {
		var err error
		if more, err = s.decode(t.Context(), s.rows); err != nil {
			t.Fatal(err)
		}
	}
	for _, o := range s.current.Finish(change.Position{}).Operations {
		for _, image := range []change.Image{o.Old, o.New} {
			if image != nil {
				out = append(out, fmt.Sprintf("%+v", image))
			}
		}
	}
	return out
}

// What both images of an update share is decoded once; they come out as each does by itself.
func TestImagesOfUpdates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tab := shortTable(t)
		var updates []byte
		var want []string
		for range rapid.IntRange(1, 4).Draw(t, "rows") {
			for range 2 {
				image := shortImage(t)
				updates = append(updates, image...)
				want = append(want, imagesOf(t, tab, replication.WRITE_ROWS_EVENTv1, image)...)
			}
		}
		if got := imagesOf(t, tab, replication.UPDATE_ROWS_EVENTv1, updates); !slices.Equal(got, want) {
			t.Fatalf("got  %v\nwant %v", got, want)
		}
	})
}
