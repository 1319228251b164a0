package casebook

import (
	"fmt"

	"bridge/apply"
	"bridge/conflict"
)

// Dropped is the outcome of a case whose row was given up for want of its parent, as the foreign key's policy says.
const Dropped = "dropped"

// NewDropped is the case of a parked row that is given up. It's the row as a whole that is lost: of which transaction it was nobody
// knows any more, so its number is 0.
func NewDropped(p *Parked) *Case {
	return &Case{
		Type: string(conflict.ParentMissing), Schema: p.Schema, Table: p.Table, Key: p.form, Rule: "constraint " + p.Constraint, Outcome: Dropped, Origin: p.ClaimOrigin,
		Versions: []Version{{Origin: p.ClaimOrigin, Time: p.ClaimTime, Kind: "row", Image: p.Image, Fate: apply.FateLost}},
		Result:   &apply.RecordedResult{},
	}
}

// dropStory tells of a dropped row.
func (c *Case) dropStory() (story []string) {
	for i := range c.Versions {
		v := &c.Versions[i]
		story = append(story, fmt.Sprintf("The row was last written by %s at %s. Its parent had been deleted at the same time, and the policy of the %s is drop: "+
			"this region deleted the row, in all regions.", v.Origin, v.Time.UTC().Format("2006-01-02 15:04:05.000000"), c.Rule))
	}
	return append(story, "When its parent is there again it can be written anew: bridge conflicts resolve --pick "+c.Origin+".")
}

// NotParked is [Book.Drop]'s error of a row that isn't parked as p tells any more; it wraps [ErrNotParked].
func (p *Parked) NotParked() error { return fmt.Errorf("%s: %w", p.Row(), ErrNotParked) }

// Document is the row as bridge.parked has it.
func (p *Parked) Document() string { return p.document }

// Form are the values of the row's key as bridge compares them.
func (p *Parked) Form() []string { return p.form }
