package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"bridge/apply"
	"bridge/apply/convert"
	"bridge/change"
	"bridge/loopguard"
	"bridge/value"
)

// Target is a PostgreSQL database that batches are applied to.
type Target struct {
	// Selected says which tables are replicated, by local names; nil is all. Others are the engines of the other regions, as capture
	// knows them. Both are set before Constraints is called.
	Selected func(change.TableName) bool
	Others   []value.Engine
	// SkipApplied has sessions write rows under replication origins, where the server is new enough for a capture to leave those out.
	SkipApplied bool

	config func(worker string) (*pgx.ConnConfig, error)
	fence  *Fence
	inward apply.Inward

	catalog   *catalog
	converter *convert.Converter
	forms     forms
}

var _ apply.Target = (*Target)(nil)

// NewTarget makes a target. config gives the connection's configuration with bridge's fixed session
// settings (internal/postgres); its lock_timeout is how long a session waits for a row that an application
// holds, before it gives way and decides anew. fence is told of the sessions' own transactions. inward is
// how other regions' rows become this one's.
func NewTarget(config func(worker string) (*pgx.ConnConfig, error), fence *Fence, inward apply.Inward) *Target {
	c := &catalog{config: config}
	return &Target{
		config: config, fence: fence, inward: inward, catalog: c,
		converter: convert.New(convert.Config{Engine: value.Postgres, Catalog: c, Inward: inward}),
	}
}

// sessionSettings are for apply sessions alone. Planner settings: every statement joins unnest with a table
// by its key, and must use the key's index whatever the statistics say (a new table has none).
var sessionSettings = map[string]string{
	"session_replication_role":      "replica",
	"synchronous_commit":            "off",
	"default_transaction_isolation": "read committed",
	"plan_cache_mode":               "force_generic_plan",
	"enable_hashjoin":               "off",
	"enable_mergejoin":              "off",
	"enable_seqscan":                "off",
	// A bridge that is frozen, or cut off without a word, doesn't hold rows for longer. One that lives speaks
	// every few seconds (see apply's pingInterval).
	"idle_in_transaction_session_timeout": "30s",
}

// Open is [apply.Target]'s.
func (t *Target) Open(ctx context.Context, worker int) (apply.Session, error) {
	config, err := t.config(fmt.Sprintf("apply %d", worker))
	if err != nil {
		return nil, err
	}
	for k, v := range sessionSettings {
		config.RuntimeParams[k] = v
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to apply (a role that isn't superuser needs GRANT SET ON PARAMETER session_replication_role; see \"bridge grants\"): %w", err)
	}
	s := newSession(conn, t.fence, worker, t.inward.Names, &t.forms)
	if err := s.setUp(ctx, t.SkipApplied); err != nil {
		conn.Close(ctx) //nolint:errcheck // the first error tells more
		return nil, fmt.Errorf("prepare to apply: %w", err)
	}
	return s, nil
}

// setUp prepares what every transaction needs.
func (s *session) setUp(ctx context.Context, skipApplied bool) error {
	if err := s.prepareLasting(ctx, stmtMarker, markerSQL); err != nil {
		return err
	}
	if err := s.prepareLasting(ctx, stmtWitness, witnessSQL); err != nil || !skipApplied {
		return err
	}
	return s.takeOrigin(ctx)
}

// Progress is [apply.Target]'s.
func (t *Target) Progress(ctx context.Context) (map[change.Origin]loopguard.Marker, error) {
	config, err := t.config("progress")
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to read bridge.progress: %w", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // it has done its work
	// p.seq is the number. A bare seq would be the output column of that name: the text, in which 9 is above 10.
	rows, err := conn.Query(ctx, `SELECT DISTINCT ON (origin) origin, worker, seq::text, ts::text, stream_offset::text
		FROM bridge.progress p ORDER BY origin, p.seq DESC`)
	if err != nil {
		return nil, fmt.Errorf("read bridge.progress: %w", err)
	}
	progress := map[change.Origin]loopguard.Marker{}
	var origin, seq, ts, offset string
	var worker int
	_, err = pgx.ForEachRow(rows, []any{&origin, &worker, &seq, &ts, &offset}, func() error {
		m, err := loopguard.ParseMarker(origin, fmt.Sprint(worker), seq, ts, offset)
		progress[m.Origin] = m
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read bridge.progress: %w", err)
	}
	return progress, nil
}
