package apply

import (
	"bridge/change"
	"bridge/naming"
	"bridge/value"
)

// Inward says how other regions' rows become this region's: the other direction of capture.Outward. The zero
// Inward writes names as they come, and refuses values that a column can't hold.
type Inward struct {
	// Names are the tables' and columns' names between the regions.
	Names naming.Names
	// Policy is what becomes of a value that a column can't hold, by local names; nil refuses them all.
	Policy func(table change.TableName, column string) value.Policy
}
