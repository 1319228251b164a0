package testserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
)

// KafkaOptions say how a Kafka broker shall be.
type KafkaOptions struct {
	Settings map[string]string // lines for server.properties, stronger than the ones from here
	Heap     string            // of the Java machine; default 512m
	// QuickStart has Java compile its code only lightly: the broker starts with half the CPU time and
	// then serves slower. It's for tests of what is right, not of how fast.
	QuickStart bool
	// Link, if set, gives the broker a second way in: it's told the address of another listener, and
	// answers where clients shall go who come that way, such as to a proxy.
	Link func(listener string) (advertised string)
}

// Kafka is a single Apache Kafka node in KRaft mode on loopback, broker and controller in one. Topics
// aren't created by themselves. Its methods are safe for use by several goroutines.
type Kafka struct {
	options    KafkaOptions
	java, jars string
	dir        string
	port       int // of the broker
	controller int
	linked     int    // port of the second listener, if there's one
	advertised string // its address as clients are told
	life       lifecycle
}

// StartKafka makes a Kafka broker and returns when it serves. ctx limits the start only.
func StartKafka(ctx context.Context, o KafkaOptions) (*Kafka, error) {
	if o.Heap == "" {
		o.Heap = "512m"
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, fmt.Errorf("Kafka needs Java: %w: run scripts/setup kafka", err)
	}
	jars, err := inCaches("kafka/lib", "Kafka", "kafka")
	if err != nil {
		return nil, err
	}
	dir, err := newServerDir("kafka", nil)
	if err != nil {
		return nil, err
	}
	k := &Kafka{options: o, java: java, jars: jars, dir: dir}
	k.life.run = k.run
	err = withFreePorts(3, func(ports []int) error {
		k.port, k.controller = ports[0], ports[1]
		if o.Link != nil {
			k.linked, k.advertised = ports[2], o.Link(loopback(ports[2]))
		}
		if err := k.format(ctx); err != nil {
			return err
		}
		return k.life.start(ctx)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("Kafka: %w", err), os.RemoveAll(dir))
	}
	return k, nil
}

// format makes an empty node.
func (k *Kafka) format(ctx context.Context) error {
	if err := os.RemoveAll(k.dataDir()); err != nil {
		return err
	}
	if err := k.configure(); err != nil {
		return err
	}
	format := k.args("kafka.tools.StorageTool", "format", "-t", newClusterID(), "-c", k.propertiesPath())
	return run(ctx, nil, k.java, append(slices.Clone(quickStart), format...)...)
}

// quickStart are the flags of a Java machine that doesn't live long enough to be compiled well.
var quickStart = []string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"}

func (k *Kafka) run(ctx context.Context) (*process, error) {
	args := k.args("kafka.Kafka", k.propertiesPath())
	if k.options.QuickStart {
		args = append(slices.Clone(quickStart), args...)
	}
	return start(ctx, command{
		name:    fmt.Sprintf("Kafka on port %d", k.port),
		path:    k.java,
		args:    args,
		dir:     k.dir,
		log:     k.LogPath(),
		ready:   "Kafka Server started",
		atDeath: syscall.SIGKILL,
	})
}

func (k *Kafka) args(class string, args ...string) []string {
	return append([]string{
		"-Xmx" + k.options.Heap,
		"-Djava.awt.headless=true",
		"-Dlog4j2.configurationFile=" + k.loggingPath(),
		"-cp", filepath.Join(k.jars, "*"),
		class,
	}, args...)
}

// Addr is the broker's address; it stays through restarts.
func (k *Kafka) Addr() string { return loopback(k.port) }

// Start starts the broker again after Stop or Kill, on the same port and with its topics.
func (k *Kafka) Start(ctx context.Context) error { return k.life.start(ctx) }

// Stop stops the broker in its orderly way and returns when it has ended. When ctx ends first, it's an
// error, and the broker goes on stopping.
func (k *Kafka) Stop(ctx context.Context) error { return k.life.stop(ctx, syscall.SIGTERM) }

// Restart is Stop and Start.
func (k *Kafka) Restart(ctx context.Context) error {
	if err := k.Stop(ctx); err != nil {
		return err
	}
	return k.Start(ctx)
}

// Kill ends the broker by SIGKILL and returns when it has ended.
func (k *Kafka) Kill() { k.life.kill() }

// Close ends the broker for good and removes its files. A second Close does nothing.
func (k *Kafka) Close() error {
	if !k.life.close() {
		return nil
	}
	if err := os.RemoveAll(k.dir); err != nil {
		return fmt.Errorf("files of a Kafka broker: %w", err)
	}
	return nil
}

// LogPath is the file with the broker's log.
func (k *Kafka) LogPath() string { return filepath.Join(k.dir, "log") }

// Logs is the broker's log so far.
func (k *Kafka) Logs() (string, error) {
	content, err := os.ReadFile(k.LogPath())
	if err != nil {
		return "", fmt.Errorf("log of Kafka: %w", err)
	}
	return string(content), nil
}

func (k *Kafka) dataDir() string        { return filepath.Join(k.dir, "data") }
func (k *Kafka) propertiesPath() string { return filepath.Join(k.dir, "server.properties") }
func (k *Kafka) loggingPath() string    { return filepath.Join(k.dir, "log4j2.properties") }
