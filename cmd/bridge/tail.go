package main

import "errors"

// tailCommand is "bridge tail".
type tailCommand struct{}

// Run is called by kong.
func (*tailCommand) Run(*session) error { return errors.New("bridge tail is not built yet") }
