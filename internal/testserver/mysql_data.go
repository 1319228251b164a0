package testserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// mysqlPrograms is an installation of one of the two servers.
type mysqlPrograms struct {
	flavor   Flavor
	server   string            // the server's program
	share    string            // MariaDB: directory of the scripts that make the system tables, and what their names begin with
	plugins  string            // MariaDB: the plugins' directory, under a cache
	settings map[string]string // what the server must be told to find its own files
}

// findMySQL finds the server's program, or tells which component to set up.
func findMySQL(flavor Flavor) (mysqlPrograms, error) {
	if flavor == FlavorMariaDB {
		return findMariaDB(os.Getenv("BRIDGE_MARIADB"))
	}
	prefix, err := inCaches("mysql/usr", "MySQL", "mysql")
	if err != nil {
		return mysqlPrograms{}, err
	}
	return mysqlPrograms{flavor: flavor, server: filepath.Join(prefix, "sbin/mysqld"), settings: map[string]string{
		"lc_messages_dir":    filepath.Join(prefix, "share/mysql"),
		"character_sets_dir": filepath.Join(prefix, "share/mysql/charsets"),
		"plugin_dir":         filepath.Join(prefix, "lib/mysql/plugin"),
	}}, nil
}

// findMariaDB finds the MariaDB of a major version; empty is the one that the machine's own packages have.
func findMariaDB(version string) (mysqlPrograms, error) {
	switch version {
	case "":
		p := mysqlPrograms{flavor: FlavorMariaDB, server: "/usr/sbin/mariadbd", share: "/usr/share/mysql/mysql", plugins: "mariadb/usr/lib/mysql/plugin"}
		if !exists(p.server) {
			return p, fmt.Errorf("MariaDB isn't in %s: run scripts/setup mariadb", p.server)
		}
		return p, nil
	case "11":
		prefix, err := inCaches("mariadb-11/usr", "MariaDB 11", "mariadb-11")
		return mysqlPrograms{flavor: FlavorMariaDB, server: filepath.Join(prefix, "sbin/mariadbd"), share: filepath.Join(prefix, "share/mariadb/mariadb"),
			plugins: "mariadb-11/usr/lib/mysql/plugin", settings: map[string]string{
				"lc_messages_dir":    filepath.Join(prefix, "share/mariadb"),
				"character_sets_dir": filepath.Join(prefix, "share/mariadb/charsets"),
			}}, err
	}
	return mysqlPrograms{}, fmt.Errorf("BRIDGE_MARIADB=%s isn't a version that scripts/setup brings beside the machine's own: 11", version)
}

// newDataDir makes a new data directory. It's copied from a template, which is faster than making it.
// MySQL gives itself a new server_uuid where auto.cnf is missing.
func (p mysqlPrograms) newDataDir(ctx context.Context, dir string, owner *account) error {
	version, err := exec.CommandContext(ctx, p.server, "--no-defaults", "--version").Output()
	if err != nil {
		return fmt.Errorf("version of %s: %w", p.server, errors.Join(err, context.Cause(ctx)))
	}
	// "/usr/sbin/mysqld  Ver 9.7.0-2 for Linux on x86_64 ((Debian))"
	_, after, _ := strings.Cut(string(version), " Ver ")
	words := strings.Fields(after)
	if len(words) == 0 {
		return fmt.Errorf("version of %s is unreadable: %q", p.server, version)
	}
	from, err := template(string(p.flavor)+"-data-"+words[0], owner, func(dir string) error {
		return p.initialize(ctx, dir, owner)
	})
	if err != nil {
		return err
	}
	if err := copyTree(from, dir, owner, "auto.cnf"); err != nil {
		return fmt.Errorf("copy of the template %s: %w", from, err)
	}
	return nil
}

// rootFromLoopback gives the superuser its second account; the first is for the socket.
const rootFromLoopback = `CREATE USER IF NOT EXISTS 'root'@'127.0.0.1';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'127.0.0.1' WITH GRANT OPTION;
`

// initialize makes the data directory with the system tables, whose parent exists and is the owner's.
func (p mysqlPrograms) initialize(ctx context.Context, dir string, owner *account) error {
	args := []string{"--no-defaults", "--datadir=" + dir, "--innodb-buffer-pool-size=32M"}
	for name, value := range p.settings {
		args = append(args, "--"+strings.ReplaceAll(name, "_", "-")+"="+value)
	}
	if p.flavor == FlavorMySQL {
		script := filepath.Join(filepath.Dir(dir), "init.sql")
		if err := os.WriteFile(script, []byte(rootFromLoopback), 0o644); err != nil {
			return fmt.Errorf("script for MySQL: %w", err)
		}
		args = append(args, "--initialize-insecure", "--init-file="+script, "--innodb-redo-log-capacity=8M", "--mysqlx=OFF")
		return run(ctx, owner, p.server, args...)
	}
	// What mariadb-install-db does: it itself is in a package that also brings a service.
	script := []byte("CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n")
	for _, name := range []string{"_system_tables", "_performance_tables", "_system_tables_data", "_sys_schema"} {
		part, err := os.ReadFile(p.share + name + ".sql")
		if err != nil {
			return fmt.Errorf("MariaDB's system tables: %w: run scripts/setup mariadb", err)
		}
		script = append(append(script, part...), '\n')
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if err := owner.own(dir); err != nil {
		return err
	}
	args = append(args, "--bootstrap", "--log-warnings=0", "--enforce-storage-engine=", "--max-allowed-packet=8M",
		"--net-buffer-length=16K", "--innodb-log-file-size=8M")
	return runWithInput(ctx, owner, script, p.server, args...)
}
