package mend

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"bridge/apply"
	"bridge/casebook"
	"bridge/change"
	"bridge/conflict"
	"bridge/history"
	"bridge/loopguard"

	"pgregory.net/rapid"
)

// page is one row that all regions edit.
var (
	pages = change.NewTable(change.TableName{Schema: "public", Name: "pages"}, []change.Column{
		{Name: "id", Type: "integer", Key: true}, {Name: "body", Type: "text"}, {Name: "n", Type: "integer"}}, false)
	page, _ = change.KeyOf(pages, change.Image{change.Text("1")}, nil)
)

// mesh is regions that write a page, apply each other's writes in batches of any size, and have the first of them merge whenever it likes.
type mesh struct {
	regions []*region
	rules   *conflict.Rules
	columns map[string]Column
	merge   func(columns map[string]Column, cases []*casebook.Case, row *casebook.Row) (casebook.Change, error)
	choose  func(n int) int
	edits   []string
}

type region struct {
	row   change.Image
	h     *history.History
	clock *loopguard.Clock
	at    uint64
	out   []*change.Transaction
	next  map[*region]int
	cases []*casebook.Case
}

func newMesh(n int, choose func(int) int) *mesh {
	sum, err := Compile("a + b - base", Int)
	if err != nil {
		panic(err)
	}
	m := &mesh{
		rules: conflict.All(&conflict.Rule{Columns: map[string]conflict.Column{
			"body": {Merge: conflict.Text}, "n": {Merge: conflict.Expression},
		}}),
		columns: map[string]Column{"body": {Overlap: Mark}, "n": {Expression: sum}}, merge: merged, choose: choose,
	}
	var members []change.Origin
	for i := range n {
		members = append(members, change.NewOrigin(string(rune('a'+i)), 1))
	}
	for _, o := range members {
		h := history.New(o, members, 0)
		h.KeepBefore(func(change.TableName) bool { return true })
		m.regions = append(m.regions, &region{
			row: change.Image{change.Text("1"), change.Text("Title\nThe first line.\n"), change.Text("0")},
			h:   h, clock: loopguard.NewClock(o, loopguard.State{}), next: map[*region]int{},
		})
	}
	return m
}

func (m *mesh) step() {
	r := m.regions[m.choose(len(m.regions))]
	switch m.choose(4) {
	case 0:
		m.edit(r)
	case 1:
		m.mend()
	default:
		m.apply(r, m.regions[m.choose(len(m.regions))], m.choose(3)+1)
	}
}

// edit adds words to the page, and one to its number.
func (m *mesh) edit(r *region) {
	words := fmt.Sprintf("%s%d", r.clock.Self().Region(), len(m.edits))
	m.edits = append(m.edits, words)
	body, _ := r.row[1].Text()
	lines := strings.Split(strings.TrimSuffix(body, "\n"), "\n")
	if at := m.choose(len(lines)); m.choose(2) == 0 && !strings.ContainsAny(lines[at][:1], "<=>") {
		lines[at] += " Also " + words + "."
	} else {
		lines = slices.Insert(lines, at+1, "A line about "+words+".")
	}
	m.write(r, strings.Join(lines, "\n")+"\n", number(r)+1)
}

func number(r *region) (n int) {
	text, _ := r.row[2].Text()
	fmt.Sscan(text, &n) //nolint:errcheck // it's a number
	return n
}

// write commits a local transaction.
func (m *mesh) write(r *region, body string, n int) {
	op := change.Operation{Kind: change.Update, Table: pages, Key: page, Old: r.row, New: change.Image{r.row[0], change.Text(body), change.Text(fmt.Sprint(n))}}
	r.row = op.New
	r.at++
	tx := &change.Transaction{Tag: r.clock.Local(change.Timestamp(m.choose(3))), Last: true, Operations: []change.Operation{op}}
	r.h.Add(&tx.Tag, tx.Operations, 0, r.at) //nolint:errcheck // it has no limit
	r.out = append(r.out, tx)
}

