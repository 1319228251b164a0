package sim

import (
	"fmt"
	"math/rand/v2"

	"bridge/change"
)

// Stats counts what happened, so that a run that tests nothing is noticed.
type Stats struct {
	Transactions int // local ones that were captured
	Conflicts    int // decided and committed
	Recalled     int // rows of large transactions that were read again
	Crashes      int
	Lost         int // log records that database crashes took
	Barriers     int // without and
	Floors       int // with a floor
	Retries      int
	Waited       int // flights that were given up because a topic couldn't be read
	Duplicates   int // records appended twice
	Settled      int // batches that constraints had a part in
	Upkeep       int // looks at parked rows
	Hidden       int // rows that were parked
	Mended       int // rows given up, or brought back, for want of parents
	Late         int // records of dead processes that came after others of their successors
}

// Add adds the figures of another run.
func (s *Stats) Add(o Stats) {
	s.Transactions += o.Transactions
	s.Conflicts += o.Conflicts
	s.Recalled += o.Recalled
	s.Crashes += o.Crashes
	s.Lost += o.Lost
	s.Barriers += o.Barriers
	s.Floors += o.Floors
	s.Retries += o.Retries
	s.Waited += o.Waited
	s.Duplicates += o.Duplicates
	s.Late += o.Late
	s.Settled += o.Settled
	s.Upkeep += o.Upkeep
	s.Hidden += o.Hidden
	s.Mended += o.Mended
}

// Violation says which invariant a schedule broke.
type Violation struct {
	Seed      uint64
	Invariant string // its name, as "I1 converge"
	Detail    string
}

func (v *Violation) Error() string {
	return fmt.Sprintf("seed %d violates %s: %s", v.Seed, v.Invariant, v.Detail)
}

// world is one schedule.
type world struct {
	seed      uint64
	rng       *rand.Rand
	fault     Fault
	plan      plan
	tracer    func(string)
	now       change.Timestamp
	step      int
	tables    []*change.Table
	rules     ruleSet
	regions   []*region
	origins   []change.Origin
	values    int
	oracle    oracle
	stats     Stats
	violation *Violation
}

// Run plays the schedule of a seed and returns the first violation, nil if there is none. tracer, unless
// it's nil, is told every step.
func Run(seed uint64, fault Fault, tracer func(string)) (Stats, *Violation) {
	w := &world{seed: seed, rng: rand.New(rand.NewPCG(seed, 0x6272696467650000)), fault: fault, tracer: tracer}
	w.plan = newPlan(w.rng)
	w.plan.drawNextPolicies(rand.New(rand.NewPCG(seed, 0x706f6c6963696573)))
	if w.plan.suit(fault, w.rng); !w.plan.isMended() {
		w.plan.weights[actMend] = 0
	}
	w.tables, w.rules = w.plan.makeTables(), w.plan.ruleSet()
	w.oracle = newOracle()
	w.trace("plan: %s", &w.plan)
	initial := w.prefill()
	for i := range w.plan.regions {
		w.origins = append(w.origins, change.NewOrigin("r"+string(rune('0'+i)), 1))
	}
	for i, o := range w.origins {
		w.regions = append(w.regions, &region{world: w, index: i, origin: o, db: newDatabase(w, initial), topic: topic{world: w}})
	}
	for _, r := range w.regions {
		r.start()
		defer r.endMending()
	}
	for range w.plan.rounds {
		w.traffic()
		w.settle()
		w.checkSettled()
		if w.violation != nil {
			break
		}
	}
	return w.stats, w.violation
}

// prefill is the rows that all regions begin with, which no operation accounts for.
func (w *world) prefill() map[change.Key]change.Image {
	rows := map[change.Key]change.Image{}
	for _, t := range w.tables {
		for id := range w.plan.prefilled {
			key := keyOf(t, id)
			small, large := fmt.Sprintf("s-.%s%d", t.Name, id), fmt.Sprintf("L-.%s%d", t.Name, id)
			w.oracle.writer[small], w.oracle.writer[large] = change.Dot{}, change.Dot{}
			rows[key] = change.Image{change.Text(idOf(key)), change.Text(small), change.Text(large), change.Text("0")}
			for len(rows[key]) < len(t.Columns) {
				v := change.Null
				if u := len(rows[key]) - firstUnique; u < w.plan.constraints.uniques {
					v = w.free(firstUnique + u)
				}
				rows[key] = append(rows[key], v)
			}
		}
	}
	return rows
}

