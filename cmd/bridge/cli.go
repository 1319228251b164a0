package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/alecthomas/kong"

	"bridge/config"
)

// cli is the command line: flags that every command has, and the commands, each in its own file.
type cli struct {
	flags

	Check       checkCommand       `cmd:"" help:"Look at database, broker and tables, and report every problem with its fix."`
	Grants      grantsCommand      `cmd:"" help:"Print the SQL by which a DBA gives bridge the rights it needs (for psql)."`
	Init        initCommand        `cmd:"" help:"Set up this region: bridge's tables, publication, replication slot, topic."`
	Run         runCommand         `cmd:"" help:"Run this region."`
	Status      statusCommand      `cmd:"" help:"Show positions, lag, conflicts of a running bridge."`
	Tail        tailCommand        `cmd:"" help:"Print a region's stream as JSON."`
	Compare     compareCommand     `cmd:"" help:"Compare the regions' tables while they are being written."`
	Conflicts   conflictsCommand   `cmd:"" help:"List, show, count, export and resolve the conflicts that this region has decided."`
	Parked      parkedCommand      `cmd:"" help:"List, show, retry, resolve and discard the rows that constraints keep from being shown."`
	Rules       rulesCommand       `cmd:"" help:"Explain the conflict rules, and try others on what was recorded."`
	Blame       blameCommand       `cmd:"" help:"Tell a row's recent story: who wrote what, having seen what, and why it's as it is."`
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
	s := &session{flags: &c.flags, stdout: stdout, stderr: stderr, outside: outside}
	parser := kong.Must(c,
		kong.Name("bridge"),
		kong.Description("Multi-leader replication for existing SQL databases."),
		kong.UsageOnError(),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
		kong.Vars{"default_config": defaultConfig},
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
		s.flags.JSON = slices.Contains(args, "--json")
		err = usageError(fmt.Errorf(`%w (see "bridge --help")`, err))
	} else {
		command = parsed.Command()
		err = parsed.Run()
	}
	return s.print(command, err)
}
