package postgres

import (
	"fmt"
	"slices"

	"bridge/change"
	"bridge/loopguard"
)

// markerColumns are the indexes of [loopguard.MarkerColumns] in the rows of bridge.progress.
type markerColumns []int

func findMarkerColumns(columns []columnMessage) (markerColumns, error) {
	at := make(markerColumns, len(loopguard.MarkerColumns))
	for n, name := range loopguard.MarkerColumns {
		at[n] = slices.IndexFunc(columns, func(c columnMessage) bool { return c.name == name })
		if at[n] < 0 {
			return nil, badLog("table bridge.progress has no column %q in the log: the publication must have all of its columns", name)
		}
	}
	return at, nil
}

// parseMarker reads the row that an INSERT or UPDATE of bridge.progress wrote. text is the message
// after the table's OID.
func (rel *relation) parseMarker(tag byte, text string) (loopguard.Marker, error) {
	row := make(change.Image, len(rel.columns))
	kind, rest, err := tuples(tag, text, row, row) // the new row comes last and stays
	if err != nil {
		return loopguard.Marker{}, err
	}
	if kind != 'N' || rest != "" {
		return loopguard.Marker{}, badLog("row of bridge.progress has the unknown form %q", kind)
	}
	var values [5]string
	for n, i := range rel.marker {
		values[n], _ = row[i].Text()
	}
	m, err := loopguard.ParseMarker(values[0], values[1], values[2], values[3], values[4])
	if err != nil {
		return m, badLog("%w: only bridge may write it", err)
	}
	return m, nil
}

// raise joins the markers of one transaction: the higher sequence number, and the higher time.
func raise(m, by loopguard.Marker) (loopguard.Marker, error) {
	if m.Origin != by.Origin {
		return m, badLog("one transaction wrote markers of %s and %s to bridge.progress: only bridge may write it", m.Origin, by.Origin)
	}
	time := max(m.Time, by.Time)
	if by.Seq > m.Seq {
		m = by
	}
	m.Time = time
	return m, nil
}

// errMarkerRemoved is for a DELETE or TRUNCATE of bridge.progress outside an applied transaction.
func errMarkerRemoved(what string) error {
	return fmt.Errorf("%w: %s of bridge.progress, which says what this region has applied, by someone else than bridge. "+
		"Without it this region would apply transactions twice or not at all: see \"Begin anew\" in docs/operations.md", ErrLog, what)
}
