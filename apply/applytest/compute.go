package applytest

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"bridge/apply"
	"bridge/change"
	"bridge/visibility"
)

// account is a table with two computed keys: of all names but for their case, and of the names of rows that have no tag.
func account(t *testing.T, b *Bed) *visibility.Table {
	t.Helper()
	b.exec(t, `CREATE TABLE app.account (id bigint PRIMARY KEY, name varchar(40), n bigint, tag varchar(40))`)
	b.exec(t, b.Compute("app.account", "by_name", "lower(name)"))
	b.exec(t, b.Compute("app.account", "by_tag", "CASE WHEN tag IS NULL THEN name END"))
	return table(t, b.Target, "app", "account")
}

// computes: of two rows the database refuses the second exactly where bridge takes what they take of a computed key for the same; then a look-up by the
// one finds the other.
func computes(t *testing.T, b *Bed) {
	accounts := account(t, b)
	var told []string
	for _, u := range accounts.Unique {
		if u.Computed {
			told = append(told, u.Name+": "+visibility.ColumnsName(u.Columns))
		}
	}
	wantRows(t, "keys", told, "by_name: name, n", "by_tag: name, n, tag")
	Places(t, b, accounts, 80, "a@x", "A@x", "a@x ", "é", "É", "e", "'", "NULL", "", "1", "1", "2", "NULL", "", "t", "NULL", "NULL", "")
}

// Places draws pairs of rows of a table whose key is its first column, and tells whether its unique keys are kept. The values of each other column end with an
// empty text; NULL is NULL.
func Places(t *testing.T, b *Bed, of *visibility.Table, rounds int, values ...string) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var pools [][]string
	for len(values) > 0 {
		n := slices.Index(values, "")
		pools, values = append(pools, values[:n]), values[n+1:]
	}
	draw := func(id string, like change.Image) visibility.Row {
		image := make(change.Image, len(of.Shape.Columns))
		image[0] = change.Text(id)
		for i, pool := range pools {
			image[i+1] = change.Null
			if text := pool[r.IntN(len(pool))]; text != "NULL" {
				image[i+1] = change.Text(text)
			}
			if like != nil && r.IntN(2) == 0 {
				image[i+1] = like[i+1]
			}
		}
		key, err := change.KeyOf(of.Shape, image, nil)
		if err != nil {
			t.Fatal(err)
		}
		return visibility.Row{Key: key, Table: of.Shape, Image: image}
	}
	s := open(t, b, 0)
	write := func(row *visibility.Row) error {
		_, err := s.Write(t.Context(), []apply.Write{{Kind: apply.Upsert, Table: of.Shape, Key: row.Key, Image: row.Image}})
		return err
	}
	met := map[string]int{}
	for range rounds {
		first := draw("1", nil)
		second := draw("2", first.Image)
		s.begin(false)
		if err := write(&first); err != nil {
			t.Fatalf("%q: %v", told(first.Image), err)
		}
		clash := false
		marks := [2]visibility.Marks{mark(t, b, of, &first), mark(t, b, of, &second)}
		for i := range of.Unique {
			if v := marks[0].Holds[i]; !v.Has() || v != marks[1].Holds[i] {
				continue
			}
			u := &of.Unique[i]
			clash = true
			met[u.Name]++
			values, _ := second.All(u.Columns)
			l := &visibility.Lookup{Table: of, Columns: u.Columns, Values: [][]change.Value{values, values}}
			if u.Computed {
				l.Unique = u
			}
			rows, err := s.Find(t.Context(), l)
			if err != nil || len(rows) != 1 || rows[0].Key != first.Key {
				t.Errorf("by %s of %q after %q: %d rows, %v", u.Name, told(second.Image), told(first.Image), len(rows), err)
			}
		}
		if err := write(&second); errors.Is(err, apply.ErrCollides) != clash || err != nil && !clash {
			t.Errorf("%q after %q: here they clash: %t; the database says %v", told(second.Image), told(first.Image), clash, err)
		}
		s.rollback()
	}
	for i := range of.Unique {
		if met[of.Unique[i].Name] == 0 {
			t.Errorf("no two rows met by %s", of.Unique[i].Name)
		}
	}
}

func mark(t testing.TB, b *Bed, of *visibility.Table, row *visibility.Row) visibility.Marks {
	t.Helper()
	m, err := visibility.Mark(t.Context(), b.Target, of, row)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// computedLocks: what's found by a computed key is the session's, and nothing else is.
func computedLocks(t *testing.T, b *Bed) {
	accounts := account(t, b)
	b.exec(t, `INSERT INTO app.account (id, name, n, tag) VALUES (1, 'Zoe', 1, NULL), (2, 'Zoe', 2, 'x'), (3, 'max', 1, 'x'), (4, NULL, 1, NULL)`)
	s := open(t, b, 0)
	s.begin(false)
	l := lookup(accounts, "name|n", "ZOE|1", "zoe|1", "nobody|1", "Zoe|3")
	l.Unique = &accounts.Unique[slices.IndexFunc(accounts.Unique, func(u visibility.Unique) bool { return u.Name == "by_name" })]
	rows, err := s.Find(t.Context(), l)
	if err != nil || len(rows) != 1 || rows[0].Image[0] != change.Text("1") {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	b.exec(t, `INSERT INTO app.account (id, name, n, tag) VALUES (5, 'nobody', 1, NULL)`)
	b.exec(t, `UPDATE app.account SET tag = 'y' WHERE id IN (2, 3, 4)`)
	b.wantBlocked(t, `UPDATE app.account SET tag = 'y' WHERE id = 1`)
	s.rollback()
}
