// Command bridge makes existing SQL databases in several regions multi-leader: one bridge runs beside
// each region's primary. See README.md, and "bridge --help".
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"bridge/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr, config.Outside{})
	stop()
	os.Exit(code)
}
