package casebook

import (
	"fmt"
	"strings"

	"bridge/visibility"
)

// Story tells in sentences why a row is parked, what is in its way, and what can be done. o may be nil.
func (p *Parked) Story(o *Obstacle) []string {
	story := []string{p.why()}
	if o != nil {
		story = append(story, o.tell(p)...)
	}
	if p.Reason == visibility.ByParent {
		story = append(story, p.tellLost()...)
	}
	return append(story, p.waysOut()...)
}

func (p *Parked) why() string {
	is := "It's hidden"
	if !p.Hidden() {
		is = "It's shown with other values"
	}
	constraint := ""
	if p.Constraint != "" {
		constraint = " " + p.Constraint
	}
	claim := fmt.Sprintf("%s at %s UTC", p.ClaimOrigin, p.ClaimTime.Format("2006-01-02 15:04:05.000000"))
	switch p.Reason {
	case visibility.ByUnique:
		return fmt.Sprintf("%s: another row holds its value of the unique key%s by a later claim. Its own is of %s.", is, constraint, claim)
	case visibility.ByParent:
		return fmt.Sprintf("%s: by the foreign key%s it names a row that isn't there. It was last written by %s.", is, constraint, claim)
	case visibility.Refused:
		return fmt.Sprintf("%s: this region's database doesn't take it (constraint or column%s). It was last written by %s.", is, constraint, claim)
	}
	return fmt.Sprintf("%s: %s%s. Its claim is of %s.", is, p.Reason, constraint, claim)
}

// tell says who is in the way.
func (o *Obstacle) tell(p *Parked) (story []string) {
	there := fmt.Sprintf("%s (%s)", o.TableName(), strings.Join(o.Key, ", "))
	what := strings.Join(o.Columns, ", ")
	switch {
	case o.Computed:
		story = append(story, fmt.Sprintf("The key is computed from (%s), so bridge doesn't look for the row in its way here: it's one of which the key's expressions are equal, among the rows that meet its condition.", what))
	case o.Parent && o.Row != nil:
		story = append(story, fmt.Sprintf("By now %s is there, so bridge shows the row when it looks at it again.", there))
	case o.Parent:
		story = append(story, fmt.Sprintf("There's no row in %s with (%s) = (%s).", o.TableName(), strings.Join(o.At, ", "), strings.Join(o.Values, ", ")))
	case o.Row == nil && o.Parked == nil:
		story = append(story, fmt.Sprintf("By now no other row has the same (%s), so bridge shows the row when it looks at it again.", what))
	case o.Row != nil && there != p.Row():
		story = append(story, fmt.Sprintf("%s has the same (%s).", there, what))
	}
	for _, other := range o.Parked {
		kind := "claims the same (" + what + ")"
		if o.Parent {
			kind = "would be that row"
		}
		story = append(story, fmt.Sprintf("%s is parked, too, and %s: its claim is of %s at %s UTC.", other.Row(), kind, other.ClaimOrigin,
			other.ClaimTime.Format("2006-01-02 15:04:05.000000")))
	}
	return story
}

func (p *Parked) waysOut() []string {
	switch p.Reason {
	case visibility.ByUnique:
		return []string{`It's shown by itself when its value is free: change or delete the other row. Or write it with another value ("bridge parked resolve"), or give it up ("bridge parked discard").`}
	case visibility.ByParent:
		return []string{`It's shown by itself when that row is there again. Or write it with another one ("bridge parked resolve"), or give it up ("bridge parked discard").`}
	}
	return []string{`It's shown by itself when the database takes it: bridge tries now and then, and at once after "bridge parked retry". Or write it with other values ("bridge parked resolve"), or give it up ("bridge parked discard"), which also deletes it in the regions that show it.`}
}
