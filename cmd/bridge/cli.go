package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/alecthomas/kong"

	"bridge/cmd/bridge/internal/cases"
	"bridge/cmd/bridge/internal/explain"
	"bridge/cmd/bridge/internal/setup"
	"bridge/cmd/bridge/internal/shell"
	"bridge/cmd/bridge/internal/watch"
	"bridge/config"
)

// cli is the command line: flags that every command has, and the commands.
type cli struct {
	shell.Flags

	Check       setup.Check        `cmd:"" help:"Look at database, broker and tables, and report every problem with its fix."`
	Grants      setup.Grants       `cmd:"" help:"Print the SQL by which a DBA gives bridge the rights it needs (for psql)."`
	Init        setup.Init         `cmd:"" help:"Set up this region: bridge's tables, publication, replication slot, topic."`
	Run         runCommand         `cmd:"" help:"Run this region."`
	Status      watch.Status       `cmd:"" help:"Show positions, lag, conflicts of a running bridge."`
	Tail        watch.Tail         `cmd:"" help:"Print a region's stream as JSON."`
	Compare     watch.Compare      `cmd:"" help:"Compare the regions' tables while they are being written."`
	Conflicts   cases.Conflicts    `cmd:"" help:"List, show, count, export and resolve the conflicts that this region has decided."`
	Parked      cases.Parked       `cmd:"" help:"List, show, retry, resolve and discard the rows that constraints keep from being shown."`
	Rules       explain.Rules      `cmd:"" help:"Explain the conflict rules, and try others on what was recorded."`
	Blame       explain.Blame      `cmd:"" help:"Tell a row's recent story: who wrote what, having seen what, and why it's as it is."`
	Demo        demoCommand        `cmd:"" help:"Run three regions under conflicting load and watch them converge."`
	Broker      brokerCommand      `cmd:"" help:"Run the embedded broker, for tests and demos."`
	PrintConfig printConfigCommand `cmd:"" help:"Print the configuration in effect, secrets masked."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// exit carries an exit code out of kong, which exits after --help.
type exit int

// execute parses and runs one command line, prints its outcome and returns the exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer, outside config.Outside) (code int) {
	c := new(cli)
	s := &shell.Session{Flags: &c.Flags, Stdout: stdout, Stderr: stderr, Outside: outside}
	parser := kong.Must(c,
		kong.Name("bridge"),
		kong.Description("Multi-leader replication for existing SQL databases."),
		kong.UsageOnError(),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
		kong.Vars{"default_config": shell.DefaultConfig},
	)
	defer func() {
		if x := recover(); x != nil {
			e, ok := x.(exit)
			if !ok {
				panic(x)
			}
			code = int(e)
		}
	}()
	command := ""
	parsed, err := parser.Parse(args)
	if err != nil {
		s.Flags.JSON = slices.Contains(args, "--json")
		err = shell.Usage(fmt.Errorf(`%w (see "bridge --help")`, err))
	} else {
		command = parsed.Command()
		err = parsed.Run()
	}
	return s.Print(command, err)
}
