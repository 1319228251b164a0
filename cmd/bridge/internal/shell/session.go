// Package shell is what all commands have in common: flags, configuration, output, exit codes, log.
package shell

import (
	"fmt"
	"io"
	"strings"

	"bridge/config"
)

// Flags are those that every command has.
type Flags struct {
	Config string   `short:"c" default:"${default_config}" env:"BRIDGE_CONFIG" placeholder:"FILE" help:"Configuration file (${default})."`
	Set    []string `placeholder:"PATH=VALUE" sep:"none" help:"Replace a setting, such as log.level=debug. Wins over BRIDGE_* variables and the file. Don't pass secrets this way."`
	JSON   bool     `name:"json" help:"Print {command, ok, summary, result, error} as JSON."`
}

// Session is what a command works with, and where it leaves its outcome.
type Session struct {
	Flags   *Flags
	Stdout  io.Writer
	Stderr  io.Writer
	Outside config.Outside
	Outcome Outcome
}

// DefaultConfig is the configuration file when -c isn't given.
const DefaultConfig = "bridge.yaml"

// OtherRegions loads the configurations of regions beside c's. Settings from flags and the environment belong to
// c alone.
func (s *Session) OtherRegions(c *config.Config, files []string) ([]*config.Config, error) {
	all := []*config.Config{c}
	for _, file := range files {
		other, err := config.Load(file, s.Outside)
		if err != nil {
			return nil, Usage(err)
		}
		all = append(all, other)
	}
	return all, sameCluster(all)
}

// sameCluster refuses configurations that can't be of regions that replicate with each other.
func sameCluster(all []*config.Config) error {
	seen := map[string]bool{}
	for _, c := range all {
		switch {
		case c.Cluster != all[0].Cluster:
			return Usage(fmt.Errorf("region %s is of cluster %s, region %s of cluster %s", all[0].Region, all[0].Cluster, c.Region, c.Cluster))
		case seen[c.Region]:
			return Usage(fmt.Errorf("two of the files are of region %s", c.Region))
		}
		seen[c.Region] = true
	}
	return nil
}

// Config loads the configuration: flags win over the environment, and that over the file.
func (s *Session) Config() (*config.Config, error) {
	overrides := s.Outside.FromEnvironment()
	for _, o := range s.Flags.Set {
		path, value, ok := strings.Cut(o, "=")
		if !ok {
			return nil, Usage(fmt.Errorf("--set %s is not of the form path=value", path))
		}
		overrides = append(overrides, config.Override{Path: path, Value: value, Source: "--set"})
	}
	c, err := config.Load(s.Flags.Config, s.Outside, overrides...)
	if err != nil {
		return nil, Usage(err)
	}
	return c, nil
}
