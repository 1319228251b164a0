package apply

import (
	"maps"
	"sync"

	"bridge/change"
	"bridge/conflict"
)

// Report is what apply has done so far, for status and metrics. One is passed from loop to loop, so that its counts
// go on. It's safe for concurrent use.
type Report struct {
	mu        sync.Mutex
	counts    Counts
	conflicts map[ConflictLabel]uint64
	lost      map[LostLabel]uint64
	deferred  map[LostLabel]uint64
	losses    *losses
	applied   map[change.Origin]uint64 // by the loop
}

// Counts are totals since the report was made.
type Counts struct {
	Batches, Transactions, Rows uint64
	Barriers                    uint64 // raised because the witness alone wasn't enough, or a row was missing
	Retries                     uint64 // batches that lost a race
	Settled                     uint64 // batches that constraints had a part in
	Upkeep                      uint64 // looks at parked rows
}

// ConflictLabel is how conflicts are counted.
type ConflictLabel struct {
	Type   conflict.Type
	Table  change.TableName
	Rule   string
	Result string
}

// NewReport makes an empty report.
func NewReport() *Report {
	return &Report{conflicts: map[ConflictLabel]uint64{}, lost: map[LostLabel]uint64{}, deferred: map[LostLabel]uint64{}, losses: newLosses(), applied: map[change.Origin]uint64{}}
}

// begin forgets how far an earlier loop had come: a database that crashed may have lost its last commits.
func (r *Report) begin() {
	r.mu.Lock()
	clear(r.applied)
	r.mu.Unlock()
}

func (r *Report) barrier() {
	r.mu.Lock()
	r.counts.Barriers++
	r.mu.Unlock()
}

func (r *Report) retry() {
	r.mu.Lock()
	r.counts.Retries++
	r.mu.Unlock()
}

func (r *Report) settled() {
	r.mu.Lock()
	r.counts.Settled++
	r.mu.Unlock()
}

func (r *Report) upkept(records []conflict.Record) {
	r.mu.Lock()
	r.counts.Upkeep++
	r.count(records)
	r.mu.Unlock()
}

func (r *Report) committed(b *Batch) {
	records := b.Records()
	last := b.Transactions[len(b.Transactions)-1]
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts.Batches++
	r.counts.Transactions += uint64(len(b.Transactions))
	r.counts.Rows += uint64(b.Len())
	r.count(records)
	r.applied[last.Dot.Origin] = last.Dot.Seq
}

func (r *Report) count(records []conflict.Record) {
	for i := range records {
		rec := &records[i]
		r.conflicts[ConflictLabel{rec.Type, rec.Key.Table, rec.RuleName(), rec.Result()}]++
		lost, deferred := r.losses.count(rec)
		if lost > 0 {
			r.lost[LostLabel{rec.Key.Table, rec.RuleName()}] += lost
		}
		if deferred > 0 {
			r.deferred[LostLabel{rec.Key.Table, rec.RuleName()}] += deferred
		}
	}
}

// Counts are the totals so far.
func (r *Report) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts
}

// Conflicts are the decided conflicts so far.
func (r *Report) Conflicts() map[ConflictLabel]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.conflicts)
}

// Lost are the updates (inserts, updates, deletes) that aren't in their rows though whoever won hadn't seen them, each
// counted once. Those that are [Report.Deferred] aren't among them.
func (r *Report) Lost() map[LostLabel]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.lost)
}

// Deferred are updates that would be lost, but for columns that one region merges afterwards, each counted once.
func (r *Report) Deferred() map[LostLabel]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.deferred)
}

// Applied is the last of o's transactions that the loop has applied; 0 if it has applied none.
func (r *Report) Applied(o change.Origin) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.applied[o]
}
