package settings

import (
	"bridge/config"
	"bridge/visibility"
)

// PoliciesByRules are the configured policies by the fingerprint of the rules with which they count: those of conflicts and of conflicts.next.
func PoliciesByRules(c *config.Config) map[string]visibility.Policies {
	all := map[string]visibility.Policies{fingerprintOf(&c.Conflicts): Policies(c)}
	if next := c.WithNext(); next != nil {
		all[fingerprintOf(&next.Conflicts)] = Policies(next)
	}
	return all
}

// NextPolicies are those of conflicts.next; nil if there are none.
func NextPolicies(c *config.Config) visibility.Policies {
	if next := c.WithNext(); next != nil {
		return Policies(next)
	}
	return nil
}

// Policies are the configured policies of unique and foreign keys, by names between the regions.
func Policies(c *config.Config) visibility.Policies {
	policies := visibility.Policies{}
	for stream, t := range c.Conflicts.Tables {
		if len(t.Unique)+len(t.ForeignKeys) == 0 {
			continue
		}
		p := visibility.TablePolicies{Unique: map[string]visibility.UniquePolicy{}, Foreign: map[string]visibility.ForeignPolicy{}}
		for key, u := range t.Unique {
			p.Unique[key] = uniquePolicy(u)
		}
		for key, word := range t.ForeignKeys {
			p.Foreign[key] = foreignPolicies[word]
		}
		policies[TableName(stream)] = p
	}
	return policies
}

func uniquePolicy(u config.UniquePolicy) visibility.UniquePolicy {
	p := visibility.UniquePolicy{Column: u.Column()}
	switch {
	case u.Null != "":
		p.Loser = visibility.Null
	case u.Rename != "":
		p.Loser = visibility.Rename
	}
	return p
}

var foreignPolicies = map[string]visibility.ForeignPolicy{
	config.Park: visibility.ParkChild, config.SetNull: visibility.NullChild, config.Drop: visibility.DropChild, config.KeepParent: visibility.KeepParent,
}

// MendingRegion is the one that gives up rows, or inserts their parents again, for all, where a policy says so: the first by name, as of merges. All regions
// must know it alike.
func MendingRegion(c *config.Config) string { return Regions(c)[0] }
