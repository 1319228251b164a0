package engines

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"

	"bridge/change"
	"bridge/internal/database"
	"bridge/internal/postgres"
	pgpreflight "bridge/internal/postgres/preflight"
	"bridge/internal/preflight"
	"bridge/wire"
)

// postgresSetUp sets a PostgreSQL up: schema, publication, slot.
type postgresSetUp struct {
	postgresDatabase
	conn *pgx.Conn
}

func (d postgresDatabase) SetUp(ctx context.Context) (SetUp, error) {
	conn, err := d.connect(ctx, "init")
	if err != nil {
		return nil, err
	}
	return &postgresSetUp{d, conn}, nil
}

func (s *postgresSetUp) Close(ctx context.Context) {
	s.conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it has done its work
}

func (s *postgresSetUp) Preflight(ctx context.Context) (*preflight.Report, error) {
	settings, err := s.preflightSettings()
	if err != nil {
		return nil, err
	}
	return pgpreflight.Run(ctx, s.conn, settings)
}

// Publish makes the publication before the slot: a slot can't decode with a publication that came after it.
func (s *postgresSetUp) Publish(ctx context.Context, report *preflight.Report, done func(Step)) error {
	if err := postgres.CreateTables(ctx, s.conn); err != nil {
		return err
	}
	done(Step{Step: "tables", Changed: !report.Initialised, Detail: "schema bridge"})

	name := s.c.Database.Publication
	ran, away, err := postgres.EnsurePublication(ctx, s.conn, name, report.Tables)
	if err != nil {
		return err
	}
	detail := name
	if len(ran) > 0 {
		detail = strings.Join(ran, "; ")
	}
	done(Step{Step: "publication", Changed: len(ran) > 0, Detail: detail})
	for _, t := range away {
		done(Step{Step: "not shipped", Warning: true, Detail: fmt.Sprintf("table %s was out of publication %s for a while. What was written to it then isn't in the other "+
			"regions and won't be shipped, and bridge doesn't tell of it again: see with \"bridge compare\" which rows differ, and write them once more", t, name)})
	}
	return nil
}

// Begun finds the slot of a region that is set up: it has one, or preflight has refused.
func (s *postgresSetUp) Begun(ctx context.Context, report *preflight.Report, verify bool) (*Step, error) {
	slot, err := postgres.LoadSlot(ctx, s.conn, s.c.Database.Slot)
	switch {
	case err != nil || slot == nil:
		return nil, err
	case report.Initialised || !verify:
		return &Step{Step: "replication slot", Detail: fmt.Sprintf("%s, confirmed up to %s", slot.Name, slot.Confirmed)}, nil
	}
	return nil, fmt.Errorf("replication slot %s is there, but the region isn't set up: an earlier init was interrupted, and what the database held "+
		"where the slot begins can't be read any more. Run SELECT pg_drop_replication_slot(%s); and then init again", slot.Name, postgres.Literal(slot.Name))
}

// Begin makes the slot.
func (s *postgresSetUp) Begin(ctx context.Context, report *preflight.Report, verify bool) (*Beginning, error) {
	db := &s.c.Database
	// Waiting for a transaction that began before isn't a statement gone wild.
	if _, err := s.conn.Exec(ctx, `SET statement_timeout = 0; SET lock_timeout = 0`); err != nil {
		return nil, fmt.Errorf("create replication slot: %w", err)
	}
	step := func(from string) Step {
		return Step{Step: "replication slot", Changed: true, Detail: fmt.Sprintf("%s, from %s", db.Slot, from)}
	}
	if !verify {
		lsn, err := postgres.CreateSlot(ctx, s.conn, db.Slot, db.FailoverSlot)
		return &Beginning{Step: step(lsn), Close: func(context.Context) {}}, err
	}
	slot, err := postgres.CreateSlotSnapshot(ctx, s.server(), s.session("init"), db.Slot, db.FailoverSlot)
	if err != nil {
		return nil, err
	}
	b := &Beginning{
		Step:     step(slot.Begin),
		Baseline: func(ctx context.Context) (wire.Baseline, error) { return s.baseline(ctx, report.Tables, slot.Snapshot) },
		Undo:     func(ctx context.Context) error { return postgres.DropSlot(ctx, s.conn, db.Slot) },
		Close:    func(ctx context.Context) { slot.Close(ctx) }, //nolint:errcheck // it has done its work
	}
	lsn, err := pglogrepl.ParseLSN(slot.Begin)
	if err != nil {
		b.Close(ctx)
		return nil, errors.Join(fmt.Errorf("replication slot %s: %w", db.Slot, err), b.Undo(ctx))
	}
	b.Position = change.Position{Offset: uint64(lsn)}
	return b, nil
}

// baseline reads the tables in the snapshot of the slot's beginning.
func (s *postgresSetUp) baseline(ctx context.Context, tables []change.TableName, snapshot string) (wire.Baseline, error) {
	session := s.session("init")
	session.StatementTimeout = 0 // a large table takes its time
	region, err := s.open(ctx, session, func(t change.TableName) bool { return slices.Contains(tables, t) })
	if err != nil {
		return nil, err
	}
	defer region.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was only read from
	return region.Baseline(ctx, snapshot)
}

func (s *postgresSetUp) Claim(ctx context.Context) (database.Node, bool, error) {
	return postgres.Claim(ctx, s.conn, s.c.Cluster, s.c.Region)
}
