package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Override sets one path from outside the file.
type Override struct {
	Path   string // "database.url"
	Value  string // as it would stand in YAML, but never expanded; lists with commas
	Source string // what to call it in problems: "BRIDGE_DATABASE_URL", "--set"
}

// Environment are the settings that a variable can replace: those that differ between machines of one
// region or that are secret. Everything else can be written as ${VAR} in the file.
var Environment = map[string]string{
	"BRIDGE_REGION":              "region",
	"BRIDGE_DATABASE_URL":        "database.url",
	"BRIDGE_DATABASE_HOST":       "database.host",
	"BRIDGE_DATABASE_USER":       "database.user",
	"BRIDGE_DATABASE_PASSWORD":   "database.password",
	"BRIDGE_KAFKA_BROKERS":       "kafka.brokers",
	"BRIDGE_KAFKA_SASL_USERNAME": "kafka.sasl.username",
	"BRIDGE_KAFKA_SASL_PASSWORD": "kafka.sasl.password",
	"BRIDGE_HTTP_LISTEN":         "http.listen",
	"BRIDGE_LOG_LEVEL":           "log.level",
	"BRIDGE_LOG_FORMAT":          "log.format",
	"BRIDGE_DATA_DIR":            "data_dir",
}

// FromEnvironment are the overrides that the environment asks for, in the order of their names.
// Variables that bridge doesn't know are no error: Kubernetes makes some with any prefix.
func (o Outside) FromEnvironment() []Override {
	var list []Override
	for name, path := range Environment {
		if value, ok := o.lookup(name); ok {
			list = append(list, Override{path, value, name})
		}
	}
	slices.SortFunc(list, func(a, b Override) int { return strings.Compare(a.Source, b.Source) })
	return list
}

// Load reads and validates a file. Later overrides win over earlier ones and over the file. Problems
// with the content come back as *[Problems], all of them; a file that can't be read as its error.
func Load(file string, outside Outside, overrides ...Override) (*Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return Parse(file, text, outside, overrides...)
}

// Parse is [Load] for text that's been read; file is its name in problems.
func Parse(file string, text []byte, outside Outside, overrides ...Override) (*Config, error) {
	problems := &Problems{File: file}
	root, err := document(text)
	if err != nil {
		problems.List = []Problem{{Text: err.Error(), Fix: "correct the YAML"}}
		return nil, problems
	}
	d := &decoder{outside: outside, places: map[string]place{}, sources: map[*yaml.Node]string{}}
	for _, o := range overrides {
		d.override(root, o)
	}
	c := Default()
	d.value("", root, reflect.ValueOf(c).Elem())
	c.includeDatabase(d)
	c.readPasswords(d)
	v := &validator{decoder: d}
	v.config(c)
	if len(d.problems) > 0 {
		problems.List = d.problems
		return nil, problems.sorted()
	}
	return c, nil
}

// includeDatabase is the default of tables.include where schemas are databases.
func (c *Config) includeDatabase(d *decoder) {
	if _, set := d.places["tables.include"]; set || c.Database.Engine == PostgreSQL {
		return
	}
	c.Tables.Include = nil
	name := c.Database.DBName
	if u, err := url.Parse(c.Database.URL.Reveal()); err == nil && name == "" {
		name = strings.TrimPrefix(u.Path, "/")
	}
	if name != "" {
		c.Tables.Include = []string{name + ".*"}
	}
}

// document parses one YAML document; an empty one is an empty mapping.
func document(text []byte) (root *yaml.Node, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	err = dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return &yaml.Node{Kind: yaml.MappingNode}, nil
	}
	if err == nil {
		if err = dec.Decode(&more); err == nil {
			return nil, errors.New("holds more than one YAML document")
		} else if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		return nil, err
	}
	root = doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return &yaml.Node{Kind: yaml.MappingNode}, nil
	}
	return root, nil
}

// override puts a value into the tree, making the blocks on its way.
func (d *decoder) override(root *yaml.Node, o Override) {
	leaf := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: o.Value}
	d.sources[leaf] = o.Source
	n := root
	parts := strings.Split(o.Path, ".")
	for i, part := range parts {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		if n.Kind != yaml.MappingNode {
			return // decoding reports the wrong kind
		}
		child := find(n, part)
		if i == len(parts)-1 {
			*child = leaf
			return
		}
		if c := *child; c == nil || c.Kind == yaml.ScalarNode && c.Tag == "!!null" {
			*child = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
			d.sources[*child] = o.Source
		}
		n = *child
	}
}

// find is the place of a key's value in a mapping; the key is added with a nil value if it's missing.
func find(n *yaml.Node, key string) **yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return &n.Content[i+1]
		}
	}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, nil)
	return &n.Content[len(n.Content)-1]
}

// readPasswords fills the secrets that stand in files of their own.
func (c *Config) readPasswords(d *decoder) {
	d.passwordFile("database", c.Database.PasswordFile, &c.Database.Password)
	d.passwordFile("kafka.sasl", c.Kafka.SASL.PasswordFile, &c.Kafka.SASL.Password)
	for name, r := range c.Regions {
		if r.Kafka != nil {
			d.passwordFile("regions."+name+".kafka.sasl", r.Kafka.SASL.PasswordFile, &r.Kafka.SASL.Password)
		}
	}
}

// passwordFile reads a file into a secret. A password from outside the file wins over the file's
// password_file; within the file both are a contradiction.
func (d *decoder) passwordFile(block, file string, secret *Secret) {
	if file == "" {
		return
	}
	at := block + ".password_file"
	if *secret != (Secret{}) {
		if d.places[block+".password"].source == "" {
			d.problem(at, "is set, and so is password", "keep one of the two")
		}
		return
	}
	text, err := d.outside.secretFile(file)
	if err != nil {
		d.problem(at, err.Error(), "create the file, readable to bridge's user")
		return
	}
	if text == "" {
		d.problem(at, "names an empty file", "put the password in")
	}
	*secret = NewSecret(text)
}

// problem notes a problem of a path, at the line where it or the block around it stands. A path whose
// value couldn't be read has its problem already.
func (d *decoder) problem(path, text, fix string) {
	if slices.ContainsFunc(d.problems, func(x Problem) bool { return x.Path == path }) {
		return
	}
	x := Problem{Path: path, Text: text, Fix: fix}
	for at := path; ; {
		if p, ok := d.places[at]; ok {
			x.Line, x.Source = p.line, p.source
			break
		}
		i := strings.LastIndexAny(at, ".[")
		if i < 0 {
			break
		}
		at = at[:i]
	}
	d.problems = append(d.problems, x)
}
