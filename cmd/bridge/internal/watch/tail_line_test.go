package watch

import (
	"encoding/json"
	"strings"
	"testing"

	"bridge/change"
)

// TestPieceLine: a reader of "bridge tail" can tell where a piece belongs.
func TestPieceLine(t *testing.T) {
	tx := change.Transaction{Tag: change.Tag{Dot: change.Dot{Origin: "us/1", Seq: 5}}}
	for want, piece := range map[string]struct {
		before uint32
		last   bool
	}{
		`"position":"0/0","last":true`:                {0, true},
		`"position":"0/0","last":false`:               {0, false},
		`"position":"0/0","before":4096,"last":false`: {4096, false},
		`"position":"0/0","before":9000,"last":true`:  {9000, true},
	} {
		tx.Before, tx.Last = piece.before, piece.last
		line, err := json.Marshal(transactionLine(7, &tx))
		if err != nil || !strings.Contains(string(line), want) {
			t.Errorf("no %s in %s (%v)", want, line, err)
		}
	}
}
