package explain

import (
	"context"
	"fmt"
	"io"

	"bridge/change"
	"bridge/cmd/bridge/internal/engines"
	"bridge/cmd/bridge/internal/settings"
	"bridge/config"
	"bridge/internal/preflight"
	"bridge/visibility"
)

// explainedKey says what becomes of rows that violate a constraint together.
type explainedKey struct {
	Name    string   `json:"name"`    // here
	Columns []string `json:"columns"` // between the regions
	Parent  string   `json:"parent,omitempty"`
	// Policy is the configuration's word; empty where bridge doesn't keep the constraint.
	Policy string `json:"policy,omitempty"`
	Text   string `json:"text"`
	// Next is what becomes of such rows once regions have gone over to conflicts.next; nil if that's the same.
	Next *explainedPolicy `json:"next,omitempty"`
}

// explainedPolicy is a policy alone.
type explainedPolicy struct {
	Policy string `json:"policy"`
	Text   string `json:"text"`
}

// becoming notes what the key's rows are to become.
func (k *explainedKey) becoming(next explainedKey) {
	if next.Policy != k.Policy || next.Text != k.Text {
		k.Next = &explainedPolicy{next.Policy, next.Text}
	}
}

// explainKeys are the unique and foreign keys of a table by its name between the regions.
func explainKeys(ctx context.Context, c *config.Config, stream change.TableName) (unique, foreign []explainedKey, err error) {
	list, err := engines.ConstraintsOf(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	policies := settings.Policies(c)[stream]
	next := policies
	if all := settings.NextPolicies(c); all != nil {
		next = all[stream]
	}
	for _, t := range list {
		if t.Between != stream {
			continue
		}
		for i := range t.Unique {
			k := explainUnique(&t.Unique[i], policies)
			k.becoming(explainUnique(&t.Unique[i], next))
			unique = append(unique, k)
		}
		for i := range t.Foreign {
			k := explainForeign(&t.Foreign[i], policies, settings.MendingRegion(c))
			k.becoming(explainForeign(&t.Foreign[i], next, settings.MendingRegion(c)))
			foreign = append(foreign, k)
		}
	}
	return unique, foreign, nil
}

func explainUnique(u *preflight.Unique, policies visibility.TablePolicies) explainedKey {
	k := explainedKey{Name: u.Name, Columns: u.Between()}
	if u.Untold != "" {
		k.Text = "It " + u.Untold + ", so bridge can't tell which row shows a value: when two regions take one at once, applying stops until one of the rows is changed."
		return k
	}
	p := policies.Unique[u.Key()]
	k.Policy = p.Loser.String()
	k.Text = "When two regions take one value at once, the row with the later write has it. The other one "
	switch p.Loser {
	case visibility.Null:
		k.Text += "is shown with NULL in " + p.Column + " until the value is free."
	case visibility.Rename:
		k.Text += "is shown with another " + p.Column + ", made of its own and the row's key, until the value is free."
	default:
		k.Text += "is hidden, and stands in bridge.parked until the value is free."
	}
	return k
}

func explainForeign(f *preflight.Foreign, policies visibility.TablePolicies, mending string) explainedKey {
	k := explainedKey{Name: f.Name, Columns: f.Between(), Parent: f.Parent.String()}
	if f.Untold != "" {
		k.Text = "It " + f.Untold + ", and isn't checked for applied rows: a row may be left without its parent."
		return k
	}
	p := policies.Foreign[f.Key()]
	k.Policy = p.String()
	k.Text = "When one region deletes a parent and another one adds a row that names it at the same time, "
	switch p {
	case visibility.NullChild:
		k.Text += "the row is shown with NULL in these columns until the parent is back."
	case visibility.DropChild:
		k.Text += "the row is hidden, and the bridge of region " + mending + " deletes it, in all regions, and records it."
	case visibility.KeepParent:
		k.Text += "the row is hidden, and the bridge of region " + mending + " inserts the parent again, in all regions, as it was, and records that; then the row is shown."
	default:
		k.Text += "the row is hidden, and stands in bridge.parked until the parent is back."
	}
	return k
}

// writeKeys writes what explainKeys tells.
func writeKeys(w io.Writer, kind string, keys []explainedKey) error {
	for _, k := range keys {
		of := ""
		if k.Parent != "" {
			of = " of " + k.Parent
		}
		if k.Policy != "" {
			k.Policy = ", " + k.Policy
		}
		if _, err := fmt.Fprintf(w, "\n%s (%s)%s%s: %s\n", kind, visibility.ColumnsName(k.Columns), of, k.Policy, k.Text); err != nil {
			return err
		}
		if k.Next == nil {
			continue
		}
		if _, err := fmt.Fprintf(w, "  with conflicts.next, %s: %s\n", k.Next.Policy, k.Next.Text); err != nil {
			return err
		}
	}
	return nil
}