func (w *world) trace(format string, args ...any) {
	if w.tracer != nil {
		w.tracer(fmt.Sprintf("%5d ", w.step) + fmt.Sprintf(format, args...))
	}
}

// fail notes a violation. Only the first counts: the ones after it may be its consequences.
func (w *world) fail(invariant, format string, args ...any) {
	if w.violation == nil {
		w.violation = &Violation{w.seed, invariant, fmt.Sprintf(format, args...)}
		w.trace("violates %s: %s", invariant, w.violation.Detail)
	}
}

// asOrdered is a tag as a region sees it; only the fault LocalWinsTies changes it.
func (w *world) asOrdered(r *region, tag *change.Tag) *change.Tag {
	if w.fault != LocalWinsTies {
		return tag
	}
	t := *tag
	t.Time *= 2
	if tag.Dot.Origin == r.origin {
		t.Time++
	}
	return &t
}

// asWritten undoes asOrdered for a remote tag's time.
func (w *world) asWritten(t change.Timestamp) change.Timestamp {
	if w.fault == LocalWinsTies {
		t /= 2
	}
	return t
}

// The actions that a schedule is made of.
const (
	actLocal = iota
	actProceed
	actFlush
	actCapture
	actPublish
	actRead
	actDispatch
	actStep
	actHeartbeat
	actTrouble
	actMend
	actions
)

var defaultWeights = [actions]int{
	actLocal: 2, actProceed: 3, actFlush: 2, actCapture: 4, actPublish: 3,
	actRead: 4, actDispatch: 3, actStep: 8, actHeartbeat: 1, actTrouble: 1, actMend: 4,
}

// traffic plays a round of random actions.
func (w *world) traffic() {
	total := 0
	for _, n := range w.plan.weights {
		total += n
	}
	for end := w.step + w.plan.steps*w.plan.regions/2; w.step < end && w.violation == nil; w.step++ {
		w.now += change.Timestamp(w.rng.IntN(4))
		r := w.regions[w.rng.IntN(len(w.regions))]
		if w.plan.next != nil && w.step >= r.asleep && w.rng.IntN(12) == 0 {
			r.changeRules()
		}
		n := w.rng.IntN(total)
		for action, weight := range w.plan.weights {
			if n < weight {
				r.act(action)
				break
			}
			n -= weight
		}
	}
}

// act plays one action; while the process is down, only the database does anything.
func (r *region) act(action int) {
	w := r.world
	if w.step < r.asleep && action >= actCapture && action != actTrouble {
		return
	}
	switch action {
	case actLocal:
		r.local()
	case actProceed:
		if len(r.open) > 0 {
			r.proceed(r.open[w.rng.IntN(len(r.open))])
		}
	case actFlush:
		r.db.flushed = len(r.db.log)
	case actCapture:
		for n := w.rng.IntN(4); n >= 0 && r.capture(); n-- {
		}
	case actPublish:
		r.publish()
	case actRead:
		if l := r.lanes[w.rng.IntN(len(r.lanes))]; w.step >= l.cut {
			l.read()
		}
	case actDispatch:
		r.dispatch()
	case actStep:
		if len(r.flights) > 0 {
			f := r.flights[w.rng.IntN(len(r.flights))]
			for n := w.rng.IntN(w.plan.stride); n >= 0 && f.step(); n-- {
			}
		}
	case actHeartbeat:
		r.heartbeat()
	case actTrouble:
		r.trouble()
	case actMend:
		w.regions[0].mend()
	}
}

// trouble is what goes wrong now and then.
func (r *region) trouble() {
	w := r.world
	what := w.rng.IntN(16)
	switch w.plan.trouble {
	case onlyStops:
		what = 1 + 14*min(1, what/4)
	case onlyCancels:
		what = 6
	case onlyCrashes:
		what = 0
	case onlyAbsence:
		what = 10
	}
	switch what {
	case 0:
		r.crash()
	case 1:
		r.stop()
	case 2:
		r.crashDatabase()
	case 3:
		r.asleep = w.step + w.rng.IntN(w.plan.steps)
	case 4, 5:
		r.lanes[w.rng.IntN(len(r.lanes))].cut = w.step + w.rng.IntN(w.plan.steps)
	case 6, 7, 8, 9:
		if len(r.flights) > 0 {
			r.cancel(w.rng.IntN(len(r.flights)))
		}
	case 10, 11, 12:
		w.regions[w.rng.IntN(len(w.regions))].topic.absent = w.step + w.rng.IntN(w.plan.steps)
	}
}
