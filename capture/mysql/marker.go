package mysql

import (
	"errors"
	"strconv"

	"bridge/change"
	"bridge/loopguard"
)

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
	run, turn := loopguard.ParseMark(values[0])
	return loopguard.Barrier{Run: run, Token: token, Floor: change.Timestamp(floor), Turn: turn}, nil
}
