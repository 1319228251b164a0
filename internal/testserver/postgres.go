package testserver

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// Superuser is the role that every PostgreSQL server here has from the start.
const Superuser = "postgres"

// PostgresOptions say how a PostgreSQL server shall be. The zero value is a server of version 15 as
// safe as a real one: fsync on.
type PostgresOptions struct {
	Version int // 15 (the default) or 18
	// Dir holds the server's files: data, log and sockets. By default it's a new directory that Close
	// removes. A directory given here stays, and if it has a cluster, the server runs on that.
	Dir       string
	SocketDir string // default: Dir
	Port      int    // on 127.0.0.1; 0 picks a free one
	// NoSync turns fsync off. It's for tests of what is right, not of how fast: a commit then costs
	// less than it does in earnest. Killing the server still loses nothing. A Dir that isn't given is in memory, if that
	// has room.
	NoSync bool
	// HostAuth is the authentication method over TCP: "trust" (the default) or "scram-sha-256". Over
	// the socket everybody is trusted.
	HostAuth string
	Settings map[string]string // lines for postgresql.conf, stronger than the ones from here
}

// Postgres is a PostgreSQL server on loopback. Its methods are safe for use by several goroutines.
type Postgres struct {
	options   PostgresOptions // complete
	bin       string
	owner     *account
	temporary bool // Close removes options.Dir
	life      lifecycle
}

// StopMode is how PostgreSQL is told to stop.
type StopMode int

// The modes of stopping, in PostgreSQL's terms.
const (
	Fast      StopMode = iota // roll back, write a checkpoint, wait for walsenders to have sent all
	Immediate                 // as in a crash, but told: recovery at the next start
)

// StartPostgres makes a PostgreSQL server and returns when it takes connections. ctx limits the start
// only.
func StartPostgres(ctx context.Context, o PostgresOptions) (*Postgres, error) {
	o = o.withDefaults()
	bin, err := postgresBin(o.Version)
	if err != nil {
		return nil, err
	}
	owner, err := unprivileged()
	if err != nil {
		return nil, err
	}
	p := &Postgres{options: o, bin: bin, owner: owner, temporary: o.Dir == ""}
	p.life.run = p.run
	err = p.place()
	if err == nil && !exists(p.dataDir()) {
		err = newDataDir(ctx, bin, p.dataDir(), owner)
	}
	if err == nil {
		err = p.startFirst(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("PostgreSQL %d: %w", o.Version, err), p.remove())
	}
	return p, nil
}

func (o PostgresOptions) withDefaults() PostgresOptions {
	if o.Version == 0 {
		o.Version = 15
	}
	if o.HostAuth == "" {
		o.HostAuth = "trust"
	}
	return o
}

// place makes the directories.
func (p *Postgres) place() (err error) {
	o := &p.options
	if p.temporary {
		o.Dir, err = newDatabaseDir("postgresql", p.owner, o.NoSync)
	} else if o.Dir, err = filepath.Abs(o.Dir); err == nil {
		err = makeDir(o.Dir, p.owner)
	}
	if err != nil {
		return err
	}
	if o.SocketDir == "" {
		o.SocketDir = o.Dir
	}
	return checkSocketPath(p.socketPath(65535), "SocketDir")
}

// startFirst starts the server on the port asked for, or on a free one.
func (p *Postgres) startFirst(ctx context.Context) error {
	begin := func(ports []int) error {
		p.options.Port = ports[0]
		if err := p.configure(); err != nil {
			return err
		}
		return p.life.start(ctx)
	}
	if p.options.Port != 0 {
		return begin([]int{p.options.Port})
	}
	return withFreePorts(1, begin)
}

func (p *Postgres) run(ctx context.Context) (*process, error) {
	return start(ctx, command{
		name:    fmt.Sprintf("PostgreSQL %d on port %d", p.options.Version, p.options.Port),
		path:    filepath.Join(p.bin, "postgres"),
		args:    []string{"-D", p.dataDir()},
		dir:     p.options.Dir,
		env:     append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC"),
		as:      p.owner,
		log:     p.LogPath(),
		ready:   "database system is ready to accept connections",
		atDeath: syscall.SIGQUIT, // an immediate stop; at SIGKILL busy children would go on
	})
}

