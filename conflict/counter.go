package conflict

import (
	"math/big"
	"strings"

	"bridge/change"
)

// counter adds differences up. A value outside of its column's range is refused by the database, as any other
// value is that the column can't hold.
type counter struct{ reset *string }

func (c counter) edit(before, after change.Value) edit {
	from, to := texts(before, after)
	if c.reset != nil && to == *c.reset {
		return edit{kind: assigns}
	}
	x, ok1 := parseDecimal(from)
	y, ok2 := parseDecimal(to)
	if !ok1 || !ok2 {
		return edit{kind: assigns}
	}
	x.unscaled.Neg(x.unscaled)
	return edit{kind: adds, data: y.plus(x)}
}

func (c counter) join(v change.Value, e *edit, _ []*edit) (change.Value, bool) {
	text, _ := v.Text()
	x, ok := parseDecimal(text)
	if !ok {
		return v, false
	}
	return change.Text(x.plus(e.data.(decimal)).String()), true
}

// canonical has no zeros at its end.
func (counter) canonical(v change.Value) change.Value {
	text, ok := v.Text()
	d, isDecimal := parseDecimal(text)
	if !ok || !isDecimal || d.scale == 0 {
		return v
	}
	return change.Text(d.trimmed())
}

// decimal is unscaled * 10^-scale.
type decimal struct {
	unscaled *big.Int
	scale    int
}

// parseDecimal takes digits with at most one point, and a sign before them: as databases print exact numbers.
func parseDecimal(s string) (decimal, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	digits := whole + fraction
	if bare := strings.TrimPrefix(digits, "-"); bare == "" || strings.Trim(bare, "0123456789") != "" {
		return decimal{}, false
	}
	n, ok := new(big.Int).SetString(digits, 10)
	return decimal{n, len(fraction)}, ok
}

// plus has the larger scale of the two, as databases give it.
func (d decimal) plus(e decimal) decimal {
	scale := max(d.scale, e.scale)
	sum := new(big.Int).Add(d.to(scale), e.to(scale))
	return decimal{sum, scale}
}

// compare is by value, whatever the scales.
func (d decimal) compare(e decimal) int {
	scale := max(d.scale, e.scale)
	return d.to(scale).Cmp(e.to(scale))
}

func (d decimal) to(scale int) *big.Int {
	if scale == d.scale {
		return d.unscaled
	}
	factor := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale-d.scale)), nil)
	return factor.Mul(factor, d.unscaled)
}

// trimmed is the text without zeros at the fraction's end.
func (d decimal) trimmed() string {
	if d.scale == 0 {
		return d.String()
	}
	return strings.TrimSuffix(strings.TrimRight(d.String(), "0"), ".")
}

func (d decimal) String() string {
	if d.scale == 0 {
		return d.unscaled.String()
	}
	digits := new(big.Int).Abs(d.unscaled).String()
	if missing := d.scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	sign := ""
	if d.unscaled.Sign() < 0 {
		sign = "-"
	}
	point := len(digits) - d.scale
	return sign + digits[:point] + "." + digits[point:]
}
