// Package visibility says which rows a table shows where constraints allow fewer than there are.
//
// Rows converge first, each by its own operations (packages history, conflict): what that makes of a row is its
// candidate. Two candidates can take one unique value, or one can name a parent that another region deleted. Then what the table
// shows is a function of the candidates alone, so that all regions that hold the same candidates show the same rows (I1),
// in whatever order they came:
//
//   - A candidate is hidden where another one, shown or parked, holds one of its unique values and has the later [Claim].
//   - A candidate is hidden where the parent that it names isn't shown.
//   - A candidate that the database doesn't take for another reason (a check, a value out of range) is hidden where that is so. Schemas
//     that differ are the one way in which regions can show different rows.
//
// What's hidden is parked with its image in bridge.parked (I2), and shown again when its cause is gone. A policy may show the loser
// altered instead: a column set to NULL, or renamed.
//
// It's pure: values in, values out. The form of a value, the same text exactly where the database holds two values equal, is
// the engine's to tell ([Forms]).
//
// Refused: to decide by what the table shows at the moment, without the parked rivals. Regions in which rows came in another
// order would show others (found by simulation; a twin test shows it).
package visibility