// Start starts the server again after Stop or Kill, on the same port.
func (p *Postgres) Start(ctx context.Context) error { return p.life.start(ctx) }

// Stop stops the server and returns when all of its processes have ended. A fast stop waits for
// walsenders whose client doesn't read; when ctx ends first, it's an error, and the server goes on
// stopping.
func (p *Postgres) Stop(ctx context.Context, mode StopMode) error {
	if mode == Immediate {
		return p.life.stop(ctx, syscall.SIGQUIT)
	}
	return p.life.stop(ctx, syscall.SIGINT)
}

// Restart is Stop and Start.
func (p *Postgres) Restart(ctx context.Context, mode StopMode) error {
	if err := p.Stop(ctx, mode); err != nil {
		return err
	}
	return p.Start(ctx)
}

// Kill ends all of the server's processes by SIGKILL, as a loss of power would. It returns when they
// have ended.
func (p *Postgres) Kill() { p.life.kill() }

// Close ends the server for good, and removes its directory unless it was given. A second Close does
// nothing.
func (p *Postgres) Close() error {
	mode := Immediate // killing it would leave its shared memory behind
	if !p.temporary {
		mode = Fast // whoever goes on with the cluster finds one that needs no recovery
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), stopPatience, errors.New("stopPatience"))
	defer cancel()
	_ = p.Stop(ctx, mode)
	if !p.life.close() {
		return nil
	}
	return p.remove()
}

func (p *Postgres) remove() error {
	if !p.temporary || p.options.Dir == "" {
		return nil
	}
	if err := os.RemoveAll(p.options.Dir); err != nil {
		return fmt.Errorf("files of a PostgreSQL server: %w", err)
	}
	return nil
}

// CreateDatabase makes an empty database.
func (p *Postgres) CreateDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, p.SocketDSN("postgres", Superuser))
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	if err := errors.Join(err, conn.Close(ctx)); err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return nil
}

// Host is the address of the server.
func (p *Postgres) Host() string { return "127.0.0.1" }

// Port is the TCP port of the server; it stays through restarts.
func (p *Postgres) Port() int { return p.options.Port }

// Addr is host and port.
func (p *Postgres) Addr() string { return loopback(p.options.Port) }

// DSN is the URL of a database over TCP.
func (p *Postgres) DSN(database, user string) string {
	return p.DSNThrough(p.Addr(), database, user)
}

// DSNThrough is the URL of a database by way of another address, such as a [Proxy]'s.
func (p *Postgres) DSNThrough(addr, database, user string) string {
	u := url.URL{Scheme: "postgres", User: url.User(user), Host: addr, Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// SocketDSN is the URL of a database over the Unix socket.
func (p *Postgres) SocketDSN(database, user string) string {
	query := url.Values{"host": {p.options.SocketDir}, "port": {strconv.Itoa(p.options.Port)}}
	u := url.URL{Scheme: "postgres", User: url.User(user), Path: "/" + database, RawQuery: query.Encode()}
	return u.String()
}

// SocketDir is the directory of the Unix socket.
func (p *Postgres) SocketDir() string { return p.options.SocketDir }

// Bin is the path of one of the programs that came with the server, such as pgbench.
func (p *Postgres) Bin(program string) string { return filepath.Join(p.bin, program) }

// Version is the server's major version.
func (p *Postgres) Version() int { return p.options.Version }

// LogPath is the file with the server's log.
func (p *Postgres) LogPath() string { return filepath.Join(p.options.Dir, "log") }

// Logs is the server's log so far.
func (p *Postgres) Logs() (string, error) {
	content, err := os.ReadFile(p.LogPath())
	if err != nil {
		return "", fmt.Errorf("log of PostgreSQL: %w", err)
	}
	return string(content), nil
}

func (p *Postgres) dataDir() string { return filepath.Join(p.options.Dir, "data") }

func (p *Postgres) socketPath(port int) string {
	return filepath.Join(p.options.SocketDir, ".s.PGSQL."+strconv.Itoa(port))
}
