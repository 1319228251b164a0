// Package value says what a column's text means, and takes it from one engine's type to another's.
//
// A [change.Value] is text in the canonical form of the engine that logged it. Within an engine that text
// goes through untouched. Across engines a [Type] stands for each side's column: [Declared] reads it from
// the catalog, with its modifiers, and [OnWire] from a record, which carries the base name alone. [NewPlan]
// compares the two, once for a column, and gives a [Plan] that converts texts one by one.
//
// Terms:
//
//   - A type's class says what kind of thing its values are. Classes, not names, are mapped on each other.
//   - A text fits a type when the type can hold exactly the value it stands for. What fits is carried; what
//     doesn't is refused, or made NULL or the nearest value by the column's [Policy]: nothing is changed
//     that nobody asked to change.
//   - A plan is lossy when what was stored may not be what was sent, even for values that fit or because of
//     its policy. A column that an application didn't change must not be sent back through such a plan, or
//     the origin would get a change that nobody made.
//   - A normal form is one text for all texts of equal values: [Canonical] for values of one column, and
//     [KeyForm] for keys, whose bytes must be the same in every region.
//
// Law (tested for every pair of types): a text that a plan carries comes back through the plan of the other
// direction, with the same normal form, unless the plan is lossy.
//
// The package does no I/O and asks no server. What only a server can tell, equality of text under its
// collations, is refused here ([ErrCollation]) and asked elsewhere.
package value
