// Package sim runs whole regions in one goroutine, from one seed, on the shipped core.
//
// What is shipped and driven here: the clock of loopguard, history, conflict, the batches, certification, settlements
// and inboxes of apply, the mender of rows that lack their parents, and the records of wire. What is model: the database (rows, locks, a log that can
// lose its unflushed tail, commits that are in the log before others see them), the book of the mender, the topics (duplicates, a producer that dies between append and confirmation
// or in the middle of a large transaction, or whose last record comes late), the commit times (skewed, repeating, stepping back), and the
// thin shell around the core, which takes the steps of DESIGN.md §3 one at a time so that anything can
// happen between two of them.
//
// A schedule is one random run: a mesh of 2 to 5 regions, a mix of actions, one or more rounds of traffic
// that each end when everything has settled. [Run] plays it and returns the first invariant of DESIGN.md
// §7 that didn't hold. The same seed gives the same schedule, step for step.
//
// A [Fault] leaves out one thing that the algorithm needs. Each has a test which shows that some schedule
// then breaks an invariant: if none did, either the thing isn't needed or the simulation can't see it.
//
// Not modelled: schema changes, members that come and go, spilling, deadlocks (an attempt is cancelled
// at random instead), and the engines' own code, which the integration tests run.
package sim
