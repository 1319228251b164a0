package applytest

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"bridge/apply"
	"bridge/change"
	"bridge/visibility"
)

// refusals: what doesn't go is told by its reason, and is [apply.ErrRefused] whatever that is.
func refusals(t *testing.T, b *Bed) {
	b.exec(t, `CREATE TABLE app.item (id bigint PRIMARY KEY, name varchar(40) NOT NULL UNIQUE, n bigint CHECK (n < 100))`)
	b.exec(t, `INSERT INTO app.item VALUES (1, 'a', 1), (2, 'b', 2)`)
	s := open(t, b, 0)
	for _, tc := range []struct {
		why  string
		w    apply.Write
		want error
	}{
		{"a unique value, by insert", item(apply.Upsert, "3", "b", "3"), apply.ErrCollides},
		{"a unique value, by upsert", item(apply.Upsert, "1", "b", "3"), apply.ErrCollides},
		{"a unique value, by update", item(apply.Update, "1", "b", "-"), apply.ErrCollides},
		{"a check, by insert", item(apply.Upsert, "3", "c", "100"), apply.ErrUnfit},
		{"a check, by update", item(apply.Update, "1", "-", "100"), apply.ErrUnfit},
		{"NULL, by insert", item(apply.Upsert, "3", "NULL", "3"), apply.ErrUnfit},
		{"NULL, by update", item(apply.Update, "1", "NULL", "-"), apply.ErrUnfit},
		{"too long, by insert", item(apply.Upsert, "3", strings.Repeat("x", 41), "3"), apply.ErrUnfit},
		{"too long, by update", item(apply.Update, "1", strings.Repeat("x", 41), "-"), apply.ErrUnfit},
		{"out of range", item(apply.Update, "1", "-", "-9223372036854775809"), apply.ErrUnfit},
	} {
		for _, inOrder := range []bool{false, true} {
			s.begin(inOrder)
			_, err := s.Write(t.Context(), []apply.Write{tc.w})
			if !refusedAs(err, tc.want) || !strings.Contains(err.Error(), "app.item") {
				t.Errorf("%s: %v", tc.why, err)
			}
			s.rollback()
		}
	}
	b.want(t, "1|a|1", "2|b|2")
}

// refusedAs reports whether an error is of a kind of refusal, and of no other.
func refusedAs(err, want error) bool {
	return errors.Is(err, apply.ErrRefused) && !errors.Is(err, apply.ErrRetry) &&
		errors.Is(err, apply.ErrCollides) == (want == apply.ErrCollides) && errors.Is(err, apply.ErrUnfit) == (want == apply.ErrUnfit)
}

