// Package topics opens the regions' topics as a configuration says, and reads who wrote them, and how far.
package topics

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"bridge/cmd/bridge/internal/shell"
	"bridge/config"
	"bridge/stream/kafka"
)

// Open opens a region's topic; no broker is spoken to yet.
func Open(c *config.Config, region string) (*kafka.Log, error) {
	k := c.KafkaOf(region)
	encryption, err := kafkaTLS(&k.TLS)
	if err != nil {
		return nil, shell.Environment(fmt.Errorf("kafka of region %s: %w", region, err))
	}
	var sasl kafka.SASL
	if k.SASL.Mechanism != "none" {
		sasl = kafka.SASL{Mechanism: k.SASL.Mechanism, User: k.SASL.Username, Password: k.SASL.Password.Reveal()}
	}
	return kafka.Open(kafka.Config{
		Brokers: k.Brokers, Topic: c.Topic(region),
		TLS: encryption, SASL: sasl,
		Compression:     kafka.Compression(k.Compression),
		ClientID:        "bridge-" + c.Cluster + "-" + c.Region,
		MaxMessageBytes: int(k.MaxMessageBytes),
	})
}

// Settings are what a region's topic should be like.
func Settings(c *config.Config, region string) kafka.Settings {
	k := c.KafkaOf(region)
	return kafka.Settings{
		ReplicationFactor: k.ReplicationFactor, MinInSyncReplicas: k.MinInSyncReplicas,
		Retention: k.Retention.Std(), MaxMessageBytes: int(k.MaxMessageBytes),
	}
}

// kafkaTLS is nil without TLS.
func kafkaTLS(t *config.KafkaTLS) (*tls.Config, error) {
	if !t.Enabled {
		return nil, nil
	}
	c := &tls.Config{ServerName: t.ServerName, InsecureSkipVerify: t.InsecureSkipVerify, MinVersion: tls.VersionTLS12}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("tls.ca_file: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("tls.ca_file: holds no PEM certificate")
		}
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("tls.cert_file and tls.key_file: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
