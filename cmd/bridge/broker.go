package main

import "errors"

// brokerCommand is "bridge broker".
type brokerCommand struct{}

// Run is called by kong.
func (*brokerCommand) Run(*session) error { return errors.New("bridge broker is not built yet") }
