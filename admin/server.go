// Package admin is the one HTTP listener of a bridge: probes, metrics and status. It's bound to loopback
// unless the configuration says otherwise. It changes nothing: all that it can be told, and only from this machine, is to
// look at once at what the bridge looks at by itself.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"bridge/node"
)

// Subject is what the endpoints tell of.
type Subject interface {
	Status() node.Status
}

// Options are the listener's choices.
type Options struct {
	PProf   bool
	Version string
	// Retry has the bridge look at its parked rows again, soon; false says that it can't now. POST /parked/retry calls it; nil is
	// to have no such endpoint.
	Retry func() bool
}

// Listen opens the listener.
func Listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on http.listen: %w", err)
	}
	return l, nil
}

// Serve answers until ctx ends.
func Serve(ctx context.Context, l net.Listener, s Subject, o Options) error {
	server := &http.Server{Handler: Handler(s, o), ReadHeaderTimeout: 5 * time.Second}
	ended := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		server.Shutdown(ctx) //nolint:errcheck // whoever is still connected is cut off
	})
	defer ended()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve http: %w", err)
	}
	return nil
}

// Handler has the endpoints: /healthz is 200 while the process works or waits, /readyz while the region
// replicates with every peer; /status is JSON, /metrics Prometheus text.
func Handler(s Subject, o Options) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		st := s.Status()
		probe(w, st.Phase != node.Stopped, &st)
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		st := s.Status()
		probe(w, st.Ready(), &st)
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, statusOf(s.Status()))
	})
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"version": o.Version})
	})
	if o.Retry != nil {
		mux.Handle("POST /parked/retry", http.NewCrossOriginProtection().Handler(local(func(w http.ResponseWriter, _ *http.Request) {
			if !o.Retry() {
				http.Error(w, "the region isn't running", http.StatusServiceUnavailable)
				return
			}
			w.WriteHeader(http.StatusAccepted)
		})))
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&collector{subject: s, version: o.Version})
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	if o.PProf {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

// local refuses whoever isn't on this machine.
func local(f http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if from, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !from.Addr().Unmap().IsLoopback() {
			http.Error(w, "only on the bridge's own machine", http.StatusForbidden)
			return
		}
		f(w, r)
	})
}

func probe(w http.ResponseWriter, ok bool, st *node.Status) {
	answer := struct {
		Status string `json:"status"`
		Phase  string `json:"phase"`
		Reason string `json:"reason,omitempty"`
	}{"ok", string(st.Phase), ""}
	code := http.StatusOK
	if !ok {
		code, answer.Status = http.StatusServiceUnavailable, "unavailable"
		answer.Reason = reason(st)
	}
	writeJSON(w, code, answer)
}

func reason(st *node.Status) string {
	if st.Error != nil {
		return st.Error.Error()
	}
	if !st.StalledSince.IsZero() {
		return fmt.Sprintf("nothing could be published since %s: %v", st.StalledSince.UTC().Format(time.RFC3339), st.PublishError)
	}
	if st.Held.Error != nil {
		return fmt.Sprintf("nothing is applied since %s: %v", st.Held.Since.UTC().Format(time.RFC3339), st.Held.Error)
	}
	for i := range st.Peers {
		if err := st.Peers[i].Stopped; err != nil {
			return err.Error()
		}
	}
	return string(st.Phase)
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.Encode(v) //nolint:errcheck // whoever asked has gone
}
