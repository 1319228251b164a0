package casebook

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bridge/apply"
	"bridge/change"
	"bridge/conflict"
)

// Image is a row's values by column; nil is NULL. What isn't in it isn't known.
type Image = map[string]*string

// Case is one decided conflict. Its JSON has the names of bridge.conflicts' columns.
type Case struct {
	ID        int64     `json:"id"`
	DecidedAt time.Time `json:"decided_at"`
	Type      string    `json:"type"`
	Schema    string    `json:"table_schema"`
	Table     string    `json:"table_name"`
	Key       []string  `json:"key"`
	Rule      string    `json:"rule"`
	Outcome   string    `json:"outcome"`
	// Origin and Seq name the transaction whose arrival was the conflict.
	Origin   string    `json:"origin"`
	Seq      uint64    `json:"seq"`
	Versions []Version `json:"versions"`
	// Result is nil of cases that an earlier bridge has recorded: nobody wrote down what the row became.
	Result     *apply.RecordedResult `json:"result,omitempty"`
	Resolution *Resolution           `json:"resolution,omitempty"`
	// Awaits is what this region still has to do about the case; see [conflict.Awaited].
	Awaits conflict.Awaited `json:"awaits,omitempty"`
}

// Version is an operation that took part.
type Version apply.RecordedVersion

// Resolution is what a person made of a case.
type Resolution struct {
	At  time.Time `json:"at"`
	By  string    `json:"by"`
	How string    `json:"how"`
}

// TableName is the table's, between the regions.
func (c *Case) TableName() change.TableName { return change.TableName{Schema: c.Schema, Name: c.Table} }

// Row names the case's row for people.
func (c *Case) Row() string {
	if len(c.Key) == 0 {
		return c.TableName().String() + " (all rows)"
	}
	return c.TableName().String() + " (" + strings.Join(c.Key, ", ") + ")"
}

// Dot is the transaction that a version is from.
func (v *Version) Dot() change.Dot { return change.Dot{Origin: change.Origin(v.Origin), Seq: v.Seq} }

// Removes reports whether there's no row after it.
func (v *Version) Removes() bool {
	return v.Kind == change.Delete.String() || v.Kind == change.Truncate.String()
}

// HadSeen reports whether w was known where v was written.
func (v *Version) HadSeen(w *Version) bool {
	if v.Origin == w.Origin {
		return w.Seq < v.Seq
	}
	return v.Saw[w.Origin] >= w.Seq
}

// Winner is the version that decided whether there's a row; nil if none is marked.
func (c *Case) Winner() *Version {
	for i := range c.Versions {
		if c.Versions[i].Won {
			return &c.Versions[i]
		}
	}
	return nil
}

// Complete fills in the fates that an earlier bridge hasn't recorded: who isn't the winner, and wasn't seen by it,
// lost.
func (c *Case) Complete() {
	w := c.Winner()
	for i := range c.Versions {
		switch v := &c.Versions[i]; {
		case v.Fate != "":
		case v.Won:
			v.Fate = apply.FateWon
		case w != nil && (w.HadSeen(v) || w.Dot() == v.Dot()):
			v.Fate = apply.FateSuperseded
		default:
			v.Fate = apply.FateLost
		}
	}
}

// Version is the one that name means: "us/1:42", or the last one of an origin "us/1" or of a region "us".
func (c *Case) Version(name string) (*Version, error) {
	for i := len(c.Versions) - 1; i >= 0; i-- {
		v := &c.Versions[i]
		if name == v.Dot().String() || name == v.Origin || name == v.Dot().Origin.Region() {
			return v, nil
		}
	}
	var has []string
	for i := range c.Versions {
		has = append(has, c.Versions[i].Dot().String())
	}
	return nil, fmt.Errorf("conflict %d has no version of %q: it has %s", c.ID, name, strings.Join(has, ", "))
}

// errNoKey means that a case doesn't tell the text of its row's key.
var errNoKey = errors.New("the case doesn't tell the key that its row can be found by: its log carried no image of it")

// KeyOf are the values of the row's key columns, as a version wrote them or, failing that, as the key's normal form.
func (c *Case) KeyOf(columns []string) ([]string, error) {
	images := []Image{}
	if c.Result != nil {
		images = append(images, c.Result.Image)
	}
	for i := len(c.Versions) - 1; i >= 0; i-- {
		images = append(images, c.Versions[i].Image, c.Versions[i].Before)
	}
	for _, image := range images {
		key := make([]string, 0, len(columns))
		for _, name := range columns {
			if text := image[name]; text != nil {
				key = append(key, *text)
			}
		}
		if len(key) == len(columns) {
			return key, nil
		}
	}
	if len(c.Key) != len(columns) || slices.ContainsFunc(c.Key, func(s string) bool { return strings.ContainsRune(s, 0) }) {
		return nil, errNoKey
	}
	return c.Key, nil
}
