package mend

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"bridge/apply"
	"bridge/casebook"
	"bridge/change"
	"bridge/conflict"
)

// book is one case and its row. In it versions arrived one after another, and lost to the row as it is.
type book struct {
	casebook.Book
	c        *casebook.Case
	row      *casebook.Row
	resolved *casebook.Mark
	change   casebook.Change
	fail     error
	parked   bool
}

func (b *book) Cases(_ context.Context, f casebook.Filter, yield func(*casebook.Case) error) error {
	if !f.Merge || !f.Oldest {
		return errors.New("asked for other cases")
	}
	return yield(b.c)
}

func (b *book) Row(context.Context, *casebook.Case) (*casebook.Row, error) { return b.row, nil }

func (b *book) Mend(_ context.Context, c *casebook.Case, mark func(*casebook.Case) casebook.Mark, decide func([]*casebook.Case, *casebook.Row) (casebook.Change, error)) error {
	if b.fail != nil {
		return b.fail
	}
	change, err := decide([]*casebook.Case{c}, b.row)
	if err == nil {
		marked := mark(c)
		b.resolved, b.change = &marked, change
	}
	return err
}

func (b *book) Parked(_ context.Context, _ casebook.ParkedFilter, yield func(*casebook.Parked) error) error {
	if b.parked {
		return yield(&casebook.Parked{})
	}
	return nil
}

func (*book) Close(context.Context) error { return nil }

func text(s string) *string { return &s }

func document(row casebook.Image, lost ...casebook.Version) *book {
	for i := range lost {
		lost[i].Fate, lost[i].Kind, lost[i].Seq, lost[i].Arrived = apply.FateLost, "update", 1, true
	}
	winner := casebook.Version{Origin: "eu/1", Seq: 1, Kind: "update", Won: true, Fate: apply.FateWon}
	return &book{
		c: &casebook.Case{
			ID: 7, Awaits: conflict.MergeAwaited, Schema: "public", Table: "docs", Versions: append([]casebook.Version{winner}, lost...),
			Result: &apply.RecordedResult{Exists: true, Image: row, Met: row},
		},
		row: &casebook.Row{Columns: []casebook.Column{{Name: "id", Key: true}, {Name: "body"}, {Name: "n"}}, Values: row},
	}
}

// won has the row taken, and its versions met, by one that lost where that one came first.
func won(b *book, body, n string) *book {
	v := &b.c.Versions[1]
	v.Fate, v.Lost = apply.FateWon, nil
	b.c.Result.Met = casebook.Image{"body": text(body), "n": text(n)}
	return b
}

// unknown is a case of which nobody wrote down what arrived.
func unknown(b *book) *book {
	b.c.Versions[1].Arrived, b.c.Result.Met = false, nil
	return b
}

func rules(t *testing.T) Rules {
	sum, err := Compile("a + b - base", Int)
	if err != nil {
		t.Fatal(err)
	}
	return Rules{change.TableName{Schema: "public", Name: "docs"}: {"body": {}, "n": {Expression: sum}}}
}

func TestMender(t *testing.T) {
	lost := casebook.Version{
		Origin: "us/1", Lost: []string{"body", "n", "other"},
		Before: casebook.Image{"body": text("the quick fox"), "n": text("10"), "other": text("x")},
		Image:  casebook.Image{"body": text("the quick dog"), "n": text("15"), "other": text("y")},
	}
	second := casebook.Version{Origin: "ap/1", Lost: []string{"body"}, Before: lost.Before, Image: casebook.Image{"body": text("see the quick fox")}}
	for _, tc := range []struct {
		name string
		b    *book
		want casebook.Image
	}{
		{"both columns", document(casebook.Image{"body": text("the slow fox"), "n": text("12")}, lost), casebook.Image{"body": text("the slow dog"), "n": text("17")}},
		{"two versions", document(casebook.Image{"body": text("the slow fox"), "n": text("10")}, lost, second), casebook.Image{"body": text("see the slow dog"), "n": text("15")}},
		{"one had seen the other", document(casebook.Image{"body": text("the slow fox"), "n": text("10")}, lost, casebook.Version{
			Origin: "ap/1", Saw: map[string]uint64{"us/1": 1}, Lost: []string{"n"}, Before: casebook.Image{"n": text("15")}, Image: casebook.Image{"n": text("16")},
		}), casebook.Image{"body": text("the slow dog"), "n": text("16")}},
		{"the winner came last", won(document(casebook.Image{"body": text("the quick dog"), "n": text("15")}, lost), "the slow fox", "12"), casebook.Image{"body": text("the slow dog"), "n": text("17")}},
		{"the texts are one", document(casebook.Image{"body": text("the quick dog"), "n": nil}, lost), nil},
		{"an earlier bridge's", unknown(document(casebook.Image{"body": text("the slow fox"), "n": text("12")}, lost)), nil},
		{"no row", document(nil, lost), nil},
		{"a NULL stands", document(casebook.Image{"body": nil, "n": nil}, lost), nil},
		{"no number", document(casebook.Image{"body": text("the slow fox"), "n": text("x")}, lost), nil},
	} {
		m := New(nil, rules(t), slog.New(slog.DiscardHandler))
		if err := m.Step(t.Context(), tc.b); err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if tc.b.resolved == nil || (tc.b.resolved.Awaits == conflict.PersonAwaited) != (tc.name == "no number" || tc.name == "an earlier bridge's") {
			t.Errorf("%s: marked %+v", tc.name, tc.b.resolved)
		}
		if len(tc.b.change.Values) != len(tc.want) || tc.want == nil && tc.b.change.Kind != casebook.Nothing {
			t.Errorf("%s: %+v", tc.name, tc.b.change)
		}
		for name, want := range tc.want {
			if got := tc.b.change.Values[name]; got == nil || *got != *want {
				t.Errorf("%s: column %s isn't %q", tc.name, name, *want)
			}
		}
	}
}

// TestMenderGoesOn: a case that somebody else resolved is none, one of a parked row waits, and a database that's away is told of.
func TestMenderGoesOn(t *testing.T) {
	m := New(nil, rules(t), slog.New(slog.DiscardHandler))
	b := document(casebook.Image{})
	b.fail = casebook.ErrResolved
	if err := m.Step(t.Context(), b); err != nil {
		t.Errorf("resolved by another: %v", err)
	}
	b.fail, b.parked = nil, true
	b.row = &casebook.Row{}
	if err := m.Step(t.Context(), b); err != nil || b.resolved != nil {
		t.Errorf("a parked row's case must wait: %v, %v", err, b.resolved)
	}
	b.fail = errors.New("away")
	if err := m.Step(t.Context(), b); !errors.Is(err, b.fail) {
		t.Errorf("away: %v", err)
	}
}
