package testserver

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// configure writes the server's configuration, whole, so that a cluster from an earlier run gets the
// new one's port and settings.
func (p *Postgres) configure() error {
	files := map[string]string{
		"postgresql.conf": p.settings(),
		"pg_hba.conf":     p.authentication(),
	}
	for name, content := range files {
		path := filepath.Join(p.dataDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return fmt.Errorf("configuration of PostgreSQL: %w", err)
		}
	}
	return nil
}

func (p *Postgres) settings() string {
	all := map[string]string{
		"listen_addresses":        p.Host(),
		"port":                    strconv.Itoa(p.options.Port),
		"unix_socket_directories": p.options.SocketDir,
		"wal_level":               "logical",
		"max_wal_senders":         "50",
		"max_replication_slots":   "50",
		"max_connections":         "200",
		"shared_buffers":          "128MB",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"lc_messages":             "C", // the log is read
		"log_line_prefix":         "%m [%p] %q%u@%d %a ",
		"password_encryption":     "scram-sha-256",
	}
	if p.options.NoSync {
		all["fsync"] = "off"
	}
	if p.options.Version >= 18 { // before, it's max_replication_slots
		all["max_active_replication_origins"] = "200"
	}
	maps.Copy(all, p.options.Settings)
	var conf strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&conf, "%s = '%s'\n", name, strings.ReplaceAll(all[name], "'", "''"))
	}
	return conf.String()
}

func (p *Postgres) authentication() string {
	return fmt.Sprintf(`local all,replication all trust
host all,replication all 127.0.0.1/32 %s
`, p.options.HostAuth)
}
