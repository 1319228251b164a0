package capture

import (
	"bridge/change"
	"bridge/loopguard"
)

// MarkerOf reads the marker in a row of bridge.progress. columns are the indexes of [loopguard.MarkerColumns]
// in the row.
func MarkerOf(row change.Image, columns []int) (loopguard.Marker, error) {
	var values [5]string
	for n, i := range columns {
		values[n], _ = row[i].Text()
	}
	m, err := loopguard.ParseMarker(values[0], values[1], values[2], values[3], values[4])
	if err != nil {
		return m, BadLog("%w: only bridge may write it", err)
	}
	return m, nil
}

// MarkerRemoved is the error for a statement, DELETE or TRUNCATE, that removed markers outside an applied
// transaction.
func MarkerRemoved(statement string) error {
	return BadLog("%s of bridge.progress, which says what this region has applied, by someone else than bridge. "+
		"Without it this region would apply transactions twice or not at all: see \"Begin anew\" in docs/operations.md", statement)
}

// raise joins the markers of one transaction: the higher sequence number, and the higher time.
func raise(m, by loopguard.Marker) (loopguard.Marker, error) {
	if m.Origin != by.Origin {
		return m, BadLog("one transaction wrote markers of %s and %s to bridge.progress: only bridge may write it", m.Origin, by.Origin)
	}
	time := max(m.Time, by.Time)
	if by.Seq > m.Seq {
		m = by
	}
	m.Time = time
	return m, nil
}