func (s *session) savepoint() {
	s.t.Helper()
	if err := s.Savepoint(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// refuse has writes refused, and goes back to the savepoint.
func (s *session) refuse(want error, writes ...apply.Write) {
	s.t.Helper()
	if _, err := s.Write(s.t.Context(), writes); !refusedAs(err, want) {
		s.t.Fatalf("got %v", err)
	}
	if err := s.RollbackTo(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func savepoints(t *testing.T, b *Bed) {
	b.exec(t, `CREATE TABLE app.item (id bigint PRIMARY KEY, name varchar(40) UNIQUE, n bigint CHECK (n < 100))`)
	b.exec(t, `INSERT INTO app.item VALUES (1, 'a', 1), (2, 'b', 2)`)
	items := table(t, b.Target, "app", "item")
	s := open(t, b, 0)
	s.begin(false)
	s.savepoint() // before anything
	s.refuse(apply.ErrCollides, item(apply.Upsert, "7", "z", "1"), item(apply.Upsert, "4", "b", "4"))
	s.write(item(apply.Upsert, "3", "c", "3"))
	s.savepoint() // in place of the one before
	for range 3 {
		s.refuse(apply.ErrCollides, item(apply.Upsert, "7", "z", "1"), item(apply.Upsert, "4", "b", "4"))
		s.refuse(apply.ErrUnfit, item(apply.Upsert, "7", "z", "1"), item(apply.Update, "1", "-", "100"))
	}
	wantRows(t, "after refusals", s.find(items, "id", "1", "3", "4", "7"), "app.item (1) 1|a|1", "app.item (3) 3|c|3")
	b.wantBlocked(t, `INSERT INTO app.item VALUES (3, 'd', 4)`, `UPDATE app.item SET n = 2 WHERE id = 1`)
	s.write(item(apply.Upsert, "5", "e", "5"))
	if err := s.Park(t.Context(), []visibility.Parked{parked(item(apply.Upsert, "4", "b", "4"))}, nil); err != nil {
		t.Fatal(err)
	}
	s.savepoint()
	s.refuse(apply.ErrCollides, item(apply.Delete, "5"), item(apply.Upsert, "6", "b", "6"))
	s.write(item(apply.Delete, "1"))
	s.commit()
	b.want(t, "2|b|2", "3|c|3", "5|e|5")
	if list := parkedRows(t, b); len(list) != 1 {
		t.Errorf("%d rows are parked, want 1", len(list))
	}
	s.begin(false) // the next transaction has none
	s.write(item(apply.Upsert, "2", "bb", "2"))
	s.savepoint()
	s.rollback()
	s.do(item(apply.Update, "2", "-", "3"))
	b.want(t, "2|b|3", "3|c|3", "5|e|5")
}

// describe tells a catalog in sorted lines.
func describe(c visibility.Catalog) (lines []string) {
	for name, t := range c {
		var columns []string
		for _, col := range t.Shape.Columns {
			columns = append(columns, col.Name)
		}
		lines = append(lines, fmt.Sprintf("%s (%s) %s", t.Shape, t.Shape.KeyNames(), strings.Join(columns, ", ")))
		for _, u := range t.Unique {
			lines = append(lines, fmt.Sprintf("%s: unique %s (%s)", name, u.Name, visibility.ColumnsName(u.Columns)))
		}
		for _, f := range t.Foreign {
			refers := "nothing"
			if parent := c[f.Parent]; parent != nil && f.Refers < len(parent.Referred) {
				refers = visibility.ColumnsName(parent.Referred[f.Refers])
			}
			lines = append(lines, fmt.Sprintf("%s: foreign %s (%s) to %s (%s)", name, f.Name, visibility.ColumnsName(f.Columns), f.Parent, refers))
		}
	}
	slices.Sort(lines)
	return lines
}

func constraints(t *testing.T, b *Bed) {
	for _, sql := range []string{
		`CREATE TABLE app.plain (id bigint PRIMARY KEY, n bigint)`,
		`CREATE TABLE app.parent (id bigint PRIMARY KEY, code varchar(20) NOT NULL, part bigint NOT NULL, CONSTRAINT parent_code UNIQUE (code, part))`,
		`CREATE TABLE app.named (id bigint PRIMARY KEY)`,
		`CREATE TABLE app.child (id bigint, line bigint, parent bigint, code varchar(20), part bigint, above_id bigint, above_line bigint, email varchar(40),
			PRIMARY KEY (id, line), CONSTRAINT child_email UNIQUE (email), CONSTRAINT child_pair UNIQUE (parent, email),
			CONSTRAINT child_parent FOREIGN KEY (parent) REFERENCES app.parent (id) ON DELETE CASCADE,
			CONSTRAINT child_named FOREIGN KEY (part) REFERENCES app.named (id),
			CONSTRAINT child_code FOREIGN KEY (code, part) REFERENCES app.parent (code, part) ON DELETE SET NULL,
			CONSTRAINT child_above FOREIGN KEY (above_id, above_line) REFERENCES app.child (id, line))`,
	} {
		b.exec(t, sql)
	}
	wantRows(t, "constraints", describe(Constraints(t, b.Target)),
		"app.child (id, line) id, line, parent, code, part, above_id, above_line, email",
		"app.child: foreign child_above (above_id, above_line) to app.child (id, line)",
		"app.child: foreign child_code (code, part) to app.parent (code, part)",
		"app.child: foreign child_named (part) to app.named (id)",
		"app.child: foreign child_parent (parent) to app.parent (id)",
		"app.child: unique child_email (email)",
		"app.child: unique child_pair (parent, email)",
		"app.named (id) id",
		"app.parent (id) id, code, part",
		"app.parent: unique parent_code (code, part)")
	b.exec(t, `ALTER TABLE app.plain ADD CONSTRAINT plain_n UNIQUE (n)`)
	if got := table(t, b.Target, "app", "plain").Unique; len(got) != 1 || got[0].Name != "plain_n" {
		t.Errorf("a key that was added: %+v", got)
	}
}

// forms: the forms of two texts are equal exactly where the database says that the texts are.
func forms(t *testing.T, b *Bed) {
	b.exec(t, `CREATE TABLE app.word (id bigint PRIMARY KEY, word varchar(40), amount decimal(20,4), n bigint UNIQUE)`)
	b.exec(t, `INSERT INTO app.word VALUES (1, 'a', 0, 1), (2, 'A', -0.0, 2), (3, 'a ', 1, 3), (4, 'ä', 1.5, 4), (5, 'Ä', 1.5000, 5), (6, '', -1, 6),
		(7, ' ', 10, 7), (8, 'ß', 100, 8), (9, 'ss', 0.1, 9), (10, '😀', 0.0001, 10), (11, 'İ', 15, 11), (12, 'i', 1.50, 12), (13, 'I', -1.0, 13)`)
	word := table(t, b.Target, "app", "word")
	for _, column := range []string{"word", "amount", "n"} {
		var all []string
		for _, row := range b.Rows(t, `SELECT id, `+column+` FROM app.word ORDER BY id`) {
			_, text, _ := strings.Cut(row, "|")
			form, err := b.Target.Form(t.Context(), word.Shape.TableName, column, text)
			if err != nil {
				t.Fatalf("form of %q: %v", text, err)
			}
			all = append(all, form)
		}
		equal := b.Rows(t, `SELECT a.id - 1, b.id - 1, CASE WHEN a.`+column+` = b.`+column+` THEN 1 ELSE 0 END FROM app.word a CROSS JOIN app.word b`)
		if len(all) != 13 || len(equal) != 13*13 {
			t.Fatalf("%d forms, %d pairs", len(all), len(equal))
		}
		for _, pair := range equal {
			var i, j, same int
			if _, err := fmt.Sscanf(pair, "%d|%d|%d", &i, &j, &same); err != nil {
				t.Fatal(err)
			}
			if (all[i] == all[j]) != (same == 1) {
				t.Errorf("%s of rows %d and %d: forms %q and %q, equal in the database: %d", column, i+1, j+1, all[i], all[j], same)
			}
		}
	}
}

// parked is a row of app.item that's hidden.
func parked(w apply.Write) visibility.Parked {
	p := visibility.Parked{
		Row:    visibility.Row{Key: w.Key, Table: w.Table, Image: w.Image},
		Claim:  visibility.Claim{Version: change.Version{Time: 1700000000000001, Origin: "us/2"}, Key: w.Key},
		Reason: visibility.ByUnique, Constraint: "item_name",
	}
	return p
}

// parkedRows are what bridge.parked holds, in the order of keys.
func parkedRows(t *testing.T, b *Bed) []visibility.Parked {
	t.Helper()
	list, err := b.Target.Parked(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b visibility.Parked) int { return cmp.Compare(a.Key.String(), b.Key.String()) })
	return list
}

func parks(t *testing.T, b *Bed) {
	b.exec(t, createItems)
	odd := "it's \\ \"q\" <&> \t\n\x01 é 😀 %s $1 ?"
	shown := parked(item(apply.Upsert, "2", odd, "NULL"))
	shown.Shown, shown.Claim.After, shown.Reason, shown.Constraint = change.Image{change.Text("2"), change.Null, change.Text("")}, 1, visibility.Refused, odd
	list := []visibility.Parked{
		parked(item(apply.Upsert, "1", "NULL", "")), shown, parked(item(apply.Upsert, "3", "\xff\x00\xfe", "1")),
		parked(item(apply.Upsert, "4", strings.Repeat("1 MB of it's ", 1<<20/13), "1")), parked(oddKey("k'e\"y\\ 😀, {}", "x")), parked(oddKey("", "y")),
	}
	s := open(t, b, 0)
	park := func(commit bool, put []visibility.Parked, away ...change.Key) {
		t.Helper()
		s.begin(false)
		if err := s.Park(t.Context(), put, away); err != nil {
			t.Fatal(err)
		}
		if commit {
			s.commit()
		} else {
			s.rollback()
		}
	}
	want := func(want ...visibility.Parked) {
		t.Helper()
		got := parkedRows(t, b)
		want = slices.SortedFunc(slices.Values(want), func(a, b visibility.Parked) int { return cmp.Compare(a.Key.String(), b.Key.String()) })
		if len(got) != len(want) {
			t.Fatalf("%d rows are parked, want %d", len(got), len(want))
		}
		for i := range got {
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Errorf("row %s came back as another: claim %+v, %s %q, %d of %d values", want[i].Key, got[i].Claim, got[i].Reason, got[i].Constraint, len(got[i].Image), len(want[i].Image))
			}
		}
	}
	want()
	park(false, list)
	want()
	park(true, list)
	want(list...)
	park(true, nil)
	again := parked(item(apply.Upsert, "2", "z", "2"))
	park(true, []visibility.Parked{again}, list[0].Key, list[4].Key, item(apply.Delete, "77").Key)
	want(again, list[2], list[3], list[5])
	if p, err := b.Target.Progress(t.Context()); err != nil || p["eu/1"] != s.last {
		t.Errorf("progress %+v, %v; want %+v", p, err, s.last)
	}
	got := b.Rows(t, `SELECT table_schema, table_name, claim_time, claim_origin, reason, constraint_name,
		replace(replace(CAST(image AS char(60)), ' ', ''), '"', '') FROM bridge.parked WHERE table_name = 'odd'`)
	wantRows(t, "for people", got, "app|odd|1700000000000001|us/2|unique|item_name|{k:,v:y}")
	park(true, nil, list[2].Key, list[3].Key, list[5].Key, again.Key)
	want()
}

// oddKey is a row of a table whose key is a text.
func oddKey(key, value string) apply.Write {
	table := change.NewTable(change.TableName{Schema: "app", Name: "odd"}, []change.Column{{Name: "k", Type: "varchar", Key: true}, {Name: "v", Type: "varchar"}}, false)
	image := change.Image{change.Text(key), change.Text(value)}
	k, err := change.KeyOf(table, image, nil)
	if err != nil {
		panic(err)
	}
	return apply.Write{Kind: apply.Upsert, Table: table, Key: k, Image: image}
}

// upkeep: a transaction that applies nothing may repeat the marker of what was applied last, in any worker's row.
func upkeep(t *testing.T, b *Bed) {
	b.exec(t, createItems)
	first, second := open(t, b, 0), open(t, b, 1)
	first.do(item(apply.Upsert, "1", "a", "1"))
	second.last.Seq = first.last.Seq
	second.do(item(apply.Upsert, "2", "b", "2"))
	last := second.last
	for _, s := range []*session{first, second, open(t, b, 2), first, second} {
		at := last
		at.Worker = s.last.Worker
		s.Begin(at, apply.Upkeep)
		s.write(item(apply.Update, "1", "-", fmt.Sprint(10+at.Worker)))
		s.commit()
		p, err := b.Target.Progress(t.Context())
		if got := p["eu/1"]; err != nil || got.Seq != last.Seq || got.Time != last.Time || got.Offset != last.Offset {
			t.Fatalf("progress %+v, %v; want %+v", got, err, last)
		}
	}
	b.want(t, "1|a|11", "2|b|2")
	for _, how := range []apply.Manner{apply.Upkeep, apply.AsSets} { // but it doesn't go back, and else isn't repeated
		at := last
		at.Worker = 0
		if how == apply.Upkeep {
			at.Seq--
		}
		first.Begin(at, how)
		if _, err := first.Write(t.Context(), nil); err == nil || errors.Is(err, apply.ErrRetry) || errors.Is(err, apply.ErrRefused) {
			t.Fatalf("manner %d: %v", how, err)
		}
		first.rollback()
	}
}
