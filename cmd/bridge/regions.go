package main

import (
	"context"
	"errors"
	"slices"

	"bridge/compare"
	"bridge/config"
)

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
		err = usageError(errors.New("give the configuration files of two or more regions"))
	}
	return members, closeAll, err
}
