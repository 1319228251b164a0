package admin

import (
	"net/http/httptest"
	"testing"

	"bridge/node"
)

type idle struct{}

func (idle) Status() node.Status { return node.Status{} }

// Only this machine, and no page that a browser shows, tells a bridge to do something.
func TestRetry(t *testing.T) {
	for _, tc := range []struct {
		name, method, from, origin string
		code                       int
	}{
		{"a command here", "POST", "127.0.0.1:5", "", 202},
		{"by IPv6", "POST", "[::1]:5", "", 202},
		{"by IPv4 in IPv6", "POST", "[::ffff:127.0.0.1]:5", "", 202},
		{"another machine", "POST", "10.0.0.1:5", "", 403},
		{"nobody knows from where", "POST", "@", "", 403},
		{"a page in a browser here", "POST", "127.0.0.1:5", "https://elsewhere.example", 403},
		{"while it starts", "POST", "127.0.0.1:5", "", 503},
		{"a look", "GET", "127.0.0.1:5", "", 405},
	} {
		retried := 0
		r := httptest.NewRequest(tc.method, "/parked/retry", nil)
		if r.RemoteAddr = tc.from; tc.origin != "" {
			r.Header.Set("Origin", tc.origin)
		}
		answer := httptest.NewRecorder()
		Handler(idle{}, Options{Retry: func() bool { retried++; return tc.code != 503 }}).ServeHTTP(answer, r)
		if answer.Code != tc.code || (retried == 1) != (tc.code == 202 || tc.code == 503) {
			t.Errorf("%s: %d, retried %d times, want %d", tc.name, answer.Code, retried, tc.code)
		}
	}
	answer := httptest.NewRecorder()
	Handler(idle{}, Options{}).ServeHTTP(answer, httptest.NewRequest("POST", "/parked/retry", nil))
	if answer.Code != 404 {
		t.Errorf("without anything to retry: %d", answer.Code)
	}
}
