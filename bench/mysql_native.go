package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"bridge/internal/testserver"
)

// replica is MySQL's and MariaDB's own replication, by GTID.
type replica struct {
	flavor  testserver.Flavor
	workers int // threads that apply; MariaDB counts those beside the one that reads the relay log, 0 is none
}

func (r replica) Name() string {
	if r.flavor == testserver.FlavorMariaDB {
		return fmt.Sprintf("replica, slave_parallel_threads=%d", r.workers)
	}
	return fmt.Sprintf("replica, replica_parallel_workers=%d", r.workers)
}

func (r replica) Prepare(ctx context.Context, p *pair) error {
	from := p.source.(*mysqlServer).server
	statements := []string{
		fmt.Sprintf("SET GLOBAL replica_parallel_workers = %d", r.workers),
		fmt.Sprintf("CHANGE REPLICATION SOURCE TO SOURCE_HOST = '%s', SOURCE_PORT = %d, SOURCE_USER = '%s', SOURCE_AUTO_POSITION = 1",
			from.Host(), from.Port(), testserver.MySQLSuperuser),
	}
	if r.flavor == testserver.FlavorMariaDB {
		statements = []string{
			fmt.Sprintf("SET GLOBAL slave_parallel_threads = %d", r.workers),
			fmt.Sprintf("CHANGE MASTER TO MASTER_HOST = '%s', MASTER_PORT = %d, MASTER_USER = '%s', MASTER_USE_GTID = slave_pos",
				from.Host(), from.Port(), testserver.MySQLSuperuser),
		}
	}
	for _, sql := range statements {
		if err := p.target.run(ctx, sql); err != nil {
			return fmt.Errorf("set up the replica: %w", err)
		}
	}
	return nil
}

// statement gives START REPLICA and the like in the words of both.
func (r replica) statement(verb string) string {
	if r.flavor == testserver.FlavorMariaDB {
		return verb + " SLAVE"
	}
	return verb + " REPLICA"
}

func (r replica) Start(ctx context.Context, p *pair) (time.Time, error) {
	if err := p.target.run(ctx, r.statement("START")); err != nil {
		return time.Time{}, fmt.Errorf("start the replica: %w", err)
	}
	return p.WaitActive(ctx, "")
}

func (r replica) Stop(p *pair) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return p.target.run(ctx, r.statement("STOP"))
}

// state is what the replica says of itself when it delivers nothing.
func (r replica) state(ctx context.Context, p *pair) string {
	status, err := p.target.(*mysqlServer).One(ctx, "SHOW"+r.statement("")+" STATUS")
	if err != nil {
		return err.Error()
	}
	var all strings.Builder
	for _, row := range status.Rows {
		for i, v := range row {
			if text, ok := v.Text(); ok && strings.Contains(status.Columns[i], "Error") && text != "" {
				fmt.Fprintf(&all, "%s: %s\n", status.Columns[i], text)
			}
		}
	}
	return all.String()
}
