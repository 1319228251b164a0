package mysql

import (
	"context"
	"fmt"
	"time"

	"bridge/capture"
	"bridge/internal/mysql"
)

// watch notices a stream that stands still: after RESET BINARY LOGS (RESET MASTER) the server's sender
// waits at a place that the new log doesn't have, and sends heartbeats as if nothing happened. So while
// nothing else comes, the log's end is looked up now and then.
type watch struct {
	asked time.Time            // when the end was looked up last
	end   mysql.BinlogPosition // where it was, ahead of what was read; zero if it wasn't
}

// patienceBeats is how many heartbeats apart the log's end is looked up. What has been in the log for so
// long is on its way, or read: a server sends heartbeats only when it has nothing else to send.
const patienceBeats = 3

var errStandstill = fmt.Errorf("%w: the server's log goes on, but the server sends nothing of it: it was reset, or the sender hangs", ErrStream)

// heartbeat takes a heartbeat.
func (w *watch) heartbeat(ctx context.Context, s *Source) error {
	now := time.Now()
	if now.Sub(w.asked) < patienceBeats*s.config.IdleInterval || s.link.behind() {
		return nil
	}
	here := mysql.BinlogPosition{File: s.place.number, Offset: s.place.offset}
	if here.Compare(w.end) < 0 {
		return errStandstill
	}
	end, err := s.catalog.end(ctx)
	if err != nil {
		return err
	}
	w.asked, w.end = now, mysql.BinlogPosition{}
	switch order := end.at.Compare(here); {
	case order < 0 && !s.group.open:
		return fmt.Errorf("%w: bridge has read up to %s, the server's log ends at %s: it was reset. %s", capture.ErrLogBehind, here, end.at, behindRemedy)
	case order > 0:
		w.end = end.at
	}
	return nil
}
