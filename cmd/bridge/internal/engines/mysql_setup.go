package engines

import (
	"context"
	"fmt"
	"slices"

	"bridge/change"
	"bridge/internal/database"
	"bridge/internal/mysql"
	mypreflight "bridge/internal/mysql/preflight"
	"bridge/internal/preflight"
)

// mysqlSetUp sets a MySQL or MariaDB server up: bridge's own database, and where in the log capture begins. Nothing
// in the server holds the log for bridge, unlike a slot.
type mysqlSetUp struct {
	mysqlDatabase
	conn *mysql.Conn
}

func (d mysqlDatabase) SetUp(ctx context.Context) (SetUp, error) {
	conn, err := d.connect(ctx, "init")
	if err != nil {
		return nil, err
	}
	return &mysqlSetUp{d, conn}, nil
}

func (s *mysqlSetUp) Close(context.Context) { s.conn.Close() }

func (s *mysqlSetUp) Preflight(ctx context.Context) (*preflight.Report, error) {
	settings, err := s.preflightSettings()
	if err != nil {
		return nil, err
	}
	return mypreflight.Run(ctx, s.conn, settings)
}

func (s *mysqlSetUp) Publish(ctx context.Context, report *preflight.Report, done func(Step)) error {
	if err := mysql.CreateTables(ctx, s.conn); err != nil {
		return err
	}
	done(Step{Step: "tables", Changed: !report.Initialised, Detail: "database bridge"})
	return nil
}

func (s *mysqlSetUp) Begun(ctx context.Context, report *preflight.Report, _ bool) (*Step, error) {
	if !report.Initialised {
		return nil, nil
	}
	start, err := mysql.EnsureStart(ctx, s.conn)
	return &Step{Step: "log", Detail: "from " + mysql.DecodePosition(start.Offset).String()}, err
}

// Begin reads where the log stands; with verify, in a snapshot of the same moment.
func (s *mysqlSetUp) Begin(ctx context.Context, report *preflight.Report, verify bool) (*Beginning, error) {
	if !verify {
		end, err := mysql.End(ctx, s.conn) // claim keeps this place, or a later one
		return &Beginning{Step: logStep(end), Close: func(context.Context) {}}, err
	}
	session := s.session("init")
	session.StatementTimeout = 0 // a large table takes its time
	region, err := s.open(ctx, session, func(t change.TableName) bool { return slices.Contains(report.Tables, t) })
	if err != nil {
		return nil, err
	}
	position, err := region.Begin(ctx)
	if err != nil {
		region.Close(ctx) //nolint:errcheck // the first error tells more
		return nil, err
	}
	return &Beginning{
		Step: logStep(position), Position: position, Baseline: region.Baseline,
		Undo:  func(context.Context) error { return nil },
		Close: func(ctx context.Context) { region.Close(ctx) }, //nolint:errcheck // it was only read from
	}, nil
}

func logStep(p change.Position) Step {
	return Step{Step: "log", Changed: true, Detail: fmt.Sprintf("from %s", mysql.DecodePosition(p.Offset))}
}

// Claim also keeps where capture begins, which counts as long as the region's topic tells no place.
func (s *mysqlSetUp) Claim(ctx context.Context) (n database.Node, claimed bool, err error) {
	n, claimed, err = mysql.Claim(ctx, s.conn, s.c.Cluster, s.c.Region)
	if err == nil {
		_, err = mysql.EnsureStart(ctx, s.conn)
	}
	return n, claimed, err
}
