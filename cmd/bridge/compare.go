package main

import "errors"

// compareCommand is "bridge compare".
type compareCommand struct{}

// Run is called by kong.
func (*compareCommand) Run(*session) error { return errors.New("bridge compare is not built yet") }
