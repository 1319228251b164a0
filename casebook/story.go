package casebook

import (
	"fmt"
	"strings"
	"time"

	"bridge/apply"
)

// Story says in sentences who had seen what, who won and why, and what became of the others.
func (c *Case) Story() []string {
	if c.Outcome == Dropped {
		return c.dropStory()
	}
	if c.Outcome == restored {
		return c.restoreStory()
	}
	w := c.Winner()
	if w == nil { // of a row that a constraint hides, when all had seen what's in its way
		var story []string
		for i := range c.Versions {
			story = append(story, c.fate(&c.Versions[i]))
		}
		return story
	}
	if c.Rule == "no rule" {
		return []string{fmt.Sprintf("%s met no row, and nothing that was written at the same time explains that: the regions' data differed before. "+
			"\"bridge compare\" tells where they still do.", name(w)), c.fate(w)}
	}
	var story []string
	for i := range c.Versions {
		if v := &c.Versions[i]; v.Dot() != w.Dot() {
			story = append(story, sight(w, v))
		}
	}
	story = append(story, fmt.Sprintf("%s won: %s.", name(w), c.why()))
	for i := range c.Versions {
		if v := &c.Versions[i]; !v.Won || v.Fate == apply.FateLost {
			story = append(story, c.fate(v))
		}
	}
	if c.Outcome == "merged" {
		story = append(story, "The row has columns of more than one of them.")
	}
	return story
}

func name(v *Version) string {
	return fmt.Sprintf("The %s of %s at %s", v.Kind, v.Dot(), v.Time.UTC().Format(time.TimeOnly+".000000"))
}

// sight says who of two had seen whom.
func sight(w, v *Version) string {
	switch {
	case w.HadSeen(v):
		return fmt.Sprintf("%s had seen %s.", w.Dot(), v.Dot())
	case v.HadSeen(w):
		return fmt.Sprintf("%s had seen %s.", v.Dot(), w.Dot())
	}
	return fmt.Sprintf("Neither %s nor %s had seen the other.", v.Dot(), w.Dot())
}

// why is the rule's reason.
func (c *Case) why() string {
	rule, deletes, _ := strings.Cut(c.Rule, ", ")
	reason, known := map[string]string{
		"last_write_wins":  "it's the latest of those that no other one had seen (by timestamp, at equal ones by the origin's name)",
		"first_write_wins": "it's the earliest of those that no other one had seen (by timestamp, at equal ones by the origin's name)",
		"priority":         "its region comes first in the rule's order of those that no other one had seen; of equal rank it's the latest",
		"home":             "it was written in the row's own region, or nobody's was, and it's the latest of those that no other one had seen",
		"columns":          "it's the latest of those that no other one had seen; the columns have their own rules",
	}[rule]
	if strings.HasPrefix(c.Rule, "constraint ") {
		reason, known = "of rows that can't stand together the one that was written last is shown", true
	}
	if !known {
		reason = "so says the rule " + rule
	}
	switch deletes {
	case "delete_wins":
		reason += "; a delete stands before other writes"
	case "update_wins":
		reason += "; other writes stand before a delete"
	}
	return reason
}

func (c *Case) fate(v *Version) string {
	switch {
	case v.Fate == apply.FateParked && c.Outcome == "altered":
		return fmt.Sprintf("%s is shown with other values: the constraint doesn't let it stand beside the rows that are there. It's in bridge.parked as it was.", v.Dot())
	case v.Fate == apply.FateParked:
		return fmt.Sprintf("%s is parked: the constraint doesn't let it stand beside the rows that are there. It's shown again when its cause is gone (bridge parked show).", v.Dot())
	case v.Fate == apply.FateSuperseded:
		return fmt.Sprintf("%s is superseded: who won had seen it.", v.Dot())
	case v.Fate == apply.FateKept && v.Removes():
		return fmt.Sprintf("%s wanted the same: there's no row.", v.Dot())
	case v.Fate == apply.FateKept:
		return fmt.Sprintf("Nothing of %s is lost: the row has what it changed.", v.Dot())
	case v.Fate == apply.FateLost && v.Removes():
		return fmt.Sprintf("%s lost: the row it removed is there.", v.Dot())
	case v.Fate == apply.FateLost && len(v.Lost) > 0:
		return fmt.Sprintf("%s lost: what it has in %s isn't in the row.", v.Dot(), strings.Join(v.Lost, ", "))
	case v.Fate == apply.FateLost:
		return fmt.Sprintf("%s lost.", v.Dot())
	}
	return fmt.Sprintf("%s stands.", v.Dot())
}
