package visibility

import (
	"cmp"

	"bridge/change"
)

// Claim ranks candidates that take one value: the latest holds it. It's the latest version among the row's unstable operations, of
// any kind; ties go by key.
type Claim struct {
	change.Version
	// After is 1 of a row whose claim isn't known for its operations are all stable, which loses to a later row and
	// holds its value against those parked with Version and After 0: it had been shown against them.
	After uint32
	Key   change.Key
}

// Compare orders claims.
func (c Claim) Compare(d Claim) int {
	return cmp.Or(c.Version.Compare(d.Version), cmp.Compare(c.After, d.After), compareKeys(c.Key, d.Key))
}

func compareKeys(a, b change.Key) int {
	return cmp.Or(cmp.Compare(a.Table.Schema, b.Table.Schema), cmp.Compare(a.Table.Name, b.Table.Name), cmp.Compare(a.Row, b.Row))
}
