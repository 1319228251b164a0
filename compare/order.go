package compare

import "strings"

// compareTexts orders canonical texts: by bytes, or as whole numbers without superfluous zeros.
func compareTexts(a, b string, numbers bool) int {
	if !numbers {
		return strings.Compare(a, b)
	}
	x, negativeA := strings.CutPrefix(a, "-")
	y, negativeB := strings.CutPrefix(b, "-")
	switch {
	case negativeA && !negativeB:
		return -1
	case negativeB && !negativeA:
		return 1
	case negativeA:
		x, y = y, x
	}
	if len(x) != len(y) {
		return len(x) - len(y)
	}
	return strings.Compare(x, y)
}
