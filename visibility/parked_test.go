package visibility

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"bridge/change"

	"pgregory.net/rapid"
)

// same reports whether two parked rows are the same in all that bridge.parked keeps.
func same(a, b *Parked) bool {
	return a.Key == b.Key && a.Claim == b.Claim && a.Reason == b.Reason && a.Constraint == b.Constraint && a.Table.Fingerprint() == b.Table.Fingerprint() &&
		slices.Equal(a.Image, b.Image) && (a.Shown == nil) == (b.Shown == nil) && slices.Equal(a.Shown, b.Shown) && slices.EqualFunc(a.Lost, b.Lost, func(x, y Lost) bool {
		return x.Key == y.Key && x.Table.Fingerprint() == y.Table.Fingerprint() && slices.Equal(x.Image, y.Image) && x.Dot == y.Dot && x.Time == y.Time
	})
}

// TestDocument: what's parked comes back from bridge.parked as it was, whatever bytes its values have.
func TestDocument(t *testing.T) {
	value := rapid.Custom(func(t *rapid.T) change.Value {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return change.Null
		case 1:
			return change.Text(string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")))
		case 2:
			return change.Text(rapid.SampledFrom([]string{"", "\x00", "\xff", "\u2028</script>", `"\`, "\ufffd"}).Draw(t, "sharp"))
		}
		return change.Text(rapid.String().Draw(t, "text"))
	})
	rapid.Check(t, func(t *rapid.T) {
		shape := change.NewTable(change.TableName{Schema: rapid.String().Draw(t, "schema"), Name: "t"}, columnsOf("a", "b"), rapid.Bool().Draw(t, "full"))
		image := change.Image{change.Text(string(rapid.SliceOf(rapid.Byte()).Draw(t, "key"))), value.Draw(t, "a"), value.Draw(t, "b")}
		key, err := change.KeyOf(shape, image, nil)
		if err != nil {
			t.Fatal(err)
		}
		p := Parked{Row: Row{Key: key, Table: shape, Image: image}, Reason: ByUnique, Constraint: rapid.String().Draw(t, "constraint")}
		p.Claim = Claim{change.Version{Time: change.Timestamp(rapid.Int64().Draw(t, "time")), Origin: change.NewOrigin("eu", 3)}, rapid.Uint32().Draw(t, "after"), key}
		if rapid.Bool().Draw(t, "altered") {
			p.Shown = change.Image{image[0], value.Draw(t, "shown"), change.Null}
		}
		for range rapid.IntRange(0, 2).Draw(t, "lost") {
			lost := Lost{Dot: change.Dot{Origin: change.NewOrigin("us", 1), Seq: rapid.Uint64().Draw(t, "seq")}, Time: change.Timestamp(rapid.Int64().Draw(t, "deleted"))}
			lost.Row = Row{Key: key, Table: shape, Image: change.Image{image[0], value.Draw(t, "lost a"), value.Draw(t, "lost b")}}
			p.Lost = append(p.Lost, lost)
		}
		text, err := p.Document()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseParked(text)
		if err != nil || !same(&got, &p) {
			t.Fatalf("%s\nis %+v (%v), want %+v", text, got, err, p)
		}
	})
}

func TestParseParkedRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":          `row`,
		"too few values":   `{"row":"ATE=","schema":"s","name":"t","columns":[{"name":"id","type":"text","key":true}],"image":[]}`,
		"too many values":  `{"row":"ATE=","schema":"s","name":"t","columns":[{"name":"id","type":"text","key":true}],"image":[{"t":"1"},{}]}`,
		"altered too long": `{"row":"ATE=","schema":"s","name":"t","columns":[{"name":"id","type":"text","key":true}],"image":[{"t":"secret"}],"shown":[{},{}]}`,
		"lost too short":   `{"row":"ATE=","schema":"s","name":"t","columns":[{"name":"id","type":"text","key":true}],"image":[{"t":"secret"}],"lost":[{"row":"ATE=","columns":[{"name":"id"}]}]}`,
	} {
		_, err := ParseParked([]byte(text))
		if err == nil || !strings.Contains(err.Error(), "bridge.parked") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzParseParked: bridge.parked can be written by others. Whatever stands there is refused, or stays the same once it's written again.
func FuzzParseParked(f *testing.F) {
	row := rowOf(personShape, "1", "", "2", "a\xff", "")
	p := Parked{Row: *row, Claim: Claim{Version: change.Version{Time: 7, Origin: change.NewOrigin("eu", 1)}, After: 1, Key: row.Key}, Reason: ByParent, Constraint: "of_mentor"}
	p.Lost = []Lost{{*row, change.Dot{Origin: change.NewOrigin("us", 1), Seq: 3}, 5}}
	for _, shown := range []change.Image{nil, row.Image} {
		p.Shown = shown
		text, err := p.Document()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"columns":null,"image":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParseParked(text)
		if err != nil {
			return
		}
		first, err := p.Document()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseParked(first)
		if err != nil || !same(&p, &again) {
			t.Fatalf("%s\nis written as %s and read as %+v (%v)", text, first, again, err)
		}
		if second, err := again.Document(); err != nil || !bytes.Equal(first, second) {
			t.Fatalf("written as %s, then as %s (%v)", first, second, err)
		}
	})
}
