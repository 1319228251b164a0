package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// conflict is a row of bridge.conflicts.
type conflict struct {
	Type     string
	Table    string
	Key      []string
	Rule     string
	Versions []version // by time
}

// version is one of the writes that met.
type version struct {
	Origin string             `json:"origin"` // region and incarnation: "eu/1"
	Time   time.Time          `json:"time"`
	Kind   string             `json:"kind"`
	Image  map[string]*string `json:"image"` // column values; nil for a delete
	Won    bool               `json:"won"`
}

func (v *version) region() string {
	region, _, _ := strings.Cut(v.Origin, "/")
	return region
}

// latestConflicts are the last n conflicts that a region decided between two writes of different kinds or
// values, the latest first, and of each type and table only one. Those of more writes are decided the same
// way, but longer to tell.
func latestConflicts(ctx context.Context, region session, d *dialect, n int) (found []conflict, err error) {
	const enough = 500
	rows, err := region.query(ctx, fmt.Sprintf(`SELECT type, table_name, %s, rule, versions FROM bridge.conflicts ORDER BY id DESC LIMIT %d`, d.key, enough))
	if err != nil {
		return nil, err
	}
	told := map[[2]string]bool{}
	for _, row := range rows {
		c, err := readConflict(row)
		if err != nil {
			return nil, err
		}
		kind := [2]string{c.Type, c.Table}
		if len(found) == n || told[kind] || len(c.Versions) != 2 || sameImage(c.Versions[0].Image, c.Versions[1].Image) {
			continue
		}
		told[kind] = true
		found = append(found, c)
	}
	return found, nil
}

// readConflict reads type, table, key, rule and versions.
func readConflict(row []string) (c conflict, err error) {
	c.Type, c.Table, c.Rule = row[0], row[1], row[3]
	err = errors.Join(json.Unmarshal([]byte(row[2]), &c.Key), json.Unmarshal([]byte(row[4]), &c.Versions))
	slices.SortStableFunc(c.Versions, func(a, b version) int { return a.Time.Compare(b.Time) })
	return c, err
}

func sameImage(a, b map[string]*string) bool {
	return (a == nil) == (b == nil) && maps.EqualFunc(a, b, func(v, w *string) bool { return v == w || v != nil && w != nil && *v == *w })
}

// explain tells a conflict of two writes in words.
func explain(c *conflict) string {
	var b strings.Builder
	first, second := &c.Versions[0], &c.Versions[1]
	fmt.Fprintf(&b, "%s: %s %s at %s; ", rowName(c), first.region(), deed(c, first), first.Time.UTC().Format("15:04:05.000"))
	if apart := second.Time.Sub(first.Time); apart > 0 {
		fmt.Fprintf(&b, "%s, which hadn't seen that, %s %s later. ", second.region(), deed(c, second), apartText(apart))
	} else {
		fmt.Fprintf(&b, "%s, which hadn't seen that, %s in the same microsecond. ", second.region(), deed(c, second))
	}
	for i := range c.Versions {
		if w := &c.Versions[i]; w.Won {
			fmt.Fprintf(&b, "%s wins (%s): %s.", w.region(), c.Rule, outcomeOf(c, w))
		}
	}
	return b.String()
}

// rowName names a row as the shop would.
func rowName(c *conflict) string {
	switch {
	case c.Table == "cart_items" && len(c.Key) == 2:
		return "cart " + c.Key[0] + ", " + c.Key[1]
	case c.Table == "customers":
		return "customer " + strings.Join(c.Key, ", ")
	case c.Table == "prices":
		return "price of " + strings.Join(c.Key, ", ")
	}
	return c.Table + " " + strings.Join(c.Key, ", ")
}

// deed is what a write did.
func deed(c *conflict, v *version) string {
	switch v.Kind {
	case "insert":
		return "added it with " + values(c, v)
	case "update":
		return "set " + values(c, v)
	case "delete":
		return "deleted it"
	}
	return v.Kind
}

func outcomeOf(c *conflict, winner *version) string {
	if winner.Kind == "delete" {
		return "the row is gone in every region"
	}
	return "every region has " + values(c, winner)
}

// values are what a version has in the columns beside the key.
func values(c *conflict, v *version) string {
	var parts []string
	for _, column := range slices.Sorted(maps.Keys(v.Image)) {
		if slices.Contains(keyColumns[c.Table], column) {
			continue
		}
		text := "NULL"
		if value := v.Image[column]; value != nil {
			text = *value
		}
		parts = append(parts, column+" "+text)
	}
	return strings.Join(parts, ", ")
}

// keyColumns are the shop's primary keys.
var keyColumns = map[string][]string{
	"orders": {"region", "id"}, "cart_items": {"cart", "product"}, "customers": {"id"}, "prices": {"product"},
}

func apartText(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
