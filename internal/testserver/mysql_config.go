package testserver

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// configure writes the server's option file, whole, so that data from an earlier run get the new port
// and settings.
func (m *MySQL) configure() error {
	if err := os.WriteFile(m.optionFile(), []byte(m.settings()), 0o644); err != nil {
		return fmt.Errorf("option file of %s: %w", m.flavor, err)
	}
	return nil
}

func (m *MySQL) settings() string {
	all := map[string]string{
		"datadir":                 m.DataDir(),
		"tmpdir":                  m.options.Dir, // a server that starts clears it, also of another one's temporary tables
		"socket":                  m.Socket(),
		"pid_file":                m.DataDir() + "/server.pid",
		"bind_address":            m.Host(),
		"port":                    strconv.Itoa(m.options.Port),
		"server_id":               strconv.Itoa(m.options.Port),
		"log_bin":                 "binlog",
		"binlog_row_image":        "FULL",
		"binlog_row_metadata":     "FULL",
		"max_connections":         "200",
		"skip_name_resolve":       "ON", // accounts name addresses
		"secure_file_priv":        "",
		"performance_schema":      "OFF", // it alone would take 200 MB
		"innodb_buffer_pool_size": "64M",
		"innodb_flush_method":     "fsync",
		"character_set_server":    "utf8mb4",
	}
	maps.Copy(all, m.programs.settings)
	if m.flavor == FlavorMariaDB {
		all["binlog_format"] = "ROW" // as is MySQL's without a setting
		all["log_slave_updates"] = "ON"
		all["gtid_strict_mode"] = "ON"
	} else {
		all["gtid_mode"] = "ON"
		all["enforce_gtid_consistency"] = "ON"
		all["mysqlx"] = "OFF"
		all["innodb_redo_log_capacity"] = "64M"
	}
	if m.options.NoSync { // the operating system has what is committed, the disk hasn't
		all["sync_binlog"] = "0"
		all["innodb_flush_log_at_trx_commit"] = "2"
	}
	for name, value := range m.options.Settings {
		all[strings.ReplaceAll(name, "-", "_")] = value
	}
	var file strings.Builder
	file.WriteString("[mysqld]\n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&file, "%s = %s\n", name, all[name])
	}
	return file.String()
}
