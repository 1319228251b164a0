package apply

import (
	"context"
	"strconv"
	"testing"

	"bridge/change"
	"bridge/visibility"
)

// slowForms are a database's that answers when it's told to.
type slowForms struct{ asked, answer chan struct{} }

func (f *slowForms) Form(_ context.Context, _ change.TableName, _, text string) (string, error) {
	if f.asked != nil {
		f.asked <- struct{}{}
		<-f.answer
	}
	return text, nil
}

// TestCaptureDoesNotWaitForReload: while the constraints are read anew, and the database is asked for what parked rows hold, capture tells of
// what applications write, and status counts.
func TestCaptureDoesNotWaitForReload(t *testing.T) {
	row := born("1", "m", "-")
	parked := visibility.Parked{Row: visibility.Row{Key: row.Key, Table: people, Image: row.New}, Reason: visibility.ByUnique, Claim: visibility.Claim{Key: row.Key}}
	forms := &slowForms{}
	w, err := NewWatch(t.Context(), "a/1", peopleCatalog("mail"), []visibility.Parked{parked}, forms)
	must(t, err)
	w.take()
	w.Read = func(context.Context) (visibility.Catalog, error) { return peopleCatalog("mail", "nick"), nil }
	forms.asked, forms.answer = make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() { done <- w.reload(t.Context()) }()
	<-forms.asked
	w.Local(txOf("a", 1, 5, gone("1")), nil)
	if n := len(w.Parked()); n != 1 || !w.Due() {
		t.Errorf("%d kinds of parked rows, due %t; want 1, and what capture told of", n, w.Due())
	}
	close(forms.answer)
	must(t, <-done)
	if got := len(w.catalog[people.TableName].Unique); got != 2 {
		t.Errorf("%d unique keys are known after the reload, want 2", got)
	}
}

func BenchmarkReload(b *testing.B) {
	var parked []visibility.Parked
	for i := range 10_000 {
		row := born(strconv.Itoa(i), "m"+strconv.Itoa(i), "-")
		parked = append(parked, visibility.Parked{Row: visibility.Row{Key: row.Key, Table: people, Image: row.New}, Reason: visibility.ByUnique, Claim: visibility.Claim{Key: row.Key}})
	}
	w, err := NewWatch(b.Context(), "a/1", peopleCatalog("mail", "nick"), parked, sameForm{})
	if err != nil {
		b.Fatal(err)
	}
	w.Read = func(context.Context) (visibility.Catalog, error) { return peopleCatalog("mail", "nick"), nil }
	for b.Loop() {
		if err := w.reload(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
