package main

import "errors"

// runCommand is "bridge run".
type runCommand struct{}

// Run is called by kong.
func (*runCommand) Run(*session) error { return errors.New("bridge run is not built yet") }
