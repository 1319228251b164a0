package loopguard

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"bridge/change"
)

// Schema is where bridge's own tables live in a region's database, and MarkerTable is the one whose
// rows are markers. It's in the publication, so that markers come out of the log.
const (
	Schema      = "bridge"
	MarkerTable = "progress"
)

// MarkerColumns are the columns of bridge.progress, in order. The key is (origin, worker): each apply
// connection has its own row, so that markers don't contend.
var MarkerColumns = []string{"origin", "worker", "seq", "ts", "stream_offset"}

// Marker is one row of bridge.progress: the checkpoint of what was applied from an origin.
type Marker struct {
	Origin change.Origin
	Worker int
	Seq    uint64           // the last transaction applied
	Time   change.Timestamp // the highest timestamp applied
	Offset int64            // of the record in the origin's topic that holds the transaction Seq
}

// ParseMarker reads a marker from its columns' text.
func ParseMarker(origin, worker, seq, ts, offset string) (Marker, error) {
	o, err := change.ParseOrigin(origin)
	w, errW := strconv.Atoi(worker)
	s, errS := strconv.ParseUint(seq, 10, 63)
	t, errT := strconv.ParseInt(ts, 10, 64)
	f, errF := strconv.ParseInt(offset, 10, 64)
	if err := errors.Join(err, errW, errS, errT, errF); err != nil {
		return Marker{}, fmt.Errorf("row of bridge.progress is not bridge's: %w", err)
	}
	return Marker{o, w, s, change.Timestamp(t), f}, nil
}

// Barrier is a mark that bridge writes to the region's own log to learn when capture has read up to
// here. In PostgreSQL it's a transactional logical message with [BarrierPrefix], in MySQL, where it's
// rarely needed, an update of a row.
type Barrier struct {
	Run   string           // the process that wrote it; one of another run is passed over
	Token uint64           // counts up within a run
	Floor change.Timestamp // every later local timestamp must exceed it; 0 asks nothing
	Turn  Turn
}

// Turn says, if it Is one, that transactions which come later in the log are published under other conflict rules.
type Turn struct {
	Is    bool
	Rules string // their fingerprint; empty for the default
}

// Mark is what the log has for Run and Turn. ParseMark is the other way round.
func (b Barrier) Mark() string {
	if b.Turn.Is {
		return b.Run + "=" + b.Turn.Rules
	}
	return b.Run
}

// ParseMark reads what [Barrier.Mark] gave.
func ParseMark(mark string) (run string, turn Turn) {
	run, turn.Rules, turn.Is = strings.Cut(mark, "=")
	return run, turn
}

// BarrierPrefix is the prefix of the logical messages that are barriers. Messages with other
// prefixes are other programs' and mean nothing to bridge.
const BarrierPrefix = "bridge"

// String is the barrier's form in the log.
func (b Barrier) String() string {
	return fmt.Sprintf("barrier 1 %s %d %d", b.Mark(), b.Token, int64(b.Floor))
}

// ParseBarrier reads what [Barrier.String] wrote. Unknown content under bridge's prefix is an error:
// it may come from a newer bridge and mean something.
func ParseBarrier(s string) (Barrier, error) {
	f := strings.Fields(s)
	if len(f) != 5 || f[0] != "barrier" || f[1] != "1" {
		return Barrier{}, errors.New("logical message with prefix \"bridge\" is not a barrier of this version")
	}
	token, err := strconv.ParseUint(f[3], 10, 64)
	floor, errF := strconv.ParseInt(f[4], 10, 64)
	if err := errors.Join(err, errF); err != nil {
		return Barrier{}, fmt.Errorf("barrier message: %w", err)
	}
	run, turn := ParseMark(f[2])
	return Barrier{run, token, change.Timestamp(floor), turn}, nil
}
