package testserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/go-mysql-org/go-mysql/client"
)

// Flavor tells the two kindred servers apart.
type Flavor string

// The flavors, in go-mysql's words.
const (
	FlavorMySQL   Flavor = "mysql"   // 9.7
	FlavorMariaDB Flavor = "mariadb" // 10.11
)

// String is the server's name in messages.
func (f Flavor) String() string {
	if f == FlavorMariaDB {
		return "MariaDB"
	}
	return "MySQL"
}

// MySQLSuperuser is the account that every MySQL and MariaDB server here has from the start, without a
// password, over the socket and from 127.0.0.1.
const MySQLSuperuser = "root"

// MySQLOptions say how a MySQL or MariaDB server shall be. The zero value is one as safe as a real one
// (each commit is synced), and as replication needs it: binary log with GTIDs, full images and full
// metadata. server_id is the port.
type MySQLOptions struct {
	// Dir holds the server's files: data, log and socket. By default it's a new directory that Close
	// removes. A directory given here stays, and if it has data, the server runs on that.
	Dir  string
	Port int // on 127.0.0.1; 0 picks a free one
	// NoSync doesn't sync commits. It's for tests of what is right, not of how fast. Killing the server
	// still loses nothing. A Dir that isn't given is in memory, if that has room.
	NoSync bool
	// EncryptLog encrypts the binary log's files with a key below Dir.
	EncryptLog bool
	// Settings are lines for the option file, stronger than the ones from here. A name may be written
	// with - or _.
	Settings map[string]string
}

// MySQL is a MySQL or MariaDB server on loopback. Its methods are safe for use by several goroutines.
type MySQL struct {
	flavor    Flavor
	options   MySQLOptions // complete
	programs  mysqlPrograms
	owner     *account
	temporary bool // Close removes options.Dir
	life      lifecycle
}

// StartMySQL makes a MySQL server and returns when it takes connections. ctx limits the start only.
func StartMySQL(ctx context.Context, o MySQLOptions) (*MySQL, error) {
	return startMySQL(ctx, FlavorMySQL, o)
}

// StartMariaDB makes a MariaDB server and returns when it takes connections. ctx limits the start only.
func StartMariaDB(ctx context.Context, o MySQLOptions) (*MySQL, error) {
	return startMySQL(ctx, FlavorMariaDB, o)
}

func startMySQL(ctx context.Context, flavor Flavor, o MySQLOptions) (*MySQL, error) {
	programs, err := findMySQL(flavor)
	if err != nil {
		return nil, err
	}
	owner, err := unprivileged()
	if err != nil {
		return nil, err
	}
	m := &MySQL{flavor: flavor, options: o, programs: programs, owner: owner, temporary: o.Dir == ""}
	m.life.run = m.run
	err = m.place()
	if err == nil && o.EncryptLog {
		err = m.encryptLog()
	}
	if err == nil && !exists(m.DataDir()) {
		err = programs.newDataDir(ctx, m.DataDir(), owner)
	}
	if err == nil {
		err = m.startFirst(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", flavor, err), m.remove())
	}
	return m, nil
}

// place makes the directory.
func (m *MySQL) place() (err error) {
	o := &m.options
	if m.temporary {
		o.Dir, err = newDatabaseDir(string(m.flavor), m.owner, o.NoSync)
	} else if o.Dir, err = filepath.Abs(o.Dir); err == nil {
		err = makeDir(o.Dir, m.owner)
	}
	if err != nil {
		return err
	}
	return checkSocketPath(m.Socket(), "Dir")
}

// startFirst starts the server on the port asked for, or on a free one.
func (m *MySQL) startFirst(ctx context.Context) error {
	begin := func(ports []int) error {
		m.options.Port = ports[0]
		if err := m.configure(); err != nil {
			return err
		}
		return m.life.start(ctx)
	}
	if m.options.Port != 0 {
		return begin([]int{m.options.Port})
	}
	return withFreePorts(1, begin)
}

func (m *MySQL) run(ctx context.Context) (*process, error) {
	return start(ctx, command{
		name:    fmt.Sprintf("%s on port %d", m.flavor, m.options.Port),
		path:    m.programs.server,
		args:    []string{"--defaults-file=" + m.optionFile()},
		dir:     m.options.Dir,
		env:     append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC"),
		as:      m.owner,
		log:     m.LogPath(),
		ready:   "ready for connections",
		atDeath: syscall.SIGKILL,
	})
}

// Start starts the server again after Stop or Kill, on the same port.
func (m *MySQL) Start(ctx context.Context) error { return m.life.start(ctx) }

// Stop shuts the server down and returns when it has ended. When ctx ends first, it's an error, and the
// server goes on stopping.
func (m *MySQL) Stop(ctx context.Context) error { return m.life.stop(ctx, syscall.SIGTERM) }

// Restart is Stop and Start.
func (m *MySQL) Restart(ctx context.Context) error {
	if err := m.Stop(ctx); err != nil {
		return err
	}
	return m.Start(ctx)
}

// Kill ends the server by SIGKILL, as a loss of power would. It returns when it has ended.
func (m *MySQL) Kill() { m.life.kill() }

// Close ends the server for good, and removes its directory unless it was given. A second Close does
// nothing.
func (m *MySQL) Close() error {
	if !m.temporary { // whoever goes on with the data finds it in order
		ctx, cancel := context.WithTimeoutCause(context.Background(), stopPatience, errors.New("stopPatience"))
		defer cancel()
		_ = m.Stop(ctx)
	}
	if !m.life.close() {
		return nil
	}
	return m.remove()
}

func (m *MySQL) remove() error {
	if !m.temporary || m.options.Dir == "" {
		return nil
	}
	if err := os.RemoveAll(m.options.Dir); err != nil {
		return fmt.Errorf("files of a %s server: %w", m.flavor, err)
	}
	return nil
}

// CreateDatabase makes an empty database with the server's default character set.
func (m *MySQL) CreateDatabase(ctx context.Context, name string) error {
	conn, err := client.ConnectWithContext(ctx, m.Socket(), MySQLSuperuser, "", "", stopPatience)
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	defer conn.Close()
	if _, err := conn.Execute("CREATE DATABASE `" + strings.ReplaceAll(name, "`", "``") + "`"); err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

// Flavor says which server it is.
func (m *MySQL) Flavor() Flavor { return m.flavor }

// Host is the address of the server.
func (m *MySQL) Host() string { return "127.0.0.1" }

// Port is the TCP port of the server; it stays through restarts.
func (m *MySQL) Port() int { return m.options.Port }

// Addr is host and port.
func (m *MySQL) Addr() string { return loopback(m.options.Port) }

// Socket is the path of the Unix socket.
func (m *MySQL) Socket() string { return filepath.Join(m.options.Dir, "mysql.sock") }

// Dir holds the server's files.
func (m *MySQL) Dir() string { return m.options.Dir }

// DataDir is the server's data directory; the binary logs binlog.000001 and so on are in it.
func (m *MySQL) DataDir() string { return filepath.Join(m.options.Dir, "data") }

// LogPath is the file with the server's error log.
func (m *MySQL) LogPath() string { return filepath.Join(m.options.Dir, "log") }

// Logs is the server's error log so far.
func (m *MySQL) Logs() (string, error) {
	content, err := os.ReadFile(m.LogPath())
	if err != nil {
		return "", fmt.Errorf("log of %s: %w", m.flavor, err)
	}
	return string(content), nil
}

func (m *MySQL) optionFile() string { return filepath.Join(m.options.Dir, "my.cnf") }
