package testserver

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// configure writes the broker's configuration and its logging's.
func (k *Kafka) configure() error {
	files := map[string]string{
		k.propertiesPath(): k.properties(),
		k.loggingPath():    logging,
	}
	for path, content := range files {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return fmt.Errorf("configuration of Kafka: %w", err)
		}
	}
	return nil
}

func (k *Kafka) properties() string {
	all := map[string]string{
		"process.roles":             "broker,controller",
		"node.id":                   "1",
		"controller.quorum.voters":  "1@" + loopback(k.controller),
		"controller.listener.names": "CONTROLLER",
		"listeners":                 fmt.Sprintf("PLAINTEXT://%s,CONTROLLER://%s", loopback(k.port), loopback(k.controller)),
		"advertised.listeners":      "PLAINTEXT://" + loopback(k.port),
		"log.dirs":                  k.dataDir(),
		"auto.create.topics.enable": "false",
		// After a kill the node's new self is let in only when its old one's session has run out.
		"broker.session.timeout.ms":    "3000",
		"broker.heartbeat.interval.ms": "500",
		// One node has one replica of everything.
		"default.replication.factor":                       "1",
		"offsets.topic.replication.factor":                 "1",
		"transaction.state.log.replication.factor":         "1",
		"transaction.state.log.min.isr":                    "1",
		"share.coordinator.state.topic.replication.factor": "1",
		"share.coordinator.state.topic.min.isr":            "1",
		"offsets.topic.num.partitions":                     "1",
		"group.initial.rebalance.delay.ms":                 "0",
	}
	if k.linked != 0 {
		all["listeners"] += ",LINK://" + loopback(k.linked)
		all["advertised.listeners"] += ",LINK://" + k.advertised
		all["listener.security.protocol.map"] = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,LINK:PLAINTEXT"
	}
	maps.Copy(all, k.options.Settings)
	var conf strings.Builder
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&conf, "%s=%s\n", name, all[name])
	}
	return conf.String()
}

// logging sends what the broker says to its standard output.
const logging = `appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %m (%c)%n
rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
`

// newClusterID is 16 random bytes in Kafka's notation. It must not begin with "-", the sign for 62.
func newClusterID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	id[0] &= 0x7f
	return base64.RawURLEncoding.EncodeToString(id)
}
