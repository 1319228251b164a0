package main

import "errors"

// statusCommand is "bridge status".
type statusCommand struct{}

// Run is called by kong.
func (*statusCommand) Run(*session) error { return errors.New("bridge status is not built yet") }
