// Package demo is "bridge demo": two to five database servers, a broker and as many bridges on this machine, a
// shop that writes the same rows in all regions at once, one bridge killed and started again, and at the
// end the proof that all regions are equal.
//
// Everything is real save the distance: servers from [bridge/internal/testserver], bridges as processes of
// the very executable that runs the demo, set up as an operator would. Nothing on the machine is touched,
// and nothing is left behind, however the demo ends.
//
// What is shown is measured from outside, in the databases alone: orders that a region has acknowledged and
// another doesn't have yet are lag, rows of bridge.conflicts are conflicts.
package demo
