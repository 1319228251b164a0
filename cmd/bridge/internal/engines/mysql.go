package engines

import (
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"bridge/change"
	"bridge/cmd/bridge/internal/settings"
	"bridge/cmd/bridge/internal/shell"
	comparemysql "bridge/compare/mysql"
	"bridge/config"
	enginemysql "bridge/engine/mysql"
	"bridge/internal/mysql"
	mypreflight "bridge/internal/mysql/preflight"
	"bridge/internal/preflight"
	"bridge/node"
)

// mysqlDatabase is a region's MySQL or MariaDB server.
type mysqlDatabase struct{ c *config.Config }

// server translates the configuration's database.
func (d mysqlDatabase) server() (mysql.Server, error) {
	db := &d.c.Database
	s := mysql.Server{
		Host: db.Host, Port: db.Port, User: db.User, Password: db.Password.Reveal(),
		SSLMode: db.SSLMode, CAFile: db.TLS.CAFile, CertFile: db.TLS.CertFile, KeyFile: db.TLS.KeyFile, ServerName: db.TLS.ServerName,
		ConnectTimeout: db.ConnectTimeout.Std(),
	}
	if text := db.URL.Reveal(); text != "" {
		if err := readMySQLURL(text, &s); err != nil {
			return s, shell.Usage(err)
		}
	}
	if strings.HasPrefix(s.Host, "/") {
		s.Host, s.Socket = "", s.Host
	}
	return s, nil
}

// readMySQLURL takes mysql://user:password@host:3306/database?sslmode=required. Errors don't show it: it may hold a
// password.
func readMySQLURL(text string, s *mysql.Server) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "mysql" && u.Scheme != "mariadb" {
		return errors.New("database.url isn't of the form mysql://user@host:3306/database")
	}
	s.Host = u.Hostname()
	if port := u.Port(); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return errors.New("database.url: its port isn't a number below 65536")
		}
		s.Port = uint16(n)
	}
	s.User = u.User.Username()
	if password, has := u.User.Password(); has && s.Password == "" {
		s.Password = password
	}
	for key, values := range u.Query() {
		target, known := map[string]*string{
			"sslmode": &s.SSLMode, "ssl-mode": &s.SSLMode, "sslrootcert": &s.CAFile, "ssl-ca": &s.CAFile,
			"sslcert": &s.CertFile, "ssl-cert": &s.CertFile, "sslkey": &s.KeyFile, "ssl-key": &s.KeyFile,
		}[key]
		if !known {
			return errors.New("database.url: unknown parameter " + strconv.Quote(key))
		}
		*target = values[0]
	}
	return nil
}

// connect opens a connection for a command; the role names it to the server.
func (d mysqlDatabase) connect(ctx context.Context, role string) (*mysql.Conn, error) {
	server, err := d.server()
	if err != nil {
		return nil, err
	}
	conn, err := server.Connect(ctx, d.session(role))
	if err != nil {
		return nil, shell.Environment(err)
	}
	return conn, nil
}

func (d mysqlDatabase) session(role string) mysql.Session {
	return mysql.Session{Name: sessionName(d.c, role), StatementTimeout: d.c.Database.StatementTimeout.Std(), LockTimeout: d.c.Database.LockTimeout.Std()}
}

func (d mysqlDatabase) Engine() (node.Engine, error) {
	c := d.c
	server, err := d.server()
	if err != nil {
		return nil, err
	}
	b, err := settings.TranslationOf(c)
	if err != nil {
		return nil, err
	}
	return enginemysql.New(enginemysql.Config{
		Server: server, Cluster: c.Cluster, Region: c.Region, ServerID: c.Database.ServerID, SpillDir: c.SpillDir(os.TempDir()),
		StatementTimeout: c.Database.StatementTimeout.Std(), LockTimeout: c.Database.LockTimeout.Std(),
		Selected: settings.Selected(c), Names: b.Names, Others: b.Others, Policy: b.Policy,
	}), nil
}

