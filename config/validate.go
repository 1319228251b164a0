package config

import (
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// validator checks what types can't: ranges, words, and relations between fields.
type validator struct{ *decoder }

func (v *validator) config(c *Config) {
	v.name("cluster", c.Cluster)
	v.name("region", c.Region)
	v.regions(c)
	v.database(&c.Database)
	if v.needsShared(c) {
		v.kafka("kafka", &c.Kafka)
	}
	v.tables(c)
	v.conflicts(c)
	if c.History.MaxBytes < 1<<20 {
		v.problem("history.max_bytes", "is below 1MiB", "give it some hundred MiB")
	}
	v.listen("http.listen", c.HTTP.Listen)
	v.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	v.oneOf("log.format", c.Log.Format, "auto", "json", "text")
	if h := c.Heartbeat.Std(); h < 100*time.Millisecond || h > time.Hour {
		v.problem("heartbeat", "is not between 100ms and 1h", "10s suits most")
	}
}

var namePattern = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)

func (v *validator) name(path, name string) {
	switch {
	case name == "":
		v.problem(path, "is missing", "set it to a short name")
	case !namePattern.MatchString(name):
		v.problem(path, "isn't a name", "use 1 to 32 of a-z, 0-9, _ and -")
	}
}

func (v *validator) oneOf(path, word string, words ...string) {
	if slices.Contains(words, word) {
		return
	}
	fix := "use " + strings.TrimPrefix(strings.Join(words, ", "), ", ")
	if meant := nearest(word, words); meant != "" {
		fix += fmt.Sprintf(" (did you mean %s?)", meant)
	}
	v.problem(path, "is not a word known here", fix)
}

func (v *validator) regions(c *Config) {
	for _, name := range slices.Sorted(maps.Keys(c.Regions)) {
		v.name("regions."+name, name)
		v.oneOf("regions."+name+".engine", c.Regions[name].Engine, "", PostgreSQL, MySQL, MariaDB)
		if e := c.Regions[name].Engine; name == c.Region && e != "" && e != c.Database.Engine {
			v.problem("regions."+name+".engine", "isn't this region's database.engine", "make the two the same")
		}
		if k := c.Regions[name].Kafka; k != nil {
			v.kafka("regions."+name+".kafka", k)
		}
	}
	switch _, member := c.Regions[c.Region]; {
	case len(c.Regions) == 0:
		v.problem("regions", "is missing", "list all regions of the cluster, this one among them: {eu: {}, us: {}}")
	case c.Region != "" && !member:
		names := strings.Join(slices.Sorted(maps.Keys(c.Regions)), ", ")
		v.problem("region", "isn't one of regions ("+names+")", "correct it, or add it to regions in every region's file")
	}
}

// needsShared tells whether some region's topic is on the shared Kafka.
func (v *validator) needsShared(c *Config) bool {
	if len(c.Regions) == 0 || v.places["kafka"] != (place{}) {
		return true
	}
	for _, r := range c.Regions {
		if r.Kafka == nil {
			return true
		}
	}
	return false
}

func (v *validator) database(d *Database) {
	v.oneOf("database.engine", d.Engine, PostgreSQL, MySQL, MariaDB)
	if d.URL.Reveal() != "" {
		v.urlAlone(d)
	} else if d.Host == "" {
		v.problem("database.host", "is missing, and so is database.url", "set one of the two")
	} else {
		v.required("database.user", d.User)
		if d.Engine == PostgreSQL {
			v.required("database.dbname", d.DBName)
		}
	}
	v.oneEngine(d)
	v.oneOf("database.sslmode", d.SSLMode, "", "disable", "allow", "prefer", "require", "verify-ca", "verify-full",
		"disabled", "preferred", "required", "verify_ca", "verify_identity")
	v.pair("database.tls", d.TLS.CertFile, d.TLS.KeyFile)
	if !slotPattern.MatchString(d.Slot) {
		v.problem("database.slot", "isn't a slot's name", "use 1 to 63 of a-z, 0-9 and _")
	}
	if d.Publication == "" || len(d.Publication) > 63 {
		v.problem("database.publication", "isn't a publication's name", "use 1 to 63 bytes")
	}
	if d.ApplyConnections < 1 || d.ApplyConnections > 64 {
		v.problem("database.apply_connections", "is not between 1 and 64", "2 to 4 keep both sides busy")
	}
	if d.ConnectTimeout <= 0 {
		v.problem("database.connect_timeout", "must be above 0", "10s suits most")
	}
}

