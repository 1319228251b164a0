package casebooktest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bridge/casebook"
	"bridge/change"
	"bridge/visibility"
)

// claimed is when parked rows of these tests were claimed.
var claimed = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)

// park puts a row into bridge.parked: of a table of schema shop, with an image of "column=value" texts, whose first column
// is the key. shown is what's shown in its place, if anything.
func (b *Bed) park(t *testing.T, table string, reason visibility.Reason, constraint string, texts []string, shown ...string) {
	t.Helper()
	b.put(t, visibility.Parked{Row: rowOf(t, table, texts), Reason: reason, Constraint: constraint, Shown: values(shown)})
}

func values(texts []string) (image change.Image) {
	for _, text := range texts {
		if _, value, _ := strings.Cut(text, "="); value == "NULL" {
			image = append(image, change.Null)
		} else {
			image = append(image, change.Text(value))
		}
	}
	return image
}

func rowOf(t *testing.T, table string, texts []string) visibility.Row {
	t.Helper()
	var columns []change.Column
	for i, text := range texts {
		name, _, _ := strings.Cut(text, "=")
		columns = append(columns, change.Column{Name: name, Type: "text", Key: i == 0})
	}
	shape := change.NewTable(change.TableName{Schema: "shop", Name: table}, columns, true)
	key, err := change.KeyOf(shape, values(texts), nil)
	if err != nil {
		t.Fatal(err)
	}
	return visibility.Row{Key: key, Table: shape, Image: values(texts)}
}

// put writes a row of bridge.parked.
func (b *Bed) put(t *testing.T, p visibility.Parked) {
	t.Helper()
	p.Claim = visibility.Claim{Version: change.Version{Time: change.TimestampOf(claimed), Origin: "us/1"}, Key: p.Key}
	document, err := p.Document()
	if err != nil {
		t.Fatal(err)
	}
	key, _ := p.Image[0].Text()
	keyColumns, keyValues := b.ParkedKey(key)
	b.Exec(t, fmt.Sprintf(`INSERT INTO bridge.parked (table_schema, table_name, %s, image, claim_time, claim_origin, reason, constraint_name, document)
		VALUES ('shop', '%s', %s, '{}', %d, 'us/1', '%s', '%s', '%s')`, keyColumns, p.Table.Name, keyValues, int64(p.Claim.Time), p.Reason, p.Constraint, strings.ReplaceAll(string(document), "'", "''")))
}

