package mysql

import (
	"errors"
	"fmt"
	"strconv"

	"bridge/change"
	"bridge/loopguard"
)

// parseMarker reads a row of bridge.progress.
func (t *table) parseMarker(row change.Image) (loopguard.Marker, error) {
	var values [5]string
	for n, i := range t.marker {
		values[n], _ = row[i].Text()
	}
	m, err := loopguard.ParseMarker(values[0], values[1], values[2], values[3], values[4])
	if err != nil {
		return m, badLog("%w: only bridge may write it", err)
	}
	return m, nil
}

// parseBarrier reads the row of bridge.barrier.
func (t *table) parseBarrier(row change.Image) (loopguard.Barrier, error) {
	var values [3]string
	for n, i := range t.marker {
		values[n], _ = row[i].Text()
	}
	token, err := strconv.ParseUint(values[1], 10, 64)
	floor, errF := strconv.ParseInt(values[2], 10, 64)
	if err := errors.Join(err, errF); err != nil {
		return loopguard.Barrier{}, badLog("row of bridge.barrier is not bridge's: %w", err)
	}
	return loopguard.Barrier{Run: values[0], Token: token, Floor: change.Timestamp(floor)}, nil
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
		"Without it this region would apply transactions twice or not at all: restore the database to before, or join the region anew", ErrLog, what)
}
