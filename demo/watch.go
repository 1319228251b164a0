package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// watcher looks at all regions by connections of its own.
type watcher struct {
	shops []*shop
	conns []*pgx.Conn // by region
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
		conn, err := s.region.connect(ctx, database) // the shop's role may read all
		if err != nil {
			w.close(ctx)
			return nil, err
		}
		w.conns = append(w.conns, conn)
	}
	return w, nil
}

const seenSQL = `SELECT coalesce((SELECT max(id) FROM orders o WHERE o.region = r.region), 0) FROM unnest($1::text[]) WITH ORDINALITY r(region, n) ORDER BY n`

// look asks every region which orders it has. A region applies another's transactions in their order, so
// the highest number tells.
func (w *watcher) look(ctx context.Context) (*look, error) {
	l := &look{lag: map[link]time.Duration{}, missing: map[link]int{}}
	var names []string
	for _, s := range w.shops {
		names = append(names, s.region.name)
		l.acknowledged = append(l.acknowledged, s.orders())
	}
	for to, conn := range w.conns {
		rows, err := conn.Query(ctx, seenSQL, names)
		if err != nil {
			return nil, fmt.Errorf("region %s: %w", names[to], err)
		}
		seen, err := pgx.CollectRows(rows, pgx.RowTo[int])
		if err != nil {
			return nil, fmt.Errorf("region %s: %w", names[to], err)
		}
		now := time.Now()
		for from, s := range w.shops {
			if from != to {
				l.lag[link{from, to}] = s.age(seen[from], l.acknowledged[from], now)
				l.missing[link{from, to}] = max(0, l.acknowledged[from]-seen[from])
			}
		}
		var decided int
		if err := conn.QueryRow(ctx, `SELECT count(*) FROM bridge.conflicts`).Scan(&decided); err != nil {
			return nil, fmt.Errorf("region %s: %w", names[to], err)
		}
		l.conflicts = append(l.conflicts, decided)
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

func (w *watcher) close(ctx context.Context) {
	for _, conn := range w.conns {
		conn.Close(ctx) //nolint:errcheck // it only read
	}
}

// links are the columns of the table: each pair of regions, both ways beside each other.
func links(regions int) (all []link) {
	for b := range regions {
		for a := range b {
			all = append(all, link{a, b}, link{b, a})
		}
	}
	return all
}

// The table's columns: seconds, orders per second, conflicts, then a lag per link.
const (
	headFormat = "  %5s %8s %9s "
	lagFormat  = " %7s"
)

func tableHead(names []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, headFormat, "time", "orders/s", "conflicts")
	for _, k := range links(len(names)) {
		fmt.Fprintf(&b, lagFormat, names[k.from]+"→"+names[k.to])
	}
	return b.String()
}

// tableRow shows a look, and the orders and conflicts since an earlier one.
func tableRow(since time.Duration, rate float64, conflicts int, l *look, highlight func(string) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, headFormat, fmt.Sprintf("%.0f s", since.Seconds()), fmt.Sprintf("%.0f", rate), count(conflicts))
	for _, k := range links(len(l.acknowledged)) {
		cell := fmt.Sprintf(lagFormat, lagText(l.lag[k]))
		if l.lag[k] > time.Second {
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
