package main

import (
	"context"

	"bridge/config"
	"bridge/internal/preflight"
)

// constraintsOf are the constraints of a region's replicated tables, with their names between the regions.
func constraintsOf(ctx context.Context, c *config.Config) ([]*preflight.Constrained, error) {
	names, err := names(c)
	if err != nil {
		return nil, err
	}
	list, err := databaseOf(c).constraints(ctx, selected(c))
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
