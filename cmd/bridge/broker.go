package main

import (
	"context"
	"fmt"

	"bridge/cmd/bridge/internal/shell"
	"bridge/stream/embedded"
)

// brokerCommand is "bridge broker": the embedded broker in a process of its own, for demos and tests. It
// speaks Kafka's protocol without authentication, on loopback.
type brokerCommand struct {
	Listen string `default:"127.0.0.1:9092" help:"Address to listen on (${default})."`
	Dir    string `placeholder:"DIR" help:"Directory that keeps the topics; without it they end with the process."`
}

// Run is called by kong.
func (cmd *brokerCommand) Run(ctx context.Context, s *shell.Session) error {
	b, err := embedded.Start(embedded.Options{Dir: cmd.Dir, Listen: cmd.Listen})
	if err != nil {
		return shell.Environment(err)
	}
	fmt.Fprintf(s.Stderr, "embedded broker listens on %s\n", b.Addr())
	<-ctx.Done()
	return b.Close()
}
