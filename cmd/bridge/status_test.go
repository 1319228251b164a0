package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"bridge/cmd/bridge/internal/shell"
	"bridge/cmd/bridge/internal/watch"
	"bridge/config"
)

// statusUntil looks at a region's status until it's as ok says.
func statusUntil(t *testing.T, file string, ok func(*watch.StatusResult) bool) (answer, *watch.StatusResult) {
	t.Helper()
	for began := time.Now(); ; {
		a := bridge(t, nil, "status", "-c", file, "--json")
		var e struct{ Result *watch.StatusResult }
		if err := json.Unmarshal([]byte(a.stdout), &e); err != nil {
			t.Fatalf("%v: %+v", err, a)
		}
		if ok(e.Result) {
			return a, e.Result
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("the status never came: %+v", a)
		}
	}
}

func TestStatusAndTail(t *testing.T) {
	t.Parallel()
	m := newMesh(t, meshTables)
	m.setUp()
	eu, us := m.regions["eu"], m.regions["us"]
	m.start("eu", "us")
	m.exec("us", `INSERT INTO public.users VALUES (9000, 'a "quoted" <b>', NULL, NULL); DELETE FROM public.users WHERE id = 1`)
	m.exec("us", `TRUNCATE public.mixed`)
	a, r := statusUntil(t, eu.file, func(r *watch.StatusResult) bool {
		return r.Running && len(r.Status.Peers) == 2 && r.Status.Peers[1].Applied == 2
	})
	if a.code != 0 || !r.Status.Ready || r.Status.Peers[1].Region != "us" || r.Status.Origin != "eu/1" {
		t.Errorf("%+v", a)
	}
	text := bridge(t, nil, "status", "-c", eu.file)
	for _, want := range []string{"eu of cluster shop", "has seen of ours", "running, no peer is stopped", "512.0 MiB"} {
		if text.code != 0 || !strings.Contains(text.stdout, want) {
			t.Errorf("no %q in %+v", want, text)
		}
	}

	a = bridge(t, nil, "tail", "us", "-c", eu.file)
	lines := strings.Split(strings.TrimSpace(a.stdout), "\n")
	if a.code != 0 || len(lines) != 3 || !strings.Contains(lines[0], `"kind":"baseline"`) || !strings.Contains(lines[0], `{"table":"public.users","rows":5000,`) {
		t.Fatalf("tail: %+v", a)
	}
	lines = lines[1:]
	for _, want := range []string{`"dot":"us/1:1"`, `"kind":"insert","table":"public.users","key":["9000"],"new":{"id":"9000","name":"a \"quoted\" \u003cb\u003e","n":null,"at":null}`,
		`{"kind":"delete","table":"public.users","key":["1"]`, `"last":true`, `"vector":{}`} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("no %s in %s", want, lines[0])
		}
	}
	if !strings.Contains(lines[1], `"operations":[{"kind":"truncate","table":"public.mixed"}]`) {
		t.Errorf("truncate: %s", lines[1])
	}
	if a := bridge(t, nil, "tail", "-c", us.file, "-n", "1", "--json", "--from", "oldest"); a.code != 0 || a.stdout == "" || strings.Count(a.stdout, "\n") != 1 {
		t.Errorf("one line: %+v", a)
	}
	if a := bridge(t, nil, "tail", "-c", us.file, "--from", "latest", "--heartbeats", "-f", "-n", "2"); a.code != 0 || strings.Count(a.stdout, `"kind":"heartbeat"`) != 2 {
		t.Errorf("heartbeats: %+v", a)
	}
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"mars"}, shell.ExitUsage, "region mars isn't one of"},
		{[]string{"--from=yesterday"}, shell.ExitUsage, "neither oldest nor latest"},
		{[]string{"--from=100000000"}, shell.ExitEnvironment, "has the offsets"},
	} {
		if a := bridge(t, nil, append([]string{"tail", "-c", us.file}, tc.args...)...); a.code != tc.code || !strings.Contains(a.stderr, tc.want) {
			t.Errorf("tail %q: %+v", tc.args, a)
		}
	}

	us.stop()
	a, r = statusUntil(t, us.file, func(r *watch.StatusResult) bool { return !r.Running })
	if a.code != shell.ExitEnvironment || r.Stored == nil || r.Stored.Database == nil || len(r.Stored.Topics) != 3 || len(r.Stored.Errors) > 0 {
		t.Fatalf("%+v", a)
	}
	if top := r.Stored.Topics[2]; top.Region != "us" || top.Seq != 2 {
		t.Errorf("%+v", top)
	}
	text = bridge(t, nil, "status", "-c", us.file)
	if !strings.Contains(text.stderr, "no bridge answers") || !strings.Contains(text.stdout, "nobody reads it") {
		t.Errorf("%+v", text)
	}
	if a := bridge(t, nil, "status", "-c", us.file, "--set=http.listen="+listenOf(t, eu.file)); a.code != shell.ExitEnvironment || !strings.Contains(a.stderr, "answers the bridge of region eu") {
		t.Errorf("another region's bridge: %+v", a)
	}
}

// listenOf is a configuration's http.listen.
func listenOf(t *testing.T, file string) string {
	t.Helper()
	a := bridge(t, nil, "print-config", "-c", file, "--json")
	return a.envelope(t).Result.(map[string]any)["http"].(map[string]any)["listen"].(string)
}

// TestBrokerAwayAtStart: a bridge that finds no broker tells what it waits for.
func TestBrokerAwayAtStart(t *testing.T) {
	t.Parallel()
	m := newMesh(t, meshTables)
	m.setUpOne("eu")
	const away = "--set=kafka.brokers=127.0.0.1:1"
	ctx, cancel := context.WithCancel(t.Context())
	var log bytes.Buffer
	ended := make(chan int)
	go func() {
		ended <- execute(ctx, []string{"run", "-c", m.regions["eu"].file, away}, &log, &log, config.Outside{})
	}()
	statusUntil(t, m.regions["eu"].file, func(r *watch.StatusResult) bool {
		return r.Running && strings.Contains(r.Status.WaitsFor, "127.0.0.1:1")
	})
	a := bridge(t, nil, "status", "-c", m.regions["eu"].file)
	if a.code != shell.ExitRuntime || !strings.Contains(a.stderr, "not ready: starting, waits for topic bridge.shop.eu: ") || !strings.Contains(a.stdout, "waits for  topic bridge.shop.eu: ") {
		t.Errorf("%+v", a)
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d:\n%s", code, log.String())
	}
}
