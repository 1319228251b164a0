package postgres

import (
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"bridge/capture"
	"bridge/change"
	"bridge/internal/postgres"
)

// Config says which log to read, and from where. Zero values stand for the defaults named here.
type Config struct {
	// Server is the database. A Unix socket reads the log 1.6 times as fast as TCP on the same machine.
	Server postgres.Server
	// Name is the connections' application_name. Default "bridge".
	Name string
	// Slot and Publication exist already: "bridge init" makes them.
	Slot, Publication string
	// Start is where to go on: the Position of the last event that is dealt with. Its transaction
	// doesn't come again. The zero Position starts where the slot is confirmed.
	Start change.Position

	// Outward is how rows go to the other regions.
	Outward capture.Outward

	// SkipApplied has the server leave out what was written under a replication origin, if it's new enough: rows that bridge applied with
	// apply/postgres.Target.SkipApplied. It's refused while anybody else has an origin.
	SkipApplied bool

	// Synchronous reports whether commits wait for synchronous standbys; nil is never. It's asked often.
	Synchronous func() bool

	// WorkMem is logical_decoding_work_mem for this connection: transactions beyond it are streamed
	// before their commit. Default "8MB", which lets the first event behind a large transaction come
	// 50 times sooner than sending it whole at its commit.
	WorkMem string
	// SpillMemory is how many bytes of streamed transactions are kept in memory. Default 16 MiB.
	SpillMemory int64
	// SpillDir is where the rest of them goes, into files that vanish with the process. Default
	// os.TempDir().
	SpillDir string
	// IdleInterval is how often Idle events come at most. Default 1 s.
	IdleInterval time.Duration
}

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = "bridge"
	}
	if c.WorkMem == "" {
		c.WorkMem = "8MB"
	}
	if c.SpillMemory == 0 {
		c.SpillMemory = 16 << 20
	}
	if c.SpillDir == "" {
		c.SpillDir = os.TempDir()
	}
	if c.IdleInterval == 0 {
		c.IdleInterval = time.Second
	}
	return c
}

// connections are the settings of the two sessions. Both print values alike: what one completes, the
// other began.
func (c Config) connections() (replication, ordinary *pgx.ConnConfig, err error) {
	settings := map[string]string{
		"quote_all_identifiers": "off", // the text of regclass and its like
	}
	ordinary, err = c.Server.Config(postgres.Session{Name: c.Name, Settings: settings})
	if err != nil {
		return nil, nil, fmt.Errorf("capture: %w", err)
	}
	settings["logical_decoding_work_mem"] = c.WorkMem
	replication, err = c.Server.Config(postgres.Session{Name: c.Name, Replication: true, Settings: settings})
	if err != nil {
		return nil, nil, fmt.Errorf("capture: %w", err)
	}
	return replication, ordinary, nil
}

// pluginOptions are pgoutput's. Its text format is the one that both sides agree on bit for bit.
func (c Config) pluginOptions(server int) []string {
	options := []string{
		"proto_version '2'",
		"streaming 'on'",
		"messages 'true'",
		"publication_names " + postgres.Literal(postgres.Quote(c.Publication)),
	}
	if c.SkipApplied && server >= postgres.OriginServer {
		options = append(options, "origin 'none'")
	}
	return options
}
