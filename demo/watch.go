package demo

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// watcher looks at all regions by connections of its own.
type watcher struct {
	shops    []*shop
	sessions []session // by region
}

// link is the way from one region to another, by their places in the list.
type link struct{ from, to int }

// look is the state of all regions at about one moment.
type look struct {
	acknowledged []int // orders, by region
	conflicts    []int // decided so far, by region
	lag          map[link]time.Duration
	missing      map[link]int // orders that aren't there yet
}

func newWatcher(ctx context.Context, shops []*shop) (*watcher, error) {
	w := &watcher{shops: shops}
	for _, s := range shops {
		session, err := s.region.server.connect(ctx) // the shop's role may read all
		if err != nil {
			w.close()
			return nil, fmt.Errorf("region %s: %w", s.region.name, err)
		}
		w.sessions = append(w.sessions, session)
	}
	return w, nil
}

// seenSQL asks for the highest number among the orders of each region, and for the number of conflicts.
func seenSQL(regions []string) string {
	var sql strings.Builder
	for i, r := range regions {
		fmt.Fprintf(&sql, "SELECT %d AS n, coalesce(max(id), 0) FROM orders WHERE region = '%s' UNION ALL ", i, r)
	}
	fmt.Fprintf(&sql, "SELECT %d, count(*) FROM bridge.conflicts ORDER BY n", len(regions))
	return sql.String()
}

// look asks every region which orders it has. A region applies another's transactions in their order, so
// the highest number tells.
func (w *watcher) look(ctx context.Context) (*look, error) {
	l := &look{lag: map[link]time.Duration{}, missing: map[link]int{}}
	var names []string
	for _, s := range w.shops {
		names = append(names, s.region.name)
		l.acknowledged = append(l.acknowledged, s.orders())
	}
	for to, session := range w.sessions {
		rows, err := session.query(ctx, seenSQL(names))
		if err != nil {
			return nil, fmt.Errorf("region %s: %w", names[to], err)
		}
		seen := make([]int, len(rows))
		for i, row := range rows {
			if seen[i], err = strconv.Atoi(row[1]); err != nil {
				return nil, fmt.Errorf("region %s: %w", names[to], err)
			}
		}
		now := time.Now()
		for from, s := range w.shops {
			if from != to {
				l.lag[link{from, to}] = s.age(seen[from], l.acknowledged[from], now)
				l.missing[link{from, to}] = max(0, l.acknowledged[from]-seen[from])
			}
		}
		l.conflicts = append(l.conflicts, seen[len(names)])
	}
	return l, nil
}

// behind is how many orders of the others a region doesn't have, and of its own the others don't have.
func (l *look) behind(region int) (missing, unsent int) {
	for k, n := range l.missing {
		switch region {
		case k.to:
			missing += n
		case k.from:
			unsent = max(unsent, n)
		}
	}
	return missing, unsent
}

// settled reports whether everything acknowledged is everywhere.
func (l *look) settled() bool {
	for _, n := range l.missing {
		if n > 0 {
			return false
		}
	}
	return true
}

func (w *watcher) close() {
	for _, session := range w.sessions {
		session.close()
	}
}

// column is one of the table's: the greatest lag among some links.
type column struct {
	title string
	links []link
}

// lagColumns are the lags in the table. Of up to three regions each pair is there, both ways beside each other; of
// more, what each region lacks of all the others.
func lagColumns(names []string) (all []column) {
	const roomForPairs = 3
	for b := range names {
		toB := column{title: "→" + names[b]}
		for a := range names {
			if a < b && len(names) <= roomForPairs {
				all = append(all, column{names[a] + "→" + names[b], []link{{a, b}}}, column{names[b] + "→" + names[a], []link{{b, a}}})
			}
			if a != b {
				toB.links = append(toB.links, link{a, b})
			}
		}
		if len(names) > roomForPairs {
			all = append(all, toB)
		}
	}
	return all
}

// The table's columns: seconds, orders per second, conflicts, then the lags.
const (
	headFormat = "  %5s %8s %9s "
	lagFormat  = " %7s"
)

func tableHead(columns []column) string {
	var b strings.Builder
	fmt.Fprintf(&b, headFormat, "time", "orders/s", "conflicts")
	for _, c := range columns {
		fmt.Fprintf(&b, lagFormat, c.title)
	}
	return b.String()
}

// tableRow shows a look, and the orders and conflicts since an earlier one.
func tableRow(columns []column, since time.Duration, rate float64, conflicts int, l *look, highlight func(string) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, headFormat, fmt.Sprintf("%.0f s", since.Seconds()), fmt.Sprintf("%.0f", rate), count(conflicts))
	for _, c := range columns {
		var lag time.Duration
		for _, k := range c.links {
			lag = max(lag, l.lag[k])
		}
		cell := fmt.Sprintf(lagFormat, lagText(lag))
		if lag > time.Second {
			cell = highlight(cell)
		}
		b.WriteString(cell)
	}
	return b.String()
}

// lagText is a lag of few letters.
func lagText(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func sum(numbers []int) (total int) {
	for _, n := range numbers {
		total += n
	}
	return total
}

// hasAll reports whether everything that was acknowledged at an earlier look is everywhere now.
func (l *look) hasAll(then *look) bool {
	for k, missing := range l.missing {
		if l.acknowledged[k.from]-missing < then.acknowledged[k.from] {
			return false
		}
	}
	return true
}
