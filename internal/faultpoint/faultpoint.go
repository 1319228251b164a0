// Package faultpoint lets tests end the process at a named place, as kill -9 would: nothing is flushed,
// closed or said. Without BRIDGE_FAULTPOINT in the environment a Hit costs one comparison.
package faultpoint

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// The places, in the order of a transaction's way.
const (
	Captured      = "captured"       // a local transaction is tagged and not yet published
	Published     = "published"      // the topic has it, the database's log isn't confirmed
	PiecePublish  = "piece-publish"  // some pieces of a large transaction are in the topic
	Confirmed     = "confirmed"      // the log is confirmed
	Delivered     = "delivered"      // a record was read from a peer's topic
	Written       = "written"        // a batch is written and not certified
	PieceWritten  = "piece-written"  // a piece of a large transaction is written
	Barrier       = "barrier"        // a barrier was emitted
	Certified     = "certified"      // a batch is certified and not committed
	Committed     = "committed"      // a batch has committed, and nobody knows
	HorizonSaved  = "horizon-saved"  // a horizon was written
	HistoryLoaded = "history-loaded" // history was rebuilt, nothing is running yet
)

// All are the places, for tests that go through them.
var All = []string{Captured, Published, PiecePublish, Confirmed, Delivered, Written, PieceWritten, Barrier, Certified,
	Committed, HorizonSaved, HistoryLoaded}

// name and after come from BRIDGE_FAULTPOINT=name or name:n, which is the n-th time that it's reached.
var (
	name  string
	after int64 = 1
	hits  atomic.Int64
)

func init() {
	var n string
	name, n, _ = strings.Cut(os.Getenv("BRIDGE_FAULTPOINT"), ":")
	if v, err := strconv.ParseInt(n, 10, 64); err == nil {
		after = v
	}
}

// Hit ends the process if this is the place to.
func Hit(point string) {
	if name == point && hits.Add(1) == after {
		syscall.Kill(os.Getpid(), syscall.SIGKILL) //nolint:errcheck // nobody is left to be told
		select {}
	}
}
