// Package conflict decides rows that concurrent transactions wrote.
//
// A decision looks at a row's unstable operations together with the incoming one and says whether the
// row exists and what its columns are. It's a function of the set of operations, not of the order of
// their arrival: that is what makes regions converge (I1). The maximal operations are those that no
// other in the set had seen; existence is decided among them alone, because the others may already have
// been dropped in another region (sorting all by rank and replaying them diverges).
//
// Rules differ in the order among maximal operations and in how columns merge. [LastWriteWins] is the
// default: the latest maximal operation decides existence, and every column has the value of the latest
// operation that carries it.
//
// Everything that loses is told by a [Record] (I2).
package conflict
