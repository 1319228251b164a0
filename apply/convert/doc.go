// Package convert takes transactions of other engines, as they were decoded, into this database's forms, before
// anything else of apply sees them.
//
// So history, conflicts and writes know one form of a row: the local engine's types and texts, and keys as local
// capture makes them, under the names between the regions. Whether a row of a PostgreSQL and one of a MySQL
// region are the same is decided here, once, and by the equality of this database.
//
// Decisions are equal in all regions all the same. They're made by versions, and by which columns an image lacks,
// and conversion changes neither: a column that's absent stays so, and no other becomes absent in a new image.
//
// What a table's columns are here is looked up once for each shape of it; again after a refusal, since an operator has
// then perhaps changed the table; and now and then.
//
// Refused: the conversion when a batch is written. History would hold images of several engines for one row, and
// a decision that fills one from another would mix their forms.
package convert
