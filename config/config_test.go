package config

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"time"
)

// minimal is the least that a file must say.
const minimal = `
cluster: shop
region: eu
regions: {eu: {}, us: {}}
database: {host: /var/run/postgresql, dbname: shop, user: bridge}
kafka: {brokers: [kafka:9092]}
conflicts: {default: last_write_wins}
`

// world is an Outside of the given variables and files.
func world(pairs ...string) Outside {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return Outside{
		LookupEnv: func(name string) (string, bool) { v, ok := m[name]; return v, ok },
		ReadFile: func(name string) ([]byte, error) {
			if v, ok := m[name]; ok {
				return []byte(v), nil
			}
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		},
	}
}

func TestMinimalHasTheDefaults(t *testing.T) {
	c, err := Parse("bridge.yaml", []byte(minimal), world())
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Cluster, want.Region = "shop", "eu"
	want.Regions = map[string]Region{"eu": {}, "us": {}}
	want.Database.Host, want.Database.DBName, want.Database.User = "/var/run/postgresql", "shop", "bridge"
	want.Kafka.Brokers = []string{"kafka:9092"}
	want.Conflicts.Default = LastWriteWins
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
	if got := c.Topic("us"); got != "bridge.shop.us" {
		t.Errorf("topic %q", got)
	}
}

func TestEverythingIsRead(t *testing.T) {
	c, err := Parse("bridge.yaml", []byte(`
cluster: shop
region: ap
database:
  url: postgres://bridge@db/shop
  password_file: /run/pw
  slot: ${SLOT:other}
  apply_connections: ${CONNECTIONS}
  lock_timeout: 1m30s
kafka: &shared
  brokers: ${BROKERS}
  topic_prefix: cdc
  retention: 14d
  max_message_bytes: 4MiB
regions:
  eu:
  us: {}
  ap: {kafka: {brokers: ["ap:9092"], sasl: {mechanism: PLAIN, username: u, password: "${file:/run/kafka}"}}}
  sa: {kafka: *shared}
tables: {include: ["sales.*", public.users], exclude: ["*.tmp_*"]}
conflicts: {default: last_write_wins}
history: {max_bytes: 1GB}
http: {listen: "", pprof: true}
`), world("CONNECTIONS", "8", "BROKERS", "k1:9092, k2:9092", "/run/pw", "s3cret\n", "/run/kafka", "k@fka"))
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	check("password", c.Database.Password.Reveal(), "s3cret")
	check("slot", c.Database.Slot, "other")
	check("apply_connections", c.Database.ApplyConnections, 8)
	check("lock_timeout", c.Database.LockTimeout.Std(), 90*time.Second)
	check("brokers", c.Kafka.Brokers, []string{"k1:9092", "k2:9092"})
	check("retention", c.Kafka.Retention.Std(), 14*24*time.Hour)
	check("max_message_bytes", c.Kafka.MaxMessageBytes, Size(4<<20))
	check("history", c.History.MaxBytes, Size(1e9))
	check("listen", c.HTTP.Listen, "")
	check("pprof", c.HTTP.PProf, true)
	check("eu's kafka", c.KafkaOf("eu").TopicPrefix, "cdc")
	check("ap's password", c.KafkaOf("ap").SASL.Password.Reveal(), "k@fka")
	check("ap's own defaults", c.KafkaOf("ap").TopicPrefix, "bridge")
	check("sa through an alias", c.KafkaOf("sa").Brokers, []string{"k1:9092", "k2:9092"})
	check("ap's topic", c.Topic("ap"), "bridge.shop.ap")
	for name, want := range map[string]bool{"sales.order": true, "public.users": true, "public.other": false, "sales.tmp_1": false, "bridge.node": false} {
		schema, table, _ := strings.Cut(name, ".")
		check("match "+name, c.Replicates(schema, table), want)
	}
}

