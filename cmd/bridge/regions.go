package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"bridge/compare"
	"bridge/config"
)

// defaultConfig is the configuration file when -c isn't given.
const defaultConfig = "bridge.yaml"

// otherRegions loads the configurations of regions beside c's. Settings from flags and the environment belong to
// c alone.
func (s *session) otherRegions(c *config.Config, files []string) ([]*config.Config, error) {
	all := []*config.Config{c}
	for _, file := range files {
		other, err := config.Load(file, s.outside)
		if err != nil {
			return nil, &failure{exitUsage, err}
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
			return &failure{exitUsage, fmt.Errorf("region %s is of cluster %s, region %s of cluster %s", all[0].Region, all[0].Cluster, c.Region, c.Cluster)}
		case seen[c.Region]:
			return &failure{exitUsage, fmt.Errorf("two of the files are of region %s", c.Region)}
		}
		seen[c.Region] = true
	}
	return nil
}

// openMembers opens the regions' databases and topics; close them even after an error.
func openMembers(ctx context.Context, all []*config.Config, role string) (members []compare.Member, closeAll func(), err error) {
	var open []func()
	closeAll = func() {
		for _, f := range slices.Backward(open) {
			f()
		}
	}
	for _, c := range all {
		r, err := databaseOf(c).region(ctx, role)
		if err != nil {
			return nil, closeAll, err
		}
		open = append(open, func() { r.Close(context.WithoutCancel(ctx)) }) //nolint:errcheck // it has done its work
		topic, err := openTopic(c, c.Region)
		if err != nil {
			return nil, closeAll, err
		}
		open = append(open, func() { topic.Close() }) //nolint:errcheck // nothing was written
		members = append(members, compare.Member{Region: r, Topic: topic})
	}
	if len(members) < 2 {
		err = &failure{exitUsage, errors.New("give the configuration files of two or more regions")}
	}
	return members, closeAll, err
}
