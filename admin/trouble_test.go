package admin

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"bridge/apply"
	"bridge/node"
)

type subject node.Status

func (s *subject) Status() node.Status { return node.Status(*s) }

// TestTroubleIsTold: what keeps transactions from being applied is in the probe, the status and the metrics. Only what concerns all
// regions makes this one not ready.
func TestTroubleIsTold(t *testing.T) {
	ago := time.Now().Add(-time.Minute)
	held := &subject{Phase: node.Running, Held: apply.Held{Since: ago, Error: errors.New("may not write")}}
	topic := &subject{Phase: node.Running, Peers: []node.Peer{{PeerStatus: apply.PeerStatus{Origin: "us/1", WaitsForTopic: apply.TopicWait{Topics: "bridge.ap", Since: ago}, ReadError: errors.New("refused")}}}}
	for _, tc := range []struct {
		name    string
		subject *subject
		path    string
		code    int
		want    []string
	}{
		{"held", held, "/readyz", 503, []string{"nothing is applied since 20", "may not write"}},
		{"held", held, "/status", 200, []string{`"ready": false`, `"apply_held_since": "20`, `"apply_held_error": "may not write"`}},
		{"held", held, "/metrics", 200, []string{"bridge_ready 0", "bridge_apply_held_seconds 6"}},
		{"a topic is away", topic, "/readyz", 200, nil},
		{"a topic is away", topic, "/status", 200, []string{`"ready": true`, `"waits_for_topic": "bridge.ap"`, `"waits_for_topic_since": "20`, `"read_error": "refused"`}},
		{"a topic is away", topic, "/metrics", 200, []string{"bridge_ready 1", `bridge_topic_wait_seconds{origin="us"} 6`, "bridge_apply_held_seconds 0"}},
	} {
		answer := httptest.NewRecorder()
		Handler(tc.subject, Options{}).ServeHTTP(answer, httptest.NewRequest("GET", tc.path, nil))
		if answer.Code != tc.code {
			t.Errorf("%s, %s: code %d, want %d", tc.name, tc.path, answer.Code, tc.code)
		}
		for _, want := range tc.want {
			if !strings.Contains(answer.Body.String(), want) {
				t.Errorf("%s, %s: no %q in\n%s", tc.name, tc.path, want, answer.Body)
			}
		}
	}
}