func TestProblems(t *testing.T) {
	edit := func(old, new string) string {
		if !strings.Contains(minimal, old) {
			t.Fatalf("the minimal file has no %q", old)
		}
		return strings.Replace(minimal, old, new, 1)
	}
	tests := []struct {
		name, text string
		want       []string // parts of the message, which holds as many problems
	}{
		{"empty file", "", []string{"cluster: is missing", "region: is missing", "regions: is missing", "database.host: is missing", "kafka.brokers: is missing", "conflicts.default: is missing"}},
		{"unknown key", edit("cluster:", "clutser: x\ncluster:"), []string{`bridge.yaml:2: clutser: unknown key; did you mean "cluster"?`}},
		{"unknown key without a likely one", edit("{host:", "{frobnicate: 1, host:"), []string{"database.frobnicate: unknown key; known here: apply_connections, connect_timeout"}},
		{"twice", edit("region: eu", "region: eu\nregion: us"), []string{"bridge.yaml:4: region: is set twice, first in line 3"}},
		{"not a number", edit("{host:", "{port: 70000, host:"), []string{"bridge.yaml:5: database.port: isn't a whole number from 0 to 65535"}},
		{"not a block", edit("kafka: {brokers: [kafka:9092]}", "kafka: yes"), []string{"kafka: must be a block", "kafka.brokers: is missing"}},
		{"not a list", edit("[kafka:9092]", "{a: b}"), []string{"kafka.brokers: must be a list"}},
		{"not a bool", minimal + "http: {pprof: on}", []string{"http.pprof: isn't true or false"}},
		{"not a duration", minimal + "heartbeat: 10", []string{"bridge.yaml:8: heartbeat: isn't a length of time"}},
		{"not a size", minimal + "history: {max_bytes: lots}", []string{"history.max_bytes: isn't a size"}},
		{"region not a member", edit("region: eu", "region: mars"), []string{"bridge.yaml:3: region: isn't one of regions (eu, us)"}},
		{"bad names", edit("cluster: shop", "cluster: Shop!"), []string{"cluster: isn't a name"}},
		{"no rule", edit("conflicts: {default: last_write_wins}", ""), []string{"conflicts.default: is missing: say what happens"}},
		{"other rule", edit("last_write_wins", "coin_toss"), []string{"conflicts.default: is not a rule for all tables; choose last_write_wins"}},
		{"url and host", edit("{host:", "{url: postgres://x/y, host:"), []string{"database.dbname: is set beside", "database.host: is set beside", "database.user: is set beside"}},
		{"pattern", minimal + "tables: {include: [users]}", []string{"tables.include[0]: isn't of the form schema.table"}},
		{"unset variable", edit("shop\nregion", "${NOPE}\nregion"), []string{"bridge.yaml:2: cluster: refers to the environment variable NOPE, which isn't set"}},
		{"open reference", edit("shop\nregion", "a${B\nregion"), []string{`cluster: has "${" without "}"`}},
		{"missing secret file", edit("{host:", "{password_file: /nope, host:"), []string{"database.password_file: open /nope: file does not exist"}},
		{"both passwords", edit("{host:", "{password: x, password_file: /nope, host:"), []string{"database.password_file: is set, and so is password"}},
		{"sslmode", edit("{host:", "{sslmode: verify, host:"), []string{"database.sslmode: is not a word known here"}},
		{"in-sync replicas", edit("[kafka:9092]", "[kafka:9092], replication_factor: 1"), []string{"kafka.min_insync_replicas: is not between 1 and replication_factor"}},
		{"tls not enabled", edit("[kafka:9092]", "[kafka:9092], tls: {ca_file: /x}"), []string{"kafka.tls.enabled: is not true"}},
		{"sasl incomplete", edit("[kafka:9092]", "[kafka:9092], sasl: {mechanism: PLAIN}"), []string{"kafka.sasl.username: is missing", "kafka.sasl.password: is missing"}},
		{"peer's kafka", edit("us: {}", "us: {kafka: {brokers: [x]}}"), []string{"regions.us.kafka.brokers[0]: isn't an address"}},
		{"not YAML", "a: [", []string{"yaml: "}},
		{"two documents", minimal + "\n---\na: b", []string{"more than one YAML document"}},
		{"a list", "[a]", []string{"must be a block", "cluster: is missing", "region: is missing", "regions: is missing", "database.host", "kafka.brokers", "conflicts.default"}},
		{"an alias of itself", "regions: &r {eu: {kafka: *r}}", []string{"regions.eu.kafka.eu: unknown key", "regions.eu.kafka.brokers", "cluster", "region:", "database.host", "conflicts.default"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("bridge.yaml", []byte(tt.text), world())
			problems, ok := errors.AsType[*Problems](err)
			if !ok {
				t.Fatalf("error %v, want problems", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in:\n%v", want, err)
				}
			}
			if len(problems.List) != len(tt.want) {
				t.Errorf("%d problems, want %d:\n%v", len(problems.List), len(tt.want), err)
			}
		})
	}
}

func TestPrecedence(t *testing.T) {
	env := world("BRIDGE_LOG_LEVEL", "debug", "BRIDGE_KAFKA_BROKERS", "a:1,b:2", "BRIDGE_DATABASE_PASSWORD", "${not expanded", "BRIDGE_HTTP_LISTEN", "")
	overrides := append(env.FromEnvironment(), Override{"log.level", "error", "--set"})
	c, err := Parse("bridge.yaml", []byte(minimal+"log: {level: warn}\nhttp:"), env, overrides...)
	if err != nil {
		t.Fatal(err)
	}
	if c.Log.Level != "error" || c.Database.Password.Reveal() != "${not expanded" || c.HTTP.Listen != "" ||
		!reflect.DeepEqual(c.Kafka.Brokers, []string{"a:1", "b:2"}) {
		t.Errorf("got %+v", c)
	}
	_, err = Parse("bridge.yaml", []byte(minimal), env, Override{"log.level", "loud", "BRIDGE_LOG_LEVEL"}, Override{"nope.x", "1", "--set"})
	for _, want := range []string{"BRIDGE_LOG_LEVEL: log.level: is not a word known here", "nope: unknown key"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

// A value from the environment stays one value, whatever YAML it looks like.
func TestExpansionCannotInjectYAML(t *testing.T) {
	evil := "x\nregion: us\nconflicts: {default: none}"
	c, err := Parse("f", []byte(strings.Replace(minimal, "dbname: shop", `dbname: "${EVIL}"`, 1)), world("EVIL", evil))
	if err != nil {
		t.Fatal(err)
	}
	if c.Database.DBName != evil || c.Region != "eu" {
		t.Errorf("dbname %q, region %q", c.Database.DBName, c.Region)
	}
}

func TestErrorsHoldNoSecret(t *testing.T) {
	const secret = "hunter2"
	text := strings.NewReplacer("{host:", "{port: ${PW}, slot: ${PW}!, sslmode: ${PW}, password: ${PW}, url: 'postgres://u:${PW}@h', host:",
		"[kafka:9092]", "[\"${PW}\"], retention: ${PW}, max_message_bytes: ${PW}, compression: ${PW}").Replace(minimal)
	_, err := Parse("f", []byte(text), world("PW", secret))
	if err == nil {
		t.Fatal("the file was taken")
	}
	if s := fmt.Sprintf("%v %+v", err, err); strings.Contains(s, secret) {
		t.Errorf("secret in: %s", s)
	}
}
