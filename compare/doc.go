// Package compare finds out whether regions hold the same rows while applications write to them.
//
// It has two parts. The scan reads every table of every region, as of about the same time, as keys and
// hashes in the order of the keys, and merges them: rows that aren't the same everywhere are suspects. In a
// mesh that is being written to, most suspects are only on their way. So the suspects are looked at again,
// in rounds:
//
//  1. Look: read the suspects in every region (S1). Those that are the same everywhere are cleared.
//  2. Position: only then, ask each region for a position of its log at or behind all that its look saw.
//  3. Published: wait until each region's topic tells a position at or behind that one. The record's seq says
//     how many of the region's transactions there were.
//  4. Applied: wait until each region's topic tells a vector that covers the others' seqs of step 3.
//  5. Look again (S2). A row that still differs, and that no region has written since S1, is different for
//     good. A row that was written meanwhile goes into the next round, with S2 as its S1.
//
// Why: let T be every transaction that any look of S1 saw. A transaction that was seen in a region where it was
// applied had been committed at its origin before the positions were asked for, so all of T is published in
// step 3 and applied everywhere after step 4. When nobody wrote the row between S1 and S2, its content is what
// the region makes of T, in every region. Regions that have seen the same transactions must hold the same row
// (I1), so if they don't, nothing on its way mends it.
//
// A row's version (see [Row]) tells that it was written. A row that isn't there has none: one could be
// inserted and deleted again between two looks. Such a difference must last for two rounds. MySQL and MariaDB
// have no versions: a row could be changed and changed back. There it must last for five.
//
// Regions of one engine with versions compare hashes that the servers compute of their own texts. Otherwise rows are
// read, brought into forms that all regions have in common ([Forms]), and hashed here. Their keys have the forms
// that capture gives them; rows whose keys the servers may sort in different ways are sorted here, too.
//
// The regions' databases are read, never written, and only their topics are waited for. No values leave a
// database, or this process: hashes of rows do, and keys, which are names.
//
// Refused: stopping writes, or a common snapshot across regions (there's none); comparing checksums of ranges
// (in a busy table every range holds a row that's on its way).
package compare
