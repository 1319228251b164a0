package value

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzDecimal(f *testing.F) {
	for _, s := range []string{"0", "-0.00", "1e10", "1.5e-3", "+7", ".5", "5.", "00.100", "1e999999", "-", "e5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, ok := parseDecimal(s)
		if !ok || d.exp > 1000 || d.exp < -1000 || len(d.digits) > 1000 {
			return
		}
		want, ok := new(big.Rat).SetString(s)
		if !ok {
			t.Fatalf("%q is read as %+v, and it's no number", s, d)
		}
		plain := d.plain(0)
		if got, _ := new(big.Rat).SetString(plain); got.Cmp(want) != 0 {
			t.Fatalf("%q is %s", s, plain)
		}
		if again, ok := parseDecimal(plain); !ok || again != d {
			t.Fatalf("%q is %+v, and %s is %+v", s, d, plain, again)
		}
		if again, ok := parseDecimal(d.normal()); !ok || again != d {
			t.Fatalf("%q is %+v, and %s is %+v", s, d, d.normal(), again)
		}
		for _, scale := range []int{0, 2} {
			rounded, _ := new(big.Rat).SetString(d.round(scale).plain(0))
			off := new(big.Rat).Sub(rounded, want)
			half := big.NewRat(5, 10)
			if scale == 2 {
				half.SetFrac64(5, 1000)
			}
			if off.Abs(off).Cmp(half) > 0 || d.round(scale).fractionDigits() > scale {
				t.Fatalf("%q is rounded to %s", s, d.round(scale).plain(0))
			}
		}
	})
}

func FuzzMoment(f *testing.F) {
	for _, s := range []string{"2024-01-02 03:04:05.5+00", "0044-03-15 BC", "infinity", "0000-00-00", "294276-12-31 23:59:59.999999+00 BC"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, timed bool) {
		m, ok := parseMoment(s, timed)
		if !ok || m.infinite {
			return
		}
		if !timed {
			if got := string(appendDate(nil, m.year, m.month, m.day)); strings.TrimSuffix(s, " BC") != got {
				t.Fatalf("%q is %q", s, got)
			}
			return
		}
		suffix := ""
		if m.utc {
			suffix = "+00"
		}
		text := m.text(suffix)
		again, ok := parseMoment(text, true)
		if again.bc = m.bc; !ok || again != m {
			t.Fatalf("%q is %+v, and %q is %+v", s, m, text, again)
		}
		if m.real() && !m.bc {
			if r := roundMoment(m, 3); len(r.fraction) > 3 || r.seconds() < m.seconds() || r.seconds() > m.seconds()+1 {
				t.Fatalf("%q is rounded to %+v", s, r)
			}
		}
	})
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a": [1, 2.50, null], "b": "\ud83d\ude00"}`, `"\ud800"`, `[]`, `-0.0e+5`, `01`, `{"a":1,"a":2}`, "\"\t\"", "[1,]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		doc, ok := parseJSON(s)
		if utf8.ValidString(s) && ok != json.Valid([]byte(s)) {
			t.Fatalf("%q is valid: %v", s, ok)
		}
		if !ok {
			return
		}
		normal := string(doc.appendTo(nil))
		again, ok := parseJSON(normal)
		if !ok || string(again.appendTo(nil)) != normal || again.depth() != doc.depth() {
			t.Fatalf("%q is %q is %q", s, normal, again.appendTo(nil))
		}
	})
}

func FuzzArray(f *testing.F) {
	for _, s := range []string{"{}", "{1,NULL,3}", `{{"a b","c\"d"},{e,f}}`, "[0:1]={1,2}", "{{}}", `{"NULL",""}`, "{1,{2}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, bad := parseArray(s)
		if bad != nil {
			return
		}
		text := string(v.appendTo(nil))
		again, bad := parseArray(text)
		if bad != nil || string(again.appendTo(nil)) != text {
			t.Fatalf("%q is %q is %q (%v)", s, text, again.appendTo(nil), bad)
		}
	})
}

func FuzzDeclared(f *testing.F) {
	for _, s := range []string{"enum('a','b''c')", "decimal(10,2) unsigned", "timestamp(3) with time zone", `"A"."b"`, "integer[]", "text /*M! x */", "set(", "text collate utf8mb4_bin"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, e := range []Engine{Postgres, MySQL, MariaDB, ""} {
			typ, err := Declared(e, s)
			if err != nil {
				continue
			}
			_ = typ.String()
			if _, err := OnWire(e, typ.Name); err != nil {
				t.Fatalf("%q of %q has the name %q, which isn't one: %v", s, e, typ.Name, err)
			}
		}
	})
}

// FuzzApply: no text makes a plan panic, whatever it is.
func FuzzApply(f *testing.F) {
	f.Add("1.5")
	f.Add("infinity")
	f.Add(`{"a":1}`)
	f.Add("{a,b}")
	f.Add("-")
	var plans []*Plan
	for _, policy := range []Policy{ClampValue, TextValue} {
		for _, p := range pairs(f, policy) {
			if plan, err := NewPlan(p.from, p.to, policy); err == nil && plan != nil {
				plans = append(plans, plan)
			}
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, p := range plans {
			v, err := p.Apply(s)
			if _, ok := v.Text(); ok == (err != nil) && !v.IsNull() {
				t.Fatalf("%s: %q gave %v and %v", p, s, v, err)
			}
		}
	})
}
