package sim

// Fault is what a schedule leaves out or does wrong, to show that it's needed.
type Fault string

// The faults. Each is in the simulation's shell or in a wrapper around the core; the core has no switches.
const (
	NoFault Fault = ""

	// NoBarrier certifies without waiting for capture.
	NoBarrier Fault = "no barrier"
	// NoFloor raises barriers that don't lift later local timestamps.
	NoFloor Fault = "no floor"
	// NoSecondBarrier commits although the last writes locked rows that weren't locked before.
	NoSecondBarrier Fault = "no second barrier"
	// DecideFresh decides missing rows with local operations after the barrier too.
	DecideFresh Fault = "missing rows decided with operations after the barrier"
	// NoCausality applies a transaction before its dependencies.
	NoCausality Fault = "no causal delivery"
	// PruneEarly takes all that is applied here for stable.
	PruneEarly Fault = "pruning too early"
	// PruneSelfEarly takes for seen by this region what it has applied, not what its log has shown.
	PruneSelfEarly Fault = "own vector learned at apply"
	// PruneOutOfOrder drops each stable operation alone, whatever unstable one stands before it.
	PruneOutOfOrder Fault = "stable operations dropped out of order"
	// LearnAtReceipt counts a peer's vector when its record is read, not when it's applied.
	LearnAtReceipt Fault = "vector learned at receipt"
	// RebuildFromStable rebuilds history after a restart from the unstable transactions only.
	RebuildFromStable Fault = "history rebuilt from the stable cut"
	// LocalWinsTies orders by timestamp alone; of equal ones a region's own comes last.
	LocalWinsTies Fault = "ties broken by arrival"
	// NoTruncateHistory keeps truncates out of history.
	NoTruncateHistory Fault = "truncates not in history"
	// KeepCancelled leaves the pieces of a large transaction that was rolled back in history.
	KeepCancelled Fault = "pieces of a cancelled transaction kept"
	// ApplyTwice applies a duplicate again.
	ApplyTwice Fault = "duplicates not dropped"
	// BeginAgain takes a first piece for the beginning of its transaction, whatever came of it before.
	BeginAgain Fault = "a transaction begins again with its first piece"
	// DropRecord loses a record, and the reader doesn't look at sequence numbers.
	DropRecord Fault = "a record dropped unnoticed"
	// DropRecordLoudly loses a record under the shipped inbox.
	DropRecordLoudly Fault = "a record dropped"
	// NoMarker takes applied transactions for local ones.
	NoMarker Fault = "marker ignored"
	// NoClaim doesn't lock the missing row that a rule not ordered by time decides.
	NoClaim Fault = "missing rows not locked"
	// CountWaiting counts what was taken back to wait for a topic as on its way.
	CountWaiting Fault = "what waits for a topic counts as on its way"
	// RulesDiffer has one region decide by another rule.
	RulesDiffer Fault = "rules that differ between regions"
	// RulesByRegion has a region decide by the rules that it has come to itself.
	RulesByRegion Fault = "rules by region while they change"
	// TurnLate has a region apply what was published under other rules, and turn to them later.
	TurnLate Fault = "a turn to other rules after the first transaction under them"
	// TurnUnlogged has a region go over to other rules without writing that down.
	TurnUnlogged Fault = "a turn to other rules not in the log"
	// PoliciesUnsettled has the policies of constraints change in one region without a look at the rows that are parked.
	PoliciesUnsettled Fault = "policies that change without a look at parked rows"
	// PoliciesAtReady has them change when a region is restarted with the next rules beside those before.
	PoliciesAtReady Fault = "policies that change before the rules"
	// PoliciesAtRestart has them change when a region is restarted with the next rules alone.
	PoliciesAtRestart Fault = "policies that change after the rules"
	// NoRecheck doesn't look at parked rows, and at children, after local writes.
	NoRecheck Fault = "parked rows not looked at again"
	// NoDangle doesn't look for parents that were taken away concurrently.
	NoDangle Fault = "missing parents not noticed"
	// NoChildren doesn't look for children that a remote delete leaves behind.
	NoChildren Fault = "children of deleted parents not looked for"
	// NoMending leaves children that lack their parents as they are, whatever policies say.
	NoMending Fault = "orphans not mended"
	// DropAlone gives up rows without a word to other regions.
	DropAlone Fault = "rows dropped in one region only"
	// NoLost doesn't keep with a child what the delete of its parent found.
	NoLost Fault = "deleted parents not kept with their children"
	// NoHolding doesn't lock the parents of children that are applied.
	NoHolding Fault = "parents not held"
	// NoConfirm commits a settlement without the second barrier.
	NoConfirm Fault = "settlements not confirmed"
	// NoSettledTruncate applies a truncate beside concurrent writes without a look at what constraints make of them.
	NoSettledTruncate Fault = "truncates not settled"
	// NoTruncateRecheck doesn't look at parked rows, and at children, after local truncates.
	NoTruncateRecheck Fault = "local truncates not noticed"
	// NoDoubts takes a row that isn't found for one that isn't there, though others don't see yet what is in the log.
	NoDoubts Fault = "rows that aren't seen yet count as missing"
	// ConfirmEarly releases the log when it's read, not when it's published.
	ConfirmEarly Fault = "log confirmed before it is published"
)
