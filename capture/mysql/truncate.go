package mysql

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"bridge/capture"
	"bridge/change"
	"bridge/internal/mysql"
)

// truncate makes the operation of a TRUNCATE TABLE, which is logged as a statement.
func (s *Source) truncate(ctx context.Context, st statement, q queryText) error {
	if s.group.past {
		return nil
	}
	name, err := s.localName(ctx, st.table, q)
	if err != nil {
		return err
	}
	switch roleOf(name, s.config.Selected) {
	case roleMarker:
		return capture.MarkerRemoved("TRUNCATE")
	case roleBarrier, roleOther:
		return nil
	}
	if skip, err := s.current.Data(); skip || err != nil {
		return err
	}
	table, err := s.truncated(ctx, name)
	if err != nil {
		return err
	}
	s.current.Room(len(q.sql))
	s.current.Add(change.Operation{Kind: change.Truncate, Table: table, Key: change.Key{Table: table.TableName}})
	return nil
}

// moves refuses a statement that changes which rows replicated tables have, without telling which.
func (s *Source) moves(ctx context.Context, st statement, q queryText) error {
	for _, table := range []change.TableName{st.table, st.with} {
		if table.Name == "" || s.group.past {
			continue
		}
		name, err := s.localName(ctx, table, q)
		if err != nil {
			return err
		}
		if roleOf(name, s.config.Selected) != roleOther {
			return badLog("table %s: %s has changed which rows it has, and the log doesn't tell them: join this region anew, and use DELETE and INSERT instead",
				name, st.word)
		}
	}
	return nil
}

// localName is a table's name in a statement as the log has it in table map events.
func (s *Source) localName(ctx context.Context, name change.TableName, q queryText) (change.TableName, error) {
	if name.Schema == "" {
		name.Schema = q.schema
	}
	if err := s.decodeName(ctx, &name, q.charset); err != nil {
		return name, err
	}
	if s.facts.lower {
		name.Schema, name.Name = strings.ToLower(name.Schema), strings.ToLower(name.Name)
	}
	return name, nil
}

// decodeName makes names UTF-8: a statement is logged in its client's character set. The default
// database's name is UTF-8 already, which a name of that character set that's valid UTF-8, too, is taken
// for: it's rare, and the table then isn't found among the selected ones.
func (s *Source) decodeName(ctx context.Context, name *change.TableName, collation uint16) error {
	cs := s.catalog.charsetOf(uint64(collation))
	for _, n := range []*string{&name.Schema, &name.Name} {
		if utf8.ValidString(*n) || cs == nil || cs.binary {
			continue
		}
		text, err := cs.append(ctx, nil, []byte(*n), s.catalog)
		if err != nil {
			return err
		}
		*n = string(text)
	}
	return nil
}

// truncated is the shape of a table that a statement names: as the log showed it last, or as it's now.
// Nothing but its name matters.
func (s *Source) truncated(ctx context.Context, name change.TableName) (*change.Table, error) {
	if t := s.tables.latest[name]; t != nil && t.shapes[1] != nil {
		return t.shape(true), nil
	}
	rows, err := s.catalog.query(ctx, "SELECT COLUMN_NAME, LOWER(DATA_TYPE), COLUMN_TYPE LIKE '%unsigned%', COLUMN_KEY = 'PRI' FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = "+
		mysql.Literal(name.Schema)+" AND TABLE_NAME = "+mysql.Literal(name.Name)+" ORDER BY ORDINAL_POSITION")
	if err != nil {
		return nil, fmt.Errorf("read the columns of table %s: %w", name, err)
	}
	columns := make([]change.Column, len(rows))
	for i, r := range rows {
		columns[i] = change.Column{Name: r[0], Type: r[1], Key: r[3] == "1"}
		if r[2] == "1" {
			columns[i].Type += " unsigned"
		}
	}
	local := change.NewTable(name, columns, true).On(engine(s.catalog.flavor))
	table, _, err := s.config.Outward.Table(local)
	if err != nil {
		return nil, badLog("%w", err)
	}
	return table, nil
}
