package postgres

import (
	"context"

	"bridge/change"
	"bridge/visibility"
)

// Constraints is [apply.Keeper]'s.
func (t *Target) Constraints(ctx context.Context) (visibility.Catalog, error) { return nil, nil }

// Parked is [apply.Keeper]'s.
func (t *Target) Parked(ctx context.Context) ([]visibility.Parked, error) { return nil, nil }

// Form is [visibility.Forms]'s.
func (t *Target) Form(ctx context.Context, table change.TableName, column, text string) (string, error) {
	return text, nil
}
