package main

import (
	"context"
	"fmt"
	"time"

	"bridge/internal/testserver"
)

// native is PostgreSQL's own publication and subscription. The apply worker commits asynchronously,
// which is its default and bridge's, too.
type native struct{ binary bool }

func (n native) Name() string {
	if n.binary {
		return "native binary"
	}
	return "native"
}

// slot names are the server's, so each measurement has its own.
func (native) slot(p *pair) string { return "native_" + p.name }

func (n native) Prepare(ctx context.Context, p *pair) error {
	source, target := p.postgres()
	if _, err := source.Exec(ctx, "CREATE PUBLICATION native FOR ALL TABLES"); err != nil {
		return fmt.Errorf("native publication: %w", err)
	}
	if _, err := source.Exec(ctx, "SELECT pg_create_logical_replication_slot($1, 'pgoutput')", n.slot(p)); err != nil {
		return fmt.Errorf("native slot: %w", err)
	}
	from := source.server
	_, err := target.Exec(ctx, fmt.Sprintf(`CREATE SUBSCRIPTION %s CONNECTION 'host=%s port=%d dbname=%s user=%s'
		PUBLICATION native WITH (create_slot = false, enabled = false, copy_data = false, binary = %t)`,
		n.slot(p), from.SocketDir(), from.Port(), p.name, testserver.Superuser, n.binary))
	if err != nil {
		return fmt.Errorf("native subscription: %w", err)
	}
	return nil
}

func (n native) Start(ctx context.Context, p *pair) (time.Time, error) {
	if err := p.target.run(ctx, fmt.Sprintf("ALTER SUBSCRIPTION %s ENABLE", n.slot(p))); err != nil {
		return time.Time{}, fmt.Errorf("native subscription: %w", err)
	}
	return p.WaitActive(ctx, n.slot(p))
}

func (n native) Stop(p *pair) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, statement := range []string{"ALTER SUBSCRIPTION %s DISABLE", "ALTER SUBSCRIPTION %s SET (slot_name = NONE)", "DROP SUBSCRIPTION %s"} {
		if err := p.target.run(ctx, fmt.Sprintf(statement, n.slot(p))); err != nil {
			return fmt.Errorf("drop native subscription: %w", err)
		}
	}
	return nil
}