// find is a parked row of schema shop.
func find(t *testing.T, book casebook.Book, table, key string) *casebook.Parked {
	t.Helper()
	p, err := casebook.FindParked(t.Context(), book, change.TableName{Schema: "shop", Name: table}, []string{key})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func parkedRows(t *testing.T, b *Bed) {
	b.park(t, "seat", visibility.ByUnique, "seat_key", []string{"id=1", "note=NULL", "seat="})
	b.park(t, "seat", visibility.Refused, "", []string{"id=2", "seat=é"}, "id=2", "seat=NULL")
	b.park(t, "other", visibility.ByParent, "fk", []string{"id=x y"})
	for i, at := range []string{"2026-01-01 00:00:01", "2026-01-01 00:00:03.5", "2026-01-01 00:00:02"} {
		b.Exec(t, fmt.Sprintf(`UPDATE bridge.parked SET parked_at = '%s' WHERE reason = '%s'`, at, []string{"unique", "refused", "foreign_key"}[i]))
	}
	book := open(t, b)
	for _, tc := range []struct {
		name string
		f    casebook.ParkedFilter
		want []string
	}{
		{"all", casebook.ParkedFilter{}, []string{"shop.seat (2)", "shop.other (x y)", "shop.seat (1)"}},
		{"the newest", casebook.ParkedFilter{Limit: 1}, []string{"shop.seat (2)"}},
		{"table", casebook.ParkedFilter{Table: change.TableName{Schema: "shop", Name: "seat"}}, []string{"shop.seat (2)", "shop.seat (1)"}},
		{"table without schema", casebook.ParkedFilter{Table: change.TableName{Name: "other"}}, []string{"shop.other (x y)"}},
		{"key", casebook.ParkedFilter{Key: []string{"1"}, Limit: 1}, []string{"shop.seat (1)"}},
		{"reason", casebook.ParkedFilter{Reason: visibility.ByParent}, []string{"shop.other (x y)"}},
		{"none", casebook.ParkedFilter{Reason: visibility.ByParent, Key: []string{"1"}}, nil},
	} {
		var got []string
		if err := book.Parked(t.Context(), tc.f, func(p *casebook.Parked) error { got = append(got, p.Row()); return nil }); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
	p := find(t, book, "seat", "1")
	if !p.Hidden() || p.Image["note"] != nil || *p.Image["seat"] != "" || p.Constraint != "seat_key" || p.ClaimOrigin != "us/1" || !p.ClaimTime.Equal(claimed) ||
		!slices.Equal(p.Columns(), []string{"id", "note", "seat"}) || !slices.Equal(p.KeyColumns(), []string{"id"}) || !p.ParkedAt.Equal(time.Date(2026, 1, 1, 0, 0, 1, 0, time.UTC)) {
		t.Errorf("%+v", p)
	}
	if p := find(t, book, "seat", "2"); p.Hidden() || p.Shown["seat"] != nil || *p.Image["seat"] != "é" {
		t.Errorf("%+v", p)
	}
	if _, err := casebook.FindParked(t.Context(), book, p.TableName(), []string{"3"}); !errors.Is(err, casebook.ErrNotParked) {
		t.Errorf("no such row: %v", err)
	}
	enough := errors.New("enough")
	if err := open(t, b).Parked(t.Context(), casebook.ParkedFilter{}, func(*casebook.Parked) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v, want what yield returned", err)
	}
	b.Exec(t, `UPDATE bridge.parked SET document = 'odd'`)
	if err := book.Parked(t.Context(), casebook.ParkedFilter{}, func(*casebook.Parked) error { return nil }); err == nil {
		t.Error("a document that isn't one was taken")
	}
}

const createShows = `CREATE TABLE app.hall (code varchar(20) PRIMARY KEY, n int);
CREATE TABLE app.seat (id bigint PRIMARY KEY, hall varchar(20), seat varchar(20) NOT NULL, note varchar(20),
  CONSTRAINT seat_key UNIQUE (hall, seat), CONSTRAINT in_hall FOREIGN KEY (hall) REFERENCES app.hall (code));
INSERT INTO app.hall VALUES ('red', 1); INSERT INTO app.seat VALUES (1, 'red', 'A1', 'x'), (2, 'red', 'A2', NULL)`

// execAll runs statements one by one.
func (b *Bed) execAll(t *testing.T, sql string) {
	t.Helper()
	for statement := range strings.SplitSeq(sql, ";\n") {
		for part := range strings.SplitSeq(statement, "; ") {
			b.Exec(t, part)
		}
	}
}

func inTheWay(t *testing.T, b *Bed) {
	b.execAll(t, createShows)
	b.park(t, "seat", visibility.ByUnique, "seat_key", []string{"id=7", "hall=red", "seat=A1", "note=NULL"})
	b.park(t, "seat", visibility.ByUnique, "seat_key", []string{"id=8", "hall=red", "seat=A1", "note=NULL"})
	b.park(t, "seat", visibility.ByUnique, "seat_key", []string{"id=9", "hall=red", "seat=B1", "note=NULL"})
	b.park(t, "seat", visibility.ByUnique, "gone", []string{"id=10", "hall=red", "seat=A1", "note=NULL"})
	b.park(t, "seat", visibility.ByParent, "in_hall", []string{"id=11", "hall=blue", "seat=A1", "note=NULL"})
	b.park(t, "seat", visibility.ByParent, "in_hall", []string{"id=12", "hall=red", "seat=A9", "note=NULL"})
	b.park(t, "seat", visibility.Refused, "seat_key", []string{"id=13", "hall=red", "seat=A1", "note=NULL"})
	b.park(t, "hall", visibility.Refused, "", []string{"code=blue", "n=2"})
	book := open(t, b)
	for key, want := range map[string]string{
		"7":  "shop.seat (hall, seat) = (red, A1): has (1), parked shop.seat (10) shop.seat (13) shop.seat (8)",
		"9":  "shop.seat (hall, seat) = (red, B1): has (), parked",
		"10": "", "13": "",
		"11": "shop.hall (code) = (blue): parent, has (), parked shop.hall (blue)",
		"12": "shop.hall (code) = (red): parent, has (red), parked",
	} {
		o, err := casebook.InTheWay(t.Context(), book, find(t, book, "seat", key))
		got := ""
		if o != nil {
			parent, parked := "", []string{}
			if o.Parent {
				parent = "parent, "
			}
			for _, p := range o.Parked {
				parked = append(parked, p.Row())
			}
			slices.Sort(parked)
			got = strings.TrimSpace(fmt.Sprintf("%s (%s) = (%s): %shas (%s), parked %s", o.TableName(), strings.Join(o.At, ", "), strings.Join(o.Values, ", "), parent,
				strings.Join(o.Key, ", "), strings.Join(parked, " ")))
		}
		if got != want || err != nil {
			t.Errorf("%s: %q (%v), want %q", key, got, err, want)
		}
	}
}

func parkedResolved(t *testing.T, b *Bed) {
	b.execAll(t, createShows)
	b.park(t, "seat", visibility.ByUnique, "seat_key", []string{"id=7", "hall=red", "seat=A1", "note=it's"})
	b.park(t, "seat", visibility.ByUnique, "seat_key", []string{"id=2", "hall=red", "seat=A1", "note=NULL"}, "id=2", "hall=red", "seat=A2", "note=NULL")
	text := func(s string) *string { return &s }
	for _, tc := range []struct {
		name, key string
		set       casebook.Image
		want      string // the error's, or the row
	}{
		{"a value that's taken", "7", casebook.Image{"seat": text("A2")}, "seat_key"},
		{"no such parent", "7", casebook.Image{"hall": text("secret")}, "in_hall"},
		{"no such column", "7", casebook.Image{"row": nil}, `no column "row"`},
		{"the key", "7", casebook.Image{"id": text("9")}, "names the row"},
		{"another value", "7", casebook.Image{"seat": text("B1")}, "7|red|B1|it's"},
		{"once more", "7", casebook.Image{"seat": text("B2")}, casebook.ErrSuperseded.Error()},
		{"one that's shown", "2", casebook.Image{"seat": text("B2")}, "2|red|B2|NULL"},
	} {
		book := open(t, b)
		p := find(t, book, "seat", tc.key)
		err := book.Release(t.Context(), p, func(row *casebook.Row) (casebook.Change, error) { return p.Change(row, tc.set) })
		if err != nil {
			if !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
			}
		} else if got := strings.Join(b.Rows(t, `SELECT * FROM app.seat WHERE id = `+tc.key), " "); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
	b.Exec(t, `DELETE FROM app.seat WHERE id = 2`)
	book := open(t, b)
	p := find(t, book, "seat", "2")
	err := book.Release(t.Context(), p, func(row *casebook.Row) (casebook.Change, error) { return p.Change(row, casebook.Image{"note": nil}) })
	if err == nil || !strings.Contains(err.Error(), "deleted since") {
		t.Errorf("one that was shown: %v", err)
	}
}

// Whatever hides a row, it's discarded without a trace in its table.
func discarded(t *testing.T, b *Bed) {
	b.execAll(t, createShows+`;
CREATE TABLE app.person (id bigint PRIMARY KEY, email varchar(12) NOT NULL UNIQUE, number int NOT NULL UNIQUE, small smallint UNIQUE, born date UNIQUE, stock int, name varchar(9) NOT NULL, CHECK (stock >= 0));
CREATE TABLE app.rigid (id bigint PRIMARY KEY, born date NOT NULL UNIQUE);
CREATE TABLE app.event (id bigint PRIMARY KEY, hall varchar(20) NOT NULL, CONSTRAINT event_in_hall FOREIGN KEY (hall) REFERENCES app.hall (code));
INSERT INTO app.person VALUES (1, 'a@b', 1, 1, '2000-01-01', 1, 'z'); INSERT INTO app.rigid VALUES (1, '2000-01-01')`)
	b.park(t, "seat", visibility.ByUnique, "seat_key", []string{"id=7", "hall=red", "seat=A1", "note=x"})
	b.park(t, "seat", visibility.ByParent, "in_hall", []string{"id=8", "hall=blue", "seat=A1", "note=x", "dropped=long ago"})
	b.park(t, "seat", visibility.ByUnique, "seat_key", []string{"id=2", "hall=red", "seat=A1", "note=NULL"}, "id=2", "hall=red", "seat=A2", "note=NULL")
	b.park(t, "seat", visibility.ByUnique, "seat_key", []string{"id=3", "hall=red", "seat=A1", "note=NULL"}, "id=3", "hall=red", "seat=A2", "note=NULL")
	b.park(t, "seat", visibility.ByUnique, "seat_key", []string{"id=1", "hall=red", "seat=A2", "note=NULL"})
	b.park(t, "person", visibility.ByUnique, "", []string{"id=7", "email=a@b", "number=1", "small=1", "born=2000-01-01", "stock=2", "name=y"})
	b.park(t, "person", visibility.Refused, "", []string{"id=8", "email=c", "number=3", "small=4", "born=2000-01-02", "stock=-1", "name=y"})
	b.park(t, "person", visibility.Refused, "", []string{"id=9", "email=c", "number=3", "small=4", "born=2000-01-02", "stock=0", "name=secret, and far too long"})
	b.park(t, "event", visibility.ByParent, "event_in_hall", []string{"id=7", "hall=blue"})
	b.park(t, "rigid", visibility.ByUnique, "", []string{"id=7", "born=2000-01-01"})
	tables := func() (all []string) {
		for _, table := range []string{"seat", "person", "rigid", "event"} {
			all = append(all, b.Rows(t, `SELECT * FROM app.`+table+` ORDER BY id`)...)
		}
		return all
	}
	before := tables()
	for _, tc := range []struct{ table, key, refused string }{
		{"seat", "7", ""}, {"seat", "8", ""},
		{"seat", "2", ""}, // it's shown, and stays so
		{"seat", "3", ""}, // it was shown, and an application has deleted it
		{"seat", "1", casebook.ErrSuperseded.Error()},
		{"person", "7", ""}, {"person", "8", ""}, {"event", "7", ""},
		{"person", "9", casebook.ErrUntaken.Error()},
		{"rigid", "7", `"bridge parked resolve"`}, // which has no other date to be given
	} {
		book := open(t, b)
		err := book.Discard(t.Context(), find(t, book, tc.table, tc.key))
		if (err != nil) != (tc.refused != "") || err != nil && (!strings.Contains(err.Error(), tc.refused) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s %s: %v, want %q", tc.table, tc.key, err, tc.refused)
		}
		// The session writes as an application again, whether that succeeded or not.
		p := find(t, book, "seat", "8")
		if err := book.Release(t.Context(), p, func(row *casebook.Row) (casebook.Change, error) { return p.Change(row, nil) }); err == nil || !strings.Contains(err.Error(), "in_hall") {
			t.Errorf("after %s %s a child without a parent: %v", tc.table, tc.key, err)
		}
	}
	if after := tables(); !slices.Equal(before, after) {
		t.Errorf("rows became\n%q, and were\n%q", after, before)
	}
}
