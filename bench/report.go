package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
)

// samples are the figures of repeated measurements of one thing.
type samples []float64

// Median is the middle one, of an even number the mean of the two in the middle; 0 of none.
func (s samples) Median() float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

// result is one line of results.json: medians, and bridge divided by peer.
type result struct {
	Name     string  `json:"name"`
	Bridge   float64 `json:"bridge"`
	Peer     float64 `json:"peer"`
	PeerName string  `json:"peer_name"`
	Ratio    float64 `json:"ratio"`
	Unit     string  `json:"unit"`

	bridge, peer samples
	bar          bar
}

// bar is what was promised of a result.
type bar struct {
	text string // empty: nothing was
	met  func(r *result) bool
}

func atLeastRatio(least float64) bar {
	return bar{fmt.Sprintf("ratio >= %.2f", least), func(r *result) bool { return r.Ratio >= least }}
}

func below(limit float64, unit string) bar {
	return bar{fmt.Sprintf("< %g %s", limit, unit), func(r *result) bool { return r.Bridge < limit }}
}

// newResult compares bridge with a peer.
func newResult(name, unit string, bridge samples, peerName string, peer samples, b bar) result {
	r := result{Name: name, Bridge: bridge.Median(), Peer: peer.Median(), PeerName: peerName, Unit: unit,
		bridge: bridge, peer: peer, bar: b}
	if r.Peer != 0 {
		r.Ratio = r.Bridge / r.Peer
	}
	return r
}

// verdict is the bar and whether it was reached, or nothing.
func (r *result) verdict() string {
	switch {
	case r.bar.text == "":
		return ""
	case r.bar.met(r):
		return r.bar.text + "  reached"
	default:
		return r.bar.text + "  MISSED"
	}
}

func printResults(w io.Writer, all []result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "what\tbridge\t(range)\tpeer\t(range)\tpeer is\tratio\tunit\tbar")
	for i := range all {
		r := &all[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%.2f\t%s\t%s\n", r.Name, figure(r.Bridge), r.bridge.span(),
			figure(r.Peer), r.peer.span(), r.PeerName, r.Ratio, r.Unit, r.verdict())
	}
	return t.Flush()
}

func (s samples) span() string {
	if len(s) < 2 {
		return ""
	}
	return "(" + figure(slices.Min(s)) + "-" + figure(slices.Max(s)) + ")"
}

// figure shows three or more digits.
func figure(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	default:
		return fmt.Sprintf("%.2f", x)
	}
}

func writeResults(path string, all []result) error {
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
