// Package conflict decides rows that concurrent transactions wrote.
//
// A decision looks at a row's unstable operations together with the incoming one and says whether the
// row exists and what its columns are. It's a function of the set of operations, not of the order of
// their arrival: that is what makes regions converge (I1). The maximal operations are those that no
// other in the set had seen; existence is decided among them alone, because the others may already have
// been dropped in another region (sorting all by rank and replaying them diverges).
//
// A [Rule] is a table's. It has an order among maximal operations, and says how columns come together: a
// row is the winner's, or each column is merged for itself. A column's operations assign it or add to it.
// The last assignment stands with what was added later; where all of them add, the column starts as the
// incoming operation's origin had it, and what that hadn't seen is added: everything that it hadn't seen is still
// in the set, because nothing is dropped before all regions are known to have seen it. So a decision never
// needs the row as it is here (the design, §4, takes that for the start; the two come to the same, and the
// simulation runs this one).
//
// Columns that no function of the set can merge take the latest change, and the case is [Awaited].
//
// Everything that loses is told by a [Record] (I2).
package conflict
