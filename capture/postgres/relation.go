package postgres

import (
	"context"
	"fmt"
	"slices"

	"bridge/capture"
	"bridge/change"
	"bridge/internal/postgres"
	"bridge/loopguard"
	"bridge/value"
)

// role is what the rows of a table are to bridge.
type role uint8

const (
	roleData   role = iota // an application's: shipped
	roleMarker             // bridge.progress
	roleOwn                // bridge's other tables: passed over
)

// relation is a table as a Relation message announced it. Its role and name are known at once. The
// rest is filled in by [relations.resolve] when a row needs it: the message may be part of a streamed
// transaction, and what that one created isn't in the catalog before its commit.
type relation struct {
	relationMessage
	role     role
	received uint64 // counts Relation messages: of two of a table, the server goes by the later one
	marker   markerColumns

	table     *change.Table // as the other regions know it; nil until resolved
	local     *change.Table // as the catalog has it
	withheld  []int         // columns of which unchanged values aren't sent: see [capture.Outward.Table]
	normalize []change.Normalize
	keyError  error // why rows of the table can't be captured; nil if they can
	// updateError is the same for updates.
	updateError error
}

// relations are the tables and types as announced so far.
type relations struct {
	byOID    map[uint32]*relation
	last     *relation // most rows are of the table of the row before
	received uint64
	types    map[uint32]keyedType   // from the catalog
	names    map[uint32]typeMessage // from the log
	catalog  *catalog
	outward  capture.Outward
}

func newRelations(c *catalog, outward capture.Outward) *relations {
	return &relations{
		outward: outward,
		byOID:   make(map[uint32]*relation),
		types:   make(map[uint32]keyedType),
		names:   make(map[uint32]typeMessage),
		catalog: c,
	}
}

// announceType takes a Type message, which comes before the Relation messages with such a column.
func (r *relations) announceType(body []byte) error {
	m, err := parseType(body)
	if err != nil {
		return err
	}
	r.names[m.oid] = m
	delete(r.types, m.oid) // it may have been renamed
	return nil
}

// announce reads a Relation message. The relation isn't in use before [relations.learn].
func (r *relations) announce(body []byte) (*relation, error) {
	m, err := parseRelation(body)
	if err != nil {
		return nil, err
	}
	r.received++
	rel := &relation{relationMessage: m, received: r.received}
	if m.name.Schema == loopguard.Schema {
		rel.role = roleOwn
		if m.name.Name == loopguard.MarkerTable {
			rel.role = roleMarker
			rel.marker, err = findMarkerColumns(m.columns)
		}
	}
	return rel, err
}

// learn makes rel the table's announcement from here on, unless a later one has been learned.
func (r *relations) learn(rel *relation) {
	if old := r.byOID[rel.oid]; old != nil && old.received > rel.received {
		return
	}
	r.inherit(rel)
	r.byOID[rel.oid], r.last = rel, rel
}

// inherit gives rel the table of the announcement before it, which resolve keeps if nothing changed.
func (r *relations) inherit(rel *relation) {
	if old := r.byOID[rel.oid]; old != nil && rel.table == nil {
		rel.table, rel.local, rel.withheld = old.table, old.local, old.withheld
	}
}

// get finds the table of a row.
func (r *relations) get(oid uint32) (*relation, error) {
	if r.last != nil && r.last.oid == oid {
		return r.last, nil
	}
	rel := r.byOID[oid]
	if rel == nil {
		return nil, badLog("row of a table (OID %d) that wasn't announced", oid)
	}
	r.last = rel
	return rel, nil
}

// resolve fills in what rel's message lacks: the names of types, and the key where the message doesn't
// tell it. It returns the table.
func (r *relations) resolve(ctx context.Context, rel *relation) (*change.Table, error) {
	if rel.normalize != nil {
		return rel.table, nil
	}
	columns, keyTypes, err := r.columns(ctx, rel)
	if err != nil {
		return nil, err
	}
	local := change.NewTable(rel.name, columns, rel.identity == 'f').On(string(value.Postgres))
	if old := rel.local; old == nil || old.Fingerprint() != local.Fingerprint() {
		rel.local = local
		if rel.table, rel.withheld, err = r.outward.Table(local); err != nil {
			return nil, badLog("%w", err)
		}
	}
	rel.normalize, rel.keyError = normalizers(rel, keyTypes)
	if altered := r.outward.Altered(local); len(altered) > 0 && !local.Full {
		rel.updateError = badLog("table %s: column %q has a policy in tables.on_unrepresentable, so that it may hold another value than its origin sent, "+
			"and the log doesn't tell whether this update changes it: ALTER TABLE %s REPLICA IDENTITY FULL, and take the policy away until bridge has read past this position",
			local, altered[0], postgres.QuoteTable(local.TableName))
	}
	return rel.table, nil
}

