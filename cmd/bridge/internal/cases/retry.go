package cases

import (
	"context"
	"fmt"

	"bridge/admin"
	"bridge/cmd/bridge/internal/shell"
)

// parkedRetry is "bridge parked retry".
type parkedRetry struct{}

// Run is called by kong.
func (*parkedRetry) Run(ctx context.Context, s *shell.Session) error {
	c, err := s.Config()
	if err != nil {
		return err
	}
	// Whose bridge it is must be known before it's told to do something.
	status, err := admin.Ask(ctx, c.HTTP.Listen)
	if err == nil && (status.Cluster != c.Cluster || status.Region != c.Region) {
		err = fmt.Errorf("at http.listen %s answers the bridge of region %s, cluster %s", c.HTTP.Listen, status.Region, status.Cluster)
	}
	if err == nil {
		err = admin.AskToRetry(ctx, c.HTTP.Listen)
	}
	if err != nil {
		return shell.Environment(fmt.Errorf("no bridge of this region can be told: %w; one that starts looks at its parked rows by itself", err))
	}
	s.Outcome.Result = map[string]any{"asked": true}
	s.Outcome.Summary = `the bridge looks at its parked rows again: "bridge parked list" shows which are left`
	return nil
}
