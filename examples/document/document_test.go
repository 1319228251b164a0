package main

import (
	"bytes"
	"testing"
	"time"

	"bridge/examples/trial"
)

func TestDocument(t *testing.T) {
	var out bytes.Buffer
	err := trial.BuildAndRun(t.Context(), example("."), trial.Options{Load: 3 * time.Second, Out: &out})
	if t.Log(out.String()); err != nil {
		t.Fatal(err)
	}
}