// oneEngine refuses settings that mean nothing to the database's engine.
func (v *validator) oneEngine(d *Database) {
	usual := Default().Database
	foreign := map[string]bool{"server_id": d.ServerID != usual.ServerID}
	if d.Engine != PostgreSQL {
		foreign = map[string]bool{"slot": d.Slot != usual.Slot, "failover_slot": d.FailoverSlot, "skip_applied": d.SkipApplied, "publication": d.Publication != usual.Publication}
	}
	for key, set := range foreign {
		if set {
			v.problem("database."+key, "means nothing to engine "+d.Engine, "remove it, or correct database.engine")
		}
	}
}

var slotPattern = regexp.MustCompile(`^[a-z0-9_]{1,63}$`)

// urlAlone refuses fields that a URL makes meaningless: one of the two would be ignored.
func (v *validator) urlAlone(d *Database) {
	for field, set := range map[string]bool{
		"host": d.Host != "", "port": d.Port != 0, "dbname": d.DBName != "", "user": d.User != "", "sslmode": d.SSLMode != "",
		"tls.ca_file": d.TLS.CAFile != "", "tls.cert_file": d.TLS.CertFile != "", "tls.key_file": d.TLS.KeyFile != "",
	} {
		if set {
			v.problem("database."+field, "is set beside database.url", "keep one of the two ways")
		}
	}
}

func (v *validator) required(path, value string) {
	if value == "" {
		v.problem(path, "is missing", "set it")
	}
}

// pair wants a client certificate and its key together.
func (v *validator) pair(block, cert, key string) {
	if cert != "" && key == "" {
		v.problem(block+".key_file", "is missing beside cert_file", "name the certificate's key")
	}
	if key != "" && cert == "" {
		v.problem(block+".cert_file", "is missing beside key_file", "name the key's certificate")
	}
}

func (v *validator) kafka(path string, k *Kafka) {
	if len(k.Brokers) == 0 {
		v.problem(path+".brokers", "is missing", "list one or more addresses: [kafka-1:9092]")
	}
	for i, b := range k.Brokers {
		if !address(b) {
			v.problem(fmt.Sprintf("%s.brokers[%d]", path, i), "isn't an address", "write host:port")
		}
	}
	if !prefixPattern.MatchString(k.TopicPrefix) {
		v.problem(path+".topic_prefix", "isn't part of a topic's name", "use 1 to 128 of letters, digits, ., _ and -")
	}
	v.oneOf(path+".compression", k.Compression, "zstd", "lz4", "snappy", "gzip", "none")
	v.replication(path, k)
	if k.Retention.Std() < time.Hour {
		v.problem(path+".retention", "is below 1h", "keep records for as long as a region may be away, such as 7d")
	}
	if k.MaxMessageBytes < 64<<10 || k.MaxMessageBytes > 1<<30 {
		v.problem(path+".max_message_bytes", "is not between 64KiB and 1GiB", "8MiB suits most")
	}
	v.pair(path+".tls", k.TLS.CertFile, k.TLS.KeyFile)
	if !k.TLS.Enabled && k.TLS != (KafkaTLS{}) {
		v.problem(path+".tls.enabled", "is not true, but other keys of tls are set", "add enabled: true, or remove them")
	}
	v.sasl(path+".sasl", &k.SASL)
}

var prefixPattern = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,128}$`)

func (v *validator) replication(path string, k *Kafka) {
	if k.ReplicationFactor < 1 || k.ReplicationFactor > 32 {
		v.problem(path+".replication_factor", "is not between 1 and 32", "3 survives the loss of a broker; a single broker needs 1")
	}
	if k.MinInSyncReplicas < 1 || k.MinInSyncReplicas > k.ReplicationFactor {
		v.problem(path+".min_insync_replicas", "is not between 1 and replication_factor", "one less than replication_factor is usual, and 1 for 1")
	}
}

func (v *validator) sasl(path string, s *SASL) {
	v.oneOf(path+".mechanism", s.Mechanism, "none", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
	if s.Mechanism == "none" {
		if s.Username != "" || s.Password != (Secret{}) {
			v.problem(path+".mechanism", "is none, but username or password is set", "choose a mechanism, or remove them")
		}
		return
	}
	v.required(path+".username", s.Username)
	v.required(path+".password", s.Password.Reveal())
}

func (v *validator) patterns(path string, patterns []string) {
	for i, p := range patterns {
		at := fmt.Sprintf("%s[%d]", path, i)
		if _, _, err := splitPattern(p); err != nil {
			v.problem(at, err.Error(), "write both parts, such as public.* or sales.order_*")
		}
	}
}

func (v *validator) listen(path, at string) {
	if at != "" && !address(at) {
		v.problem(path, "isn't an address", "write host:port, :port, or \"\" for none")
	}
}

// address takes host:port and :port.
func address(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || strings.ContainsAny(host, " /") {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}
