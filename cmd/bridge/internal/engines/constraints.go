package engines

import (
	"context"

	"bridge/cmd/bridge/internal/settings"
	"bridge/config"
	"bridge/internal/preflight"
)

// ConstraintsOf are the constraints of a region's replicated tables, with their names between the regions.
func ConstraintsOf(ctx context.Context, c *config.Config) ([]*preflight.Constrained, error) {
	names, err := settings.Names(c)
	if err != nil {
		return nil, err
	}
	list, err := Of(c).Constraints(ctx, settings.Selected(c))
	if err != nil {
		return nil, err
	}
	for _, t := range list {
		if err := t.Translate(names); err != nil {
			return nil, err
		}
	}
	return list, nil
}
