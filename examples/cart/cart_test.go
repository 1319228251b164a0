package main

import (
	"bytes"
	"testing"
	"time"

	"bridge/examples/trial"
)

func TestCart(t *testing.T) {
	bridge, err := trial.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = trial.Run(t.Context(), example("."), trial.Options{Bridge: bridge, Load: 3 * time.Second, Out: &out})
	if t.Log(out.String()); err != nil {
		t.Fatal(err)
	}
}
