package apply

import (
	"testing"

	"bridge/change"
)

// A local transaction can be read from the log before others see it. Whatever is applied to a row that it
// made, having seen it or not, must wait for it: only an insert does.
func TestRowOfATransactionThatIsNotVisibleYet(t *testing.T) {
	deletion := txOf("b", 1, 20, del("1"))
	afterIt := txOf("b", 1, 20, del("1"))
	afterIt.Deps = change.NewVector(change.Seen{Origin: "a/1", Seq: 1})
	update := txOf("b", 1, 20, upd("1", "theirs", "-"))
	update.Deps = afterIt.Deps
	for name, c := range map[string]struct {
		incoming *change.Transaction
		want     string
	}{
		"a later delete that hadn't seen it": {deletion, newSite().rows.String()},
		"a delete that had seen it":          {afterIt, newSite().rows.String()},
		"an update that had seen it":         {update, newSite(ins("1", "theirs", "t")).rows.String()},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite()
			mine := ins("1", "mine", "t")
			s.at = 1
			must(t, s.h.Add(&txOf("a", 1, 10, mine).Tag, []change.Operation{mine}, 0, s.at))
			b := NewBatch(c.incoming, 0)
			b.Missing(s.rows.write(b.Writes()))
			v, err := b.Certify(s.h, rules, s.at)
			if err != nil {
				t.Fatal(err)
			}
			if !v.Locks || len(v.Writes) != 1 || v.Writes[0].Kind != Upsert {
				t.Fatalf("verdict %+v, want an upsert, which waits", v)
			}
			s.rows.operate(&mine) // it becomes visible, and the upsert finds it
			v.Missing(s.rows.write(v.Writes))
			v, err = b.Certify(s.h, rules, s.at)
			if err != nil {
				t.Fatal(err)
			}
			s.rows.write(v.Writes)
			if got := s.rows.String(); got != c.want || v.Locks {
				t.Errorf("the row is %q, want %q; %+v", got, c.want, v)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
