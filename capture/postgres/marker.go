package postgres

import (
	"slices"

	"bridge/capture"
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
	return capture.MarkerOf(row, rel.marker)
}
