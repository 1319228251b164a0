package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"bridge/config"
)

// cli is the command line: flags that every command has, and the commands, each in its own file.
type cli struct {
	Config string   `short:"c" default:"${default_config}" env:"BRIDGE_CONFIG" placeholder:"FILE" help:"Configuration file (${default})."`
	Set    []string `placeholder:"PATH=VALUE" sep:"none" help:"Replace a setting, such as log.level=debug. Wins over BRIDGE_* variables and the file. Don't pass secrets this way."`
	JSON   bool     `name:"json" help:"Print {command, ok, summary, result, error} as JSON."`

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

// session is what a command works with.
type session struct {
	cli     *cli
	stdout  io.Writer
	stderr  io.Writer
	outside config.Outside
	outcome outcome
}

// exit carries an exit code out of kong, which exits after --help.
type exit int

// execute parses and runs one command line, prints its outcome and returns the exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer, outside config.Outside) (code int) {
	s := &session{cli: new(cli), stdout: stdout, stderr: stderr, outside: outside}
	parser := kong.Must(s.cli,
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
		s.cli.JSON = slices.Contains(args, "--json")
		err = &failure{exitUsage, fmt.Errorf(`%w (see "bridge --help")`, err)}
	} else {
		command = parsed.Command()
		err = parsed.Run()
	}
	return s.print(command, err)
}

// config loads the configuration: flags win over the environment, and that over the file.
func (s *session) config() (*config.Config, error) {
	overrides := s.outside.FromEnvironment()
	for _, o := range s.cli.Set {
		path, value, ok := strings.Cut(o, "=")
		if !ok {
			return nil, &failure{exitUsage, fmt.Errorf("--set %s is not of the form path=value", path)}
		}
		overrides = append(overrides, config.Override{Path: path, Value: value, Source: "--set"})
	}
	c, err := config.Load(s.cli.Config, s.outside, overrides...)
	if err != nil {
		return nil, &failure{exitUsage, err}
	}
	return c, nil
}