// apply takes up to most transactions of from whose dependencies are here.
func (m *mesh) apply(r, from *region, most int) {
	var b *apply.Batch
	var txs []*change.Transaction
	for _, tx := range from.out[r.next[from]:] {
		here := r.clock.State().Vector.With(r.clock.Self(), uint64(len(r.out)))
		if r == from || len(txs) == most || !here.Covers(tx.Deps) {
			break
		}
		if b == nil {
			b = apply.NewBatch(tx, 0)
		} else {
			b.Add(tx, 0)
		}
		txs = append(txs, tx)
	}
	if b == nil {
		return
	}
	r.write(b.Writes())
	v, err := b.Certify(r.h, m.rules, r.at)
	if err != nil {
		panic(err)
	}
	r.write(v.Writes)
	for _, rec := range b.Records() {
		if rec.Awaits = rec.Awaited(); rec.Awaits.Merge() {
			r.cases = append(r.cases, caseOf(&rec))
		}
	}
	r.next[from] += len(txs)
	r.at++
	if err := r.clock.Echo(b.Marker); err != nil {
		panic(err)
	}
	r.h.Learn(r.clock.Self(), r.clock.State().Vector)
	for _, tx := range txs {
		r.h.Add(&tx.Tag, tx.Operations, 0, 0) //nolint:errcheck // it has no limit
	}
	r.h.Learn(from.clock.Self(), txs[len(txs)-1].Seen())
	if m.choose(2) == 0 {
		r.h.Prune()
	}
}

func (r *region) write(writes []apply.Write) {
	for _, w := range writes {
		r.row = w.Image.Over(r.row)
	}
}

// caseOf is a conflict as bridge.conflicts tells it.
func caseOf(rec *conflict.Record) *casebook.Case {
	c := &casebook.Case{Schema: "public", Table: "pages"}
	versions, result, err := apply.Recorded(rec)
	if err == nil {
		err = json.Unmarshal(versions, &c.Versions)
	}
	if err == nil {
		err = json.Unmarshal(result, &c.Result)
	}
	if err != nil {
		panic(err)
	}
	return c
}

// mend has the first region merge what waits.
func (m *mesh) mend() {
	r := m.regions[0]
	if len(r.cases) == 0 {
		return
	}
	body, _ := r.row[1].Text()
	n, _ := r.row[2].Text()
	to, err := m.merge(m.columns, r.cases, &casebook.Row{Values: casebook.Image{"body": &body, "n": &n}})
	if err != nil {
		panic(err)
	}
	r.cases = nil
	if to.Kind == casebook.Nothing {
		return
	}
	if v := to.Values["body"]; v != nil {
		body = *v
	}
	sum := number(r)
	if v := to.Values["n"]; v != nil {
		fmt.Sscan(*v, &sum) //nolint:errcheck // it's a number
	}
	m.write(r, body, sum)
}

// settle applies and merges all that is left, and tells what isn't as it must be.
func (m *mesh) settle() error {
	for moved := true; moved; {
		moved = len(m.regions[0].cases) > 0
		m.mend()
		for _, r := range m.regions {
			for _, from := range m.regions {
				moved = moved || from != r && r.next[from] < len(from.out)
				m.apply(r, from, 100)
			}
		}
	}
	for _, r := range m.regions {
		body, _ := r.row[1].Text()
		if !slices.Equal(r.row, m.regions[0].row) {
			return fmt.Errorf("region %s has %v, and the first %v", r.clock.Self(), r.row, m.regions[0].row)
		}
		for _, words := range m.edits {
			if !strings.Contains(body, words+".") {
				return fmt.Errorf("%s isn't in %q", words, body)
			}
		}
		if number(r) != len(m.edits) {
			return fmt.Errorf("of %d edits %d are counted", len(m.edits), number(r))
		}
	}
	return nil
}

// TestMerges: whatever comes when, every edit is in the page at the end, and was counted once.
func TestMerges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMesh(rapid.IntRange(2, 4).Draw(t, "regions"), func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") })
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			m.step()
		}
		if err := m.settle(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestMergesNotWhenBroken: the property finds what lost edits on running regions.
func TestMergesNotWhenBroken(t *testing.T) {
	for name, broken := range map[string]func(map[string]Column, []*casebook.Case, *casebook.Row) (casebook.Change, error){
		"the newest case alone": func(columns map[string]Column, cases []*casebook.Case, row *casebook.Row) (casebook.Change, error) {
			return merged(columns, cases[len(cases)-1:], row)
		},
		"the winner's value taken for what it had seen": func(columns map[string]Column, cases []*casebook.Case, row *casebook.Row) (casebook.Change, error) {
			for _, c := range cases {
				for i := range c.Versions {
					v := &c.Versions[i]
					v.Arrived = v.Fate == apply.FateLost
				}
				c.Result.Met = c.Result.Image
			}
			return merged(columns, cases, row)
		},
	} {
		rng := rand.New(rand.NewPCG(1, 2))
		if !slices.ContainsFunc(make([]struct{}, 3000), func(struct{}) bool {
			m := newMesh(3, rng.IntN)
			m.merge = broken
			for range 30 {
				m.step()
			}
			return m.settle() != nil
		}) {
			t.Errorf("%s: nothing was found", name)
		}
	}
}