func (d mysqlDatabase) preflightSettings() (mypreflight.Settings, error) {
	c := d.c
	policy, err := settings.ValuePolicy(c)
	if err != nil {
		return mypreflight.Settings{}, err
	}
	names, err := settings.Names(c)
	if err != nil {
		return mypreflight.Settings{}, err
	}
	rules, err := settings.LocalRules(c)
	return mypreflight.Settings{
		Cluster: c.Cluster, Region: c.Region, Regions: settings.Regions(c),
		Connections: c.Database.ApplyConnections + ownConnections,
		Selected:    settings.Selected(c), Others: settings.OtherEngines(c), Policy: policy, Rules: rules, Policies: settings.Policies(c), NextPolicies: settings.NextPolicies(c), Names: names,
		AllowTrigger: func(t change.TableName, trigger string) bool {
			return slices.Contains(c.Tables.AllowTriggers, t.String()+"."+trigger)
		},
	}, err
}

func (d mysqlDatabase) Check(ctx context.Context) (*preflight.Report, error) {
	conn, err := d.connect(ctx, "check")
	if err != nil {
		return &preflight.Report{Findings: []preflight.Finding{d.unreachable(err)}}, nil
	}
	defer conn.Close()
	settings, err := d.preflightSettings()
	if err != nil {
		return nil, err
	}
	return mypreflight.Run(ctx, conn, settings)
}

func (mysqlDatabase) unreachable(err error) preflight.Finding {
	f := preflight.Failure("database", err)
	if mysql.IsError(err, 1045, 1698, 3118, 4151) { // access denied; the account is locked
		f.Fix = `check user and password; "bridge grants" prints how to create the account`
	} else if mysql.Classify(err) == mysql.Retry {
		f.Fix = "check address, port and firewall, and that the server runs"
	}
	return f
}

func (d mysqlDatabase) Grants(to io.Writer) error {
	server, err := d.server()
	if err != nil {
		return err
	}
	return mysql.Grants{User: server.User, Include: expressions(d.c.Tables.Include), Exclude: expressions(d.c.Tables.Exclude)}.Write(to)
}

func (d mysqlDatabase) OperatorGrants(to io.Writer, role string, readOnly bool) error {
	return mysql.Grants{User: role, Include: expressions(d.c.Tables.Include), Exclude: expressions(d.c.Tables.Exclude)}.WriteOperator(to, readOnly)
}

func (d mysqlDatabase) Region(ctx context.Context, role string) (Compared, error) {
	r, err := d.open(ctx, d.session(role), settings.Selected(d.c))
	if err != nil {
		return nil, shell.Environment(err)
	}
	return r, nil
}

func (d mysqlDatabase) open(ctx context.Context, session mysql.Session, selected func(change.TableName) bool) (*comparemysql.Region, error) {
	server, err := d.server()
	if err != nil {
		return nil, err
	}
	b, err := settings.TranslationOf(d.c)
	if err != nil {
		return nil, err
	}
	return comparemysql.Open(ctx, d.c.Region, server, session, b.Compared(selected))
}

func (d mysqlDatabase) Running(ctx context.Context) (bool, error) {
	conn, err := d.connect(ctx, "check")
	if err != nil {
		return false, err
	}
	defer conn.Close()
	return enginemysql.Led(ctx, conn)
}

func (d mysqlDatabase) Stored(ctx context.Context) (*Stored, error) {
	conn, err := d.connect(ctx, "status")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	s := &Stored{Applied: map[string]uint64{}}
	end, err := mysql.End(ctx, conn)
	if err != nil {
		return nil, err
	}
	s.LogEnd = mysql.DecodePosition(end.Offset).String()
	err = conn.Query(ctx, "SELECT origin, max(seq) FROM bridge.progress GROUP BY 1", func(row change.Image) error {
		origin, _ := row[0].Text()
		text, _ := row[1].Text()
		seq, err := strconv.ParseUint(text, 10, 64)
		s.Applied[origin] = seq
		return err
	})
	return s, err
}
