package main

import "errors"

// demoCommand is "bridge demo".
type demoCommand struct{}

// Run is called by kong.
func (*demoCommand) Run(*session) error { return errors.New("bridge demo is not built yet") }
