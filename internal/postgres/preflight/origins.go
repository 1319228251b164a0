package preflight

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"bridge/internal/postgres"
)

// origins checks what it takes to leave applied rows out of what bridge reads.
func (c *checker) origins(ctx context.Context) error {
	switch v := postgres.MajorVersion(c.conn); {
	case c.SkipApplied == 0:
		return nil
	case v < postgres.OriginServer:
		c.add(Note, "server", fmt.Sprintf("PostgreSQL %d can't leave applied rows out of the log that bridge reads: database.skip_applied does nothing", v), "")
		return nil
	}
	others, err := postgres.OtherOrigins(ctx, c.conn)
	if err != nil {
		return err
	}
	for _, name := range others {
		text, fix := postgres.WhenOthers(name)
		c.add(Error, "server", text, fix)
	}
	if err := c.originFunctions(ctx); err != nil {
		return err
	}
	return c.originRoom(ctx)
}

func (c *checker) originFunctions(ctx context.Context) error {
	return c.each(ctx, func(row pgx.CollectableRow) error {
		var function string
		if err := row.Scan(&function); err != nil {
			return err
		}
		c.add(Error, "role "+c.role, "may not use replication origins, as database.skip_applied needs",
			"GRANT EXECUTE ON FUNCTION pg_catalog."+function+" TO "+postgres.Quote(c.role)+";")
		return nil
	}, `SELECT oid::regprocedure::text FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY ($1) AND NOT has_function_privilege(oid, 'EXECUTE') ORDER BY 1`, postgres.OriginFunctions)
}

// originRoom checks that the server can keep enough origins.
func (c *checker) originRoom(ctx context.Context) error {
	var setting string
	var limit, others int
	err := c.conn.QueryRow(ctx, `
SELECT name, setting::int, (SELECT count(*) FROM pg_replication_origin o JOIN pg_database d ON d.datname = current_database()
                            WHERE o.roname !~ ('^bridge_' || d.oid || '_'))
FROM pg_settings WHERE name IN ('max_active_replication_origins', 'max_replication_slots') ORDER BY name LIMIT 1`).Scan(&setting, &limit, &others)
	if err == nil && limit < others+c.SkipApplied {
		c.add(Error, "server", fmt.Sprintf("%s = %d leaves no room for the %d replication origins that database.skip_applied needs, beside %d others", setting, limit, c.SkipApplied, others),
			fmt.Sprintf("ALTER SYSTEM SET %s = %d; and restart the server", setting, others+c.SkipApplied))
	}
	return err
}
