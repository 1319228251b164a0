package config

import (
	"path"
	"time"
)

// Config is the file. The comments of its fields are also the text of docs/configuration.md.
type Config struct {
	// Name of the mesh of regions. The same in every region; part of the topics' names. Lower-case
	// letters, digits, "_" and "-", at most 32.
	Cluster string `yaml:"cluster"`
	// Name of this region, one of `regions`. The database remembers it: another region's bridge is
	// refused. The same alphabet as `cluster`.
	Region string `yaml:"region"`
	// This region's database.
	Database Database `yaml:"database"`
	// The Kafka that all regions share, unless a region under `regions` names its own.
	Kafka Kafka `yaml:"kafka"`
	// All members of the cluster, this region among them; the same list in every region's file. A
	// region whose topic is on another Kafka has its own `kafka` block there (with all that it needs:
	// nothing is taken over from the shared one). Example: `{eu: {}, us: {}}`.
	Regions map[string]Region `yaml:"regions"`
	// Which tables are replicated.
	Tables Tables `yaml:"tables"`
	// How conflicting writes are decided.
	Conflicts Conflicts `yaml:"conflicts"`
	// Memory for operations that not every region has seen yet.
	History History `yaml:"history"`
	// Health, metrics and status.
	HTTP HTTP `yaml:"http"`
	// Logging, to standard error.
	Log Log `yaml:"log"`
	// How often an idle region tells the others what it has seen. They can't forget operations before
	// they know that.
	Heartbeat Duration `yaml:"heartbeat"`
	// Directory for the spill files of large transactions; empty is the system's temporary directory.
	// Needs room for the largest transactions, and nothing in it outlives the process.
	DataDir string `yaml:"data_dir"`
}

// Database is a region's database: either url, or host and the fields below it.
type Database struct {
	// `postgres`, `mysql` or `mariadb`.
	Engine string `yaml:"engine"`
	// Connection string, `postgres://user@host:5432/dbname?sslmode=verify-full` or
	// `mysql://user@host:3306/dbname?sslmode=verify_identity` (also for MariaDB), in place of the fields
	// from `host` to `sslmode` and of `tls`. Its password is better set with `password_file`.
	URL ConnString `yaml:"url"`
	// Host name or address, or a Unix socket: with PostgreSQL its directory, such as `/var/run/postgresql`,
	// with MySQL and MariaDB its file, such as `/run/mysqld/mysqld.sock`. On the database's own machine
	// use the socket: it reads PostgreSQL's log 1.6 times as fast as TCP.
	Host string `yaml:"host"`
	// TCP port, or, with PostgreSQL, the number in the socket's name.
	Port uint16 `yaml:"port"`
	// Name of the database. A region of MySQL or MariaDB is the whole server: there it only says which
	// tables are replicated when `tables.include` doesn't.
	DBName string `yaml:"dbname"`
	// Role to connect as; `bridge grants` prints what it needs.
	User string `yaml:"user"`
	// Password. Better: `password_file`, or `${file:/run/secrets/...}`.
	Password Secret `yaml:"password"`
	// File that holds the password; a newline at its end is dropped.
	PasswordFile string `yaml:"password_file"`
	// `disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full` (MySQL's words are taken,
	// too); empty is `prefer`. Only the last two protect against someone in between.
	SSLMode string `yaml:"sslmode"`
	// Files for TLS.
	TLS DatabaseTLS `yaml:"tls"`
	// MySQL and MariaDB: the server_id under which bridge reads the log, unlike those of the server and
	// its replicas; 0 derives one from cluster and region.
	ServerID uint32 `yaml:"server_id"`
	// PostgreSQL: the logical replication slot, made by `bridge init`. bridge never drops it.
	Slot string `yaml:"slot"`
	// PostgreSQL 17 and later: have standbys keep a copy of the slot, so that a failover keeps it.
	FailoverSlot bool `yaml:"failover_slot"`
	// PostgreSQL: the publication of the replicated tables and of bridge.progress.
	Publication string `yaml:"publication"`
	// PostgreSQL 16 and later: have the server leave the rows that bridge applied out of what bridge reads. It's then spared
	// about a third of its work. No subscription may write to this database, nor anything else that uses replication
	// origins: what these write wouldn't reach the other regions, so bridge refuses them. `bridge grants` prints what it needs.
	SkipApplied bool `yaml:"skip_applied"`
	// Connections that apply the other regions' transactions, 1 to 64.
	ApplyConnections int `yaml:"apply_connections"`
	// Limit for making a connection.
	ConnectTimeout Duration `yaml:"connect_timeout"`
	// Limit for one statement of bridge's; 0s is none.
	StatementTimeout Duration `yaml:"statement_timeout"`
	// How long apply waits for a lock that an application holds before it gives way and begins again; 0s is
	// forever. Keep it below PostgreSQL's deadlock_timeout: then it's apply that gives way. MySQL and MariaDB
	// count whole seconds.
	LockTimeout Duration `yaml:"lock_timeout"`
}

