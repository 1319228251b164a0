package value

import (
	"errors"
	"testing"

	"bridge/change"

	"pgregory.net/rapid"
)

// pair is two columns that carry each other's values.
type pair struct {
	name     string
	from, to Type
}

// pairs are all of [columns] that carry each other's values both ways.
func pairs(t testing.TB, policy Policy) (list []pair) {
	types := allColumns(t)
	for _, a := range columns {
		for _, b := range columns {
			from, to := types[a], types[b]
			if _, err := NewPlan(from, to, policy); err != nil {
				if !errors.Is(err, ErrMismatch) {
					t.Errorf("%s -> %s: %v", a, b, err)
				}
				continue
			}
			if _, err := NewPlan(to, from, policy); err == nil {
				list = append(list, pair{a + " -> " + b, from, to})
			}
		}
	}
	return list
}

func normal(t Type, s string) string {
	if f := Canonical(t); f != nil {
		return f(s)
	}
	return s
}

// A text that was carried comes back the same, and what was carried is a value of its column: it's carried
// there and back, too.
func TestRoundTrip(t *testing.T) {
	for _, policy := range []Policy{RefuseValue, TextValue} {
		list := pairs(t, policy)
		t.Logf("%d pairs under %s", len(list), policy)
		if len(list) < 300 {
			t.Fatalf("only %d pairs", len(list))
		}
		for _, p := range list {
			t.Run(policy.String()+"/"+p.name, func(t *testing.T) {
				there, back := plans(t, p, policy)
				rapid.Check(t, func(t *rapid.T) { roundTrip(t, p, there, back) })
			})
		}
	}
}

func plans(t *testing.T, p pair, policy Policy) (there, back *Plan) {
	there, err := NewPlan(p.from, p.to, policy)
	if err != nil {
		t.Fatal(err)
	}
	back, err = NewPlan(p.to, p.from, policy)
	if err != nil {
		t.Fatal(err)
	}
	return there, back
}

func roundTrip(t *rapid.T, p pair, there, back *Plan) {
	text := drawText(t, p.from)
	out, ok := carry(t, there, text)
	if !ok {
		return
	}
	if !there.Lossy() {
		again, ok := carry(t, back, out)
		if !ok {
			t.Fatalf("%q went over as %q, which doesn't go back", text, out)
		}
		if normal(p.from, again) != normal(p.from, text) {
			t.Fatalf("%q went over as %q and came back as %q", text, out, again)
		}
		return
	}
	// Another form came to be on the way. That one stays, or it's refused (a varchar(10) too short for it).
	again, ok := carry(t, back, out)
	if !ok {
		return
	}
	if third, ok := carry(t, there, again); !ok || normal(p.to, third) != normal(p.to, out) {
		t.Fatalf("%q went over as %q, came back as %q and went over as %q", text, out, again, third)
	}
}

// carry applies a plan. Texts are drawn from the column's own, so none may be malformed.
func carry(t *rapid.T, p *Plan, text string) (string, bool) {
	v, err := p.Apply(text)
	if errors.Is(err, ErrMalformed) {
		t.Fatalf("%s: %q is called malformed: %v", p, text, err)
	}
	if err != nil {
		return "", false
	}
	out, ok := v.Text()
	return out, ok
}

// What clamping makes is a value of the column, from which nothing need be clamped.
func TestClampedValuesFit(t *testing.T) {
	for _, p := range pairs(t, ClampValue) {
		clamp, err := NewPlan(p.from, p.to, ClampValue)
		if err != nil {
			t.Fatal(err)
		}
		if !clamp.Lossy() || clamp.lossy {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			there, back := plans(t, p, RefuseValue)
			rapid.Check(t, func(t *rapid.T) {
				text := drawText(t, p.from)
				nearest, ok := carry(t, clamp, text)
				if !ok {
					return
				}
				if out, fits := carry(t, there, text); fits && out != nearest {
					t.Fatalf("%q fits as %q, and clamping makes it %q", text, out, nearest)
				}
				again, ok := carry(t, back, nearest)
				if !ok {
					return // it's at the edge of what the other holds
				}
				if out, fits := carry(t, there, again); !fits || normal(p.to, out) != normal(p.to, nearest) {
					t.Fatalf("%q was clamped to %q, which goes over as %q (%v)", text, nearest, out, fits)
				}
			})
		})
	}
}

// Null and absent values go through, whatever the plan.
func TestNoValueGoesThrough(t *testing.T) {
	for _, p := range pairs(t, RefuseValue) {
		plan, err := NewPlan(p.from, p.to, RefuseValue)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []change.Value{change.Null, change.Absent} {
			if got, err := plan.Value(v); got != v || err != nil {
				t.Errorf("%s: %v became %v, %v", p.name, v, got, err)
			}
		}
	}
}

// Normal forms are idempotent, and every text's normal form is a text of the same value.
func TestCanonicalIsIdempotent(t *testing.T) {
	for name, typ := range allColumns(t) {
		f := Canonical(typ)
		if f == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				text := rapid.OneOf(rapid.Custom(func(t *rapid.T) string { return drawText(t, typ) }), rapid.String()).Draw(t, "text")
				if once := f(text); f(once) != once {
					t.Fatalf("%q becomes %q becomes %q", text, once, f(once))
				}
			})
		})
	}
}
