package engines

import (
	"context"
	"errors"
	"slices"

	"bridge/cmd/bridge/internal/shell"
	"bridge/cmd/bridge/internal/topics"
	"bridge/compare"
	"bridge/config"
)

// OpenMembers opens the regions' databases and topics; close them even after an error.
func OpenMembers(ctx context.Context, all []*config.Config, role string) (members []compare.Member, closeAll func(), err error) {
	var open []func()
	closeAll = func() {
		for _, f := range slices.Backward(open) {
			f()
		}
	}
	for _, c := range all {
		r, err := Of(c).Region(ctx, role)
		if err != nil {
			return nil, closeAll, err
		}
		open = append(open, func() { r.Close(context.WithoutCancel(ctx)) }) //nolint:errcheck // it has done its work
		topic, err := topics.Open(c, c.Region)
		if err != nil {
			return nil, closeAll, err
		}
		open = append(open, func() { topic.Close() }) //nolint:errcheck // nothing was written
		members = append(members, compare.Member{Region: r, Topic: topic})
	}
	if len(members) < 2 {
		err = shell.Usage(errors.New("give the configuration files of two or more regions"))
	}
	return members, closeAll, err
}
