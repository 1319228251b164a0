package watch

import (
	"strings"
	"testing"
	"time"

	"bridge/admin"
)

func TestStoppedPeersAndConflictsAreShown(t *testing.T) {
	began := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	s := &admin.Status{Cluster: "shop", Region: "eu", Origin: "eu/1", Phase: "running", Since: began, Sessions: 2, Error: "connection lost",
		Peers: []admin.Peer{{Region: "us", Applied: 7, Queued: 3, QueuedBytes: 2048, LagSeconds: 1.5, Stopped: "gap at 8", Seen: map[string]uint64{"eu/1": 5}}, {Region: "ap", WaitsFor: "us"},
			{Region: "sa", WaitsForTopic: "bridge.shop.us", WaitsSince: &began, ReadError: "read, topic \"bridge.shop.sa\": refused"}},
		HeldSince: &began, HeldError: "may not write",
		Conflicts: []admin.Conflict{{Type: "update_concurrent", Table: "public.t", Rule: "last_write_wins", Result: "kept", Count: 4}},
		Parked:    []admin.Parked{{Table: "public.seats", Reason: "unique", Rows: 3}}}
	var b strings.Builder
	if err := writeStatus(&b, s, began.Add(90*time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"running for 1m30s, session 2", "last error", "us is STOPPED: gap at 8", "ap waits for us, of which",
		"sa waits for topic bridge.shop.us, which has operations that its next transaction needs, for 1m30s\n", "sa can't be read at the moment: read, topic",
		"nothing for 1m30s, rows that constraints hide can't be looked at: may not write\n", "2.0 KiB  1.5s", "update_concurrent  public.t", "public.seats    unique  3"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in:\n%s", want, b.String())
		}
	}
	if got := statusSummary(s); got != "stopped peers: us" {
		t.Errorf("summary %q", got)
	}
}