// DatabaseTLS are the files of a database connection with TLS; sslmode says whether there is one.
type DatabaseTLS struct {
	// Certificates to trust (PEM). Empty: the system's.
	CAFile string `yaml:"ca_file"`
	// Client certificate (PEM).
	CertFile string `yaml:"cert_file"`
	// Key of the client certificate (PEM).
	KeyFile string `yaml:"key_file"`
	// Name the certificate must have, when it isn't the host's.
	ServerName string `yaml:"server_name"`
}

// Kafka is a Kafka cluster, or anything that speaks its protocol.
type Kafka struct {
	// Addresses to start from: `[kafka-1:9092, kafka-2:9092]`, or one string with commas.
	Brokers []string `yaml:"brokers"`
	// The topics are `<topic_prefix>.<cluster>.<region>`, with one partition each.
	TopicPrefix string `yaml:"topic_prefix"`
	// TLS to the brokers.
	TLS KafkaTLS `yaml:"tls"`
	// Authentication.
	SASL SASL `yaml:"sasl"`
	// `zstd`, `lz4`, `snappy`, `gzip` or `none`, for batches of 2 KiB or more.
	Compression string `yaml:"compression"`
	// Copies of each topic that `bridge init` asks for. Fewer than 3 can lose acknowledged records with
	// a broker; a single broker needs 1.
	ReplicationFactor int `yaml:"replication_factor"`
	// Copies that must have a record before it counts as written; at most replication_factor.
	MinInSyncReplicas int `yaml:"min_insync_replicas"`
	// How long the topics keep records. A region that is away for longer can't catch up.
	Retention Duration `yaml:"retention"`
	// The topics' limit for a batch of records. Rows larger than this can't be replicated.
	MaxMessageBytes Size `yaml:"max_message_bytes"`
}

// KafkaTLS says how to talk TLS with brokers.
type KafkaTLS struct {
	// Use TLS.
	Enabled bool `yaml:"enabled"`
	// Certificates to trust (PEM). Empty: the system's.
	CAFile string `yaml:"ca_file"`
	// Client certificate (PEM).
	CertFile string `yaml:"cert_file"`
	// Key of the client certificate (PEM).
	KeyFile string `yaml:"key_file"`
	// Name the brokers' certificates must have, when it isn't their host's.
	ServerName string `yaml:"server_name"`
	// Trust any certificate. For tests: anyone in between can read and change everything.
	InsecureSkipVerify bool `yaml:"insecure_skip_verify"`
}

// SASL is how to authenticate to brokers.
type SASL struct {
	// `none`, `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`.
	Mechanism string `yaml:"mechanism"`
	// User name.
	Username string `yaml:"username"`
	// Password. Better: `password_file`, or `${file:/run/secrets/...}`.
	Password Secret `yaml:"password"`
	// File that holds the password; a newline at its end is dropped.
	PasswordFile string `yaml:"password_file"`
}

// Region is one member of the cluster.
type Region struct {
	// `postgres`, `mysql` or `mariadb`; empty is the same as this region's. Tell it of every region with
	// another engine: keys and values must then have forms that all of them share.
	Engine string `yaml:"engine,omitempty"`
	// The Kafka that holds this region's topic, when it isn't the shared one. The fields are those of
	// the top-level `kafka`.
	Kafka *Kafka `yaml:"kafka,omitempty"`
}

// Tables chooses tables by patterns on schema.table (MySQL, MariaDB: database.table). `*` stands for any
// characters, `?` for one, and the first dot parts schema and table. A pattern must match the whole name as
// the catalog spells it (`public.Users` isn't `public.users`). System schemas and bridge's own never match.
type Tables struct {
	// Tables to replicate. With MySQL and MariaDB the default is all of `database.dbname`.
	Include []string `yaml:"include"`
	// Tables to leave out, though `include` matches them.
	Exclude []string `yaml:"exclude"`
	// Names that schemas (databases) have between the regions, where their own differ: `{shop: public}` in a
	// MySQL region makes its table shop.users the others' public.users.
	Schemas map[string]string `yaml:"schemas,omitempty"`
	// The same for single tables, and for their columns, by schema.table here:
	// `{shop.users: {to: public.people, columns: {nm: name}}}`.
	Rename map[string]Rename `yaml:"rename,omitempty"`
	// What becomes of values from a region of another engine that a column can't hold, by
	// schema.table.column as the catalog spells it: `error` (the default) stops that region's transactions,
	// `null`, `clamp` (the nearest value) and `text` (its text, in a text column) change the value.
	OnUnrepresentable map[string]string `yaml:"on_unrepresentable,omitempty"`
	// MySQL and MariaDB can't switch triggers off for what bridge writes. These, as schema.table.trigger,
	// may run for it without the guard that `bridge check` asks for.
	AllowTriggers []string `yaml:"allow_triggers,omitempty"`
}

