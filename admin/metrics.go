package admin

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"bridge/node"
)

// collector turns a node's status into metrics when they're asked for. Names: prefix bridge_, base units,
// labels of few values (docs/operations.md says what to watch).
type collector struct {
	subject Subject
	version string
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("bridge_"+name, help, labels, nil)
}

var (
	infoDesc         = desc("info", "Always 1; says which bridge this is.", "version", "cluster", "region")
	phaseDesc        = desc("phase", "1 for the phase that the region is in.", "phase")
	readyDesc        = desc("ready", "1 while the region replicates with every peer.")
	sessionsDesc     = desc("sessions_total", "Sessions begun; each after the first follows a fault.")
	localDesc        = desc("local_transactions_total", "Transactions of this region's applications read from its log.")
	localRowsDesc    = desc("local_rows_total", "Row changes in them.")
	echoesDesc       = desc("loop_suppressed_total", "Applied transactions recognised in the log and not shipped again.")
	recordsDesc      = desc("published_records_total", "Records appended to the region's topic.")
	capturedDesc     = desc("captured_position", "Log position read (LSN as a number).")
	publishedDesc    = desc("published_position", "Log position confirmed to the database.")
	stalledDesc      = desc("publish_stalled_seconds", "For how long nothing could be published; 0 when it's under way.")
	heldDesc         = desc("apply_held_seconds", "For how long nothing could be applied because parked rows can't be looked at; 0 otherwise.")
	topicWaitDesc    = desc("topic_wait_seconds", "For how long an origin's next transaction has waited for operations of a topic that can't be read; 0 otherwise.", "origin")
	aheadDesc        = desc("clock_ahead_seconds", "How far in the future the region's logical clock stands, which follows all regions' database servers.")
	appliedDesc      = desc("applied_transactions_total", "Transactions of other regions applied.")
	appliedRowsDesc  = desc("applied_rows_total", "Rows written by applying.")
	batchesDesc      = desc("applied_batches_total", "Database transactions that applied them.")
	barriersDesc     = desc("barriers_total", "Barriers raised before a commit.")
	retriesDesc      = desc("replays_total", "Batches decided and written again after a lost race.")
	conflictsDesc    = desc("conflicts_total", "Conflicts decided here.", "type", "table", "rule", "outcome")
	lostDesc         = desc("lost_updates_total", "Updates that aren't in their rows though whoever won hadn't seen them; each counts once.", "table", "rule")
	deferredDesc     = desc("deferred_updates_total", "Updates that weren't in their rows until one region merged their columns; each counts once.", "table", "rule")
	parkedDesc       = desc("parked_rows", "Rows that a constraint keeps from being shown as they are.", "table", "reason")
	settledDesc      = desc("settled_batches_total", "Batches that were applied with a look at what constraints let be shown.")
	upkeepDesc       = desc("upkeep_total", "Looks at parked rows in transactions of their own.")
	lagDesc          = desc("apply_lag_seconds", "Age of the oldest transaction that waits here; 0 when none does.", "origin")
	queuedDesc       = desc("apply_queue_transactions", "Transactions read and not yet applied.", "origin")
	queuedBytesDesc  = desc("apply_queue_bytes", "Size of the records they came in.", "origin")
	stoppedDesc      = desc("origin_stopped", "1 while an origin's stream can't go on.", "origin")
	unstableDesc     = desc("unstable_operations", "Operations that not every region is known to have seen.")
	historyBytesDesc = desc("history_bytes", "Memory that they take.")
	historyLimitDesc = desc("history_limit_bytes", "Limit of that memory; the region stops when it's reached.")
	seqDesc          = desc("seq", "Last transaction: published of this region, applied of the others.", "origin")
	stableDesc       = desc("stable_seq", "Last transaction that every region has seen.", "origin")
)

// Describe is [prometheus.Collector]'s.
func (c *collector) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, out) }

// Collect is [prometheus.Collector]'s.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	s := c.subject.Status()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge(infoDesc, 1, c.version, s.Cluster, s.Region)
	for _, p := range []node.Phase{node.Starting, node.Standby, node.Running, node.Retrying, node.Stopped} {
		gauge(phaseDesc, flag(s.Phase == p), string(p))
	}
	gauge(readyDesc, flag(s.Ready()))
	count(sessionsDesc, uint64(s.Sessions))
	count(localDesc, s.Capture.Transactions)
	count(localRowsDesc, s.Capture.Operations)
	count(echoesDesc, s.Capture.Echoes)
	count(recordsDesc, s.Capture.Records)
	gauge(capturedDesc, float64(s.Capture.Captured.Offset))
	gauge(publishedDesc, float64(s.Capture.Published.Offset))
	gauge(stalledDesc, secondsSince(s.StalledSince))
	gauge(heldDesc, secondsSince(s.Held.Since))
	gauge(aheadDesc, s.ClockAhead.Seconds())
	count(appliedDesc, s.Applied.Transactions)
	count(appliedRowsDesc, s.Applied.Rows)
	count(batchesDesc, s.Applied.Batches)
	count(barriersDesc, s.Applied.Barriers)
	count(retriesDesc, s.Applied.Retries)
	for l, n := range s.Conflicts {
		count(conflictsDesc, n, string(l.Type), l.Table.String(), l.Rule, l.Result)
	}
	for l, n := range s.Lost {
		count(lostDesc, n, l.Table.String(), l.Rule)
	}
	for l, n := range s.Deferred {
		count(deferredDesc, n, l.Table.String(), l.Rule)
	}
	for l, n := range s.Parked {
		gauge(parkedDesc, float64(n), l.Table.String(), string(l.Reason))
	}
	count(settledDesc, s.Applied.Settled)
	count(upkeepDesc, s.Applied.Upkeep)
	gauge(unstableDesc, float64(s.History.Operations))
	gauge(historyBytesDesc, float64(s.History.Bytes))
	gauge(historyLimitDesc, float64(s.History.Limit))
	gauge(seqDesc, float64(s.Capture.State.Seq), s.Region)
	for i := range s.Peers {
		p := &s.Peers[i]
		origin := p.Origin.Region()
		gauge(lagDesc, p.CurrentLag().Seconds(), origin)
		gauge(queuedDesc, float64(p.Queued), origin)
		gauge(queuedBytesDesc, float64(p.QueuedBytes), origin)
		gauge(topicWaitDesc, secondsSince(p.WaitsForTopic.Since), origin)
		gauge(stoppedDesc, flag(p.Stopped != nil), origin)
		gauge(seqDesc, float64(p.LastMarker.Seq), origin)
		gauge(stableDesc, float64(p.Stable), origin)
	}
}

// secondsSince is 0 where there's no beginning.
func secondsSince(began time.Time) float64 {
	if began.IsZero() {
		return 0
	}
	return time.Since(began).Seconds()
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
