package explain

import (
	"context"
	"fmt"

	"bridge/casebook"
	"bridge/change"
	"bridge/cmd/bridge/internal/engines"
	"bridge/cmd/bridge/internal/settings"
	"bridge/cmd/bridge/internal/show"
	"bridge/config"
	"bridge/internal/preflight"
	"bridge/visibility"
)

// trialPolicy is a constraint that would have another policy, with what would become of the rows that it hides now, or shows altered.
type trialPolicy struct {
	Table   string   `json:"table"`
	Kind    string   `json:"kind"`    // unique key, foreign key
	Columns []string `json:"columns"` // between the regions
	Now     string   `json:"now"`     // the configuration's word
	Then    string   `json:"then"`
	Parked  int      `json:"parked"` // rows in this region's bridge.parked by the constraint
	Text    string   `json:"text"`   // what would become of them

	constraint string // its name here
}

// tryPolicies are the constraints of tables whose policies differ between two configurations. No topic tells what they did to rows: what's parked now
// is what they'd be for.
func tryPolicies(ctx context.Context, c, other *config.Config, of func(change.TableName) bool) ([]*trialPolicy, error) {
	now, then := settings.Policies(c), settings.Policies(other)
	if len(now)+len(then) == 0 {
		return nil, nil
	}
	list, err := engines.ConstraintsOf(ctx, c)
	if err != nil {
		return nil, err
	}
	var changed []*trialPolicy
	for _, t := range list {
		if of(t.Between) {
			changed = append(changed, changedPolicies(t, now[t.Between], then[t.Between], settings.MendingRegion(c))...)
		}
	}
	if changed == nil {
		return nil, nil
	}
	return changed, countParked(ctx, c, changed)
}

// changedPolicies are a table's constraints whose policies differ.
func changedPolicies(t *preflight.Constrained, now, then visibility.TablePolicies, mending string) (changed []*trialPolicy) {
	for i := range t.Unique {
		u := &t.Unique[i]
		if a, b := now.Unique[u.Key()], then.Unique[u.Key()]; u.Untold == "" && a != b {
			changed = append(changed, &trialPolicy{
				Table: t.Between.String(), Kind: "unique key", Columns: u.Between(), Now: a.Loser.String(), Then: b.Loser.String(),
				constraint: u.Name, Text: preflight.UniqueWords(b),
			})
		}
	}
	for i := range t.Foreign {
		f := &t.Foreign[i]
		a, b := now.Foreign[f.Key()], then.Foreign[f.Key()]
		if f.Untold != "" || a == b {
			continue
		}
		p := &trialPolicy{
			Table: t.Between.String(), Kind: "foreign key", Columns: f.Between(), Now: a.String(), Then: b.String(),
			constraint: f.Name, Text: preflight.ForeignWords(b),
		}
		if b.IsMended() {
			p.Text += ", by the bridge of region " + mending
		}
		if b == visibility.KeepParent {
			p.Text += " (of rows that are parked already only those whose parents some region doesn't know to be deleted: the others stay parked)"
		}
		changed = append(changed, p)
	}
	return changed
}

// countParked counts the rows that are parked by the constraints.
func countParked(ctx context.Context, c *config.Config, policies []*trialPolicy) error {
	book, err := engines.Of(c).Cases(ctx)
	if err != nil {
		return err
	}
	defer book.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was only read from
	return book.Parked(ctx, casebook.ParkedFilter{}, func(parked *casebook.Parked) error {
		for _, p := range policies {
			if parked.TableName().String() == p.Table && parked.Constraint == p.constraint {
				p.Parked++
			}
		}
		return nil
	})
}

func (p *trialPolicy) String() string {
	text := fmt.Sprintf("%s, %s (%s): %s now; under %s, ", p.Table, p.Kind, visibility.ColumnsName(p.Columns), p.Now, p.Then)
	if p.Parked == 0 {
		return text + "nothing changes at once: no row is parked by it in this region"
	}
	return text + fmt.Sprintf("%s that this region has parked now (bridge parked list --table %s) would be %s", show.Count(p.Parked, "row"), p.Table, p.Text)
}