// columns are rel's columns with types and key flags, and the types that decide about equality.
func (r *relations) columns(ctx context.Context, rel *relation) ([]change.Column, []string, error) {
	if err := r.lookUpTypes(ctx, rel); err != nil {
		return nil, nil, err
	}
	columns := make([]change.Column, len(rel.columns))
	keyTypes := make([]string, len(columns))
	for i, c := range rel.columns {
		t := r.typeOf(c.typ)
		if len(r.outward.Others) > 0 && t.key != "enum" { // nobody else knows a domain
			t.name = t.key
		}
		columns[i] = change.Column{Name: c.name, Type: t.name, Key: c.flagged && rel.identity != 'f'}
		keyTypes[i] = t.key
	}
	if slices.ContainsFunc(columns, func(c change.Column) bool { return c.Key }) {
		return columns, keyTypes, nil
	}
	return columns, keyTypes, r.lookUpKey(ctx, rel, columns)
}

// lookUpKey flags the key columns as the catalog has them now. Under FULL the message flags all
// columns. In the other cases it flags none because the table had no key; then its rows have a name
// once the operator has given it one.
func (r *relations) lookUpKey(ctx context.Context, rel *relation, columns []change.Column) error {
	var key []string
	found, err := await(ctx, func() (exists bool, err error) {
		key, exists, err = r.catalog.key(ctx, rel.oid, rel.name)
		return exists, err
	})
	if err != nil {
		return err
	}
	if !found {
		return badLog("table %s was dropped, and its log (REPLICA IDENTITY %s) doesn't tell its primary key: create an empty table "+
			"of that name with the same columns and primary key until bridge has read past this position", rel.name, identityWord(rel.identity))
	}
	for _, name := range key {
		i := slices.IndexFunc(columns, func(c change.Column) bool { return c.Name == name })
		if i < 0 {
			return badLog("table %s: key column %q isn't in the log: publish all columns of the table", rel.name, name)
		}
		columns[i].Key = true
	}
	return nil
}

func identityWord(identity byte) string {
	switch identity {
	case 'f':
		return "FULL"
	case 'n':
		return "NOTHING"
	case 'i':
		return "USING INDEX"
	}
	return "DEFAULT"
}

// lookUpTypes asks the catalog for those types of rel's columns that aren't known.
func (r *relations) lookUpTypes(ctx context.Context, rel *relation) error {
	var unknown []uint32
	for _, c := range rel.columns {
		if _, ok := builtinNames[c.typ]; ok {
			continue
		}
		if _, ok := r.types[c.typ]; !ok && !slices.Contains(unknown, c.typ) {
			unknown = append(unknown, c.typ)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	_, err := await(ctx, func() (bool, error) {
		found, err := r.catalog.types(ctx, unknown)
		for oid, t := range found {
			r.types[oid] = t
		}
		return len(found) == len(unknown), err
	})
	return err
}

// typeOf names a type: from the catalog, else as the log announced it.
func (r *relations) typeOf(oid uint32) keyedType {
	if name, ok := builtinNames[oid]; ok {
		return keyedType{name, name}
	}
	if t, ok := r.types[oid]; ok {
		return t
	}
	if m, ok := r.names[oid]; ok {
		name := announcedName(m)
		return keyedType{name, name}
	}
	name := fmt.Sprintf("type %d", oid)
	return keyedType{name, name}
}

// normalizers are those of the key columns. The error says why the table's rows can't be named.
func normalizers(rel *relation, keyTypes []string) ([]change.Normalize, error) {
	t := rel.local
	all := make([]change.Normalize, len(t.Columns))
	for _, k := range t.Keys {
		normalize, err := postgres.Normalizer(keyTypes[k])
		if err != nil {
			return all, badLog("table %s, key column %q: %w", t, t.Columns[k].Name, err)
		}
		all[k] = normalize
	}
	if len(t.Keys) > 0 {
		return all, nil
	}
	return all, badLog("table %s has REPLICA IDENTITY %s and no key, so nothing names its rows: ALTER TABLE %[3]s ADD PRIMARY KEY (…) "+
		"over columns that it has, ALTER TABLE %[3]s REPLICA IDENTITY DEFAULT, and start again",
		t, identityWord(rel.identity), postgres.QuoteTable(t.TableName))
}