// Rename gives one table, or some of its columns, another name between the regions.
type Rename struct {
	// The table's name between the regions, as schema.table; empty is the same.
	To string `yaml:"to"`
	// Columns' names here, and between the regions: `{nm: name}`.
	Columns map[string]string `yaml:"columns"`
}

// History bounds the operations kept in memory.
type History struct {
	// Limit in bytes. It fills while a region is away and the others write; reaching it stops bridge.
	MaxBytes Size `yaml:"max_bytes"`
}

// HTTP is the one listener.
type HTTP struct {
	// Address for /healthz, /readyz, /metrics, /status and /version; empty listens nowhere. It has no
	// authentication: keep it on loopback or a private network.
	Listen string `yaml:"listen"`
	// Serve Go's profiles under /debug/pprof/, too.
	PProf bool `yaml:"pprof"`
}

// Log is what is logged and how.
type Log struct {
	// `debug`, `info`, `warn` or `error`.
	Level string `yaml:"level"`
	// `json`, `text`, or `auto`: text on a terminal, else JSON.
	Format string `yaml:"format"`
}

// Engines of databases.
const (
	PostgreSQL = "postgres"
	MySQL      = "mysql"
	MariaDB    = "mariadb"
)

// EngineOf is the engine of a region's database.
func (c *Config) EngineOf(region string) string {
	if e := c.Regions[region].Engine; e != "" && region != c.Region {
		return e
	}
	return c.Database.Engine
}

// Default is the configuration of an empty file; it lacks what has no default.
func Default() *Config {
	c := &Config{
		Database: Database{
			Engine:           PostgreSQL,
			Slot:             "bridge",
			Publication:      "bridge",
			ApplyConnections: 4,
			ConnectTimeout:   Duration(10 * time.Second),
			StatementTimeout: Duration(5 * time.Minute),
			LockTimeout:      Duration(500 * time.Millisecond),
		},
		Tables:    Tables{Include: []string{"public.*"}},
		Conflicts: Conflicts{Keep: Duration(30 * 24 * time.Hour), KeepRows: 1_000_000},
		History:   History{MaxBytes: 512 << 20},
		HTTP:      HTTP{Listen: "127.0.0.1:7420"},
		Log:       Log{Level: "info", Format: "auto"},
		Heartbeat: Duration(10 * time.Second),
	}
	c.Kafka.setDefaults()
	return c
}

func (k *Kafka) setDefaults() {
	*k = Kafka{
		TopicPrefix:       "bridge",
		SASL:              SASL{Mechanism: "none"},
		Compression:       "zstd",
		ReplicationFactor: 3,
		MinInSyncReplicas: 2,
		Retention:         Duration(7 * 24 * time.Hour),
		MaxMessageBytes:   8 << 20,
	}
}

// KafkaOf is the Kafka that holds a region's topic.
func (c *Config) KafkaOf(region string) Kafka {
	if r := c.Regions[region]; r.Kafka != nil {
		return *r.Kafka
	}
	return c.Kafka
}

// Topic is the name of a region's topic.
func (c *Config) Topic(region string) string {
	return c.KafkaOf(region).TopicPrefix + "." + c.Cluster + "." + region
}

// Match reports whether the patterns choose a table.
func (t *Tables) Match(schema, table string) bool {
	return matchAny(t.Include, schema, table) && !matchAny(t.Exclude, schema, table)
}

// Replicates reports whether the region's table is to be replicated.
func (c *Config) Replicates(schema, table string) bool {
	return !systemSchema(c.Database.Engine, schema) && c.Tables.Match(schema, table)
}

// SpillDir is the directory for spill files; fallback is the system's temporary one.
func (c *Config) SpillDir(fallback string) string {
	if c.DataDir != "" {
		return path.Clean(c.DataDir)
	}
	return fallback
}
