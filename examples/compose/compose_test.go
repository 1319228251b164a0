// Package compose holds no code: its tests keep the example in this directory true.
package compose

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"bridge/config"
)

// file is what the tests look at of compose.yaml.
type file struct {
	Services map[string]service
	Volumes  map[string]any
	Secrets  map[string]struct{ File string }
}

type service struct {
	Image     string
	Build     string
	Command   []string
	Volumes   []string
	Ports     []string
	Secrets   []string
	DependsOn map[string]struct{ Condition string } `yaml:"depends_on"`
}

func load(t *testing.T) (f file) {
	t.Helper()
	text, err := os.ReadFile("compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	if len(f.Services) == 0 {
		t.Fatal("no services")
	}
	return f
}

var regions = []string{"eu", "us", "ap"}

// What compose.yaml names is there: images, files, volumes, secrets, services. Ports are on loopback.
func TestReferences(t *testing.T) {
	f := load(t)
	for name, s := range f.Services {
		if s.Image == "" {
			t.Errorf("%s has no image", name)
		}
		if s.Build != "" {
			if _, err := os.Stat(filepath.Join(s.Build, "Dockerfile")); err != nil {
				t.Errorf("%s is built from nothing: %v", name, err)
			}
		}
		for _, v := range s.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if _, named := f.Volumes[source]; named {
				continue
			}
			if _, err := os.Stat(source); err != nil || !strings.HasPrefix(source, "./") {
				t.Errorf("%s mounts %s: neither a volume nor a file here (%v)", name, source, err)
			}
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") || strings.Count(p, ":") != 2 {
				t.Errorf("%s publishes %s, not on loopback", name, p)
			}
		}
		for _, secret := range s.Secrets {
			if !strings.HasPrefix(f.Secrets[secret].File, "./secrets/") {
				t.Errorf("%s has the secret %s, which isn't a file in secrets/", name, secret)
			}
		}
		for other := range s.DependsOn {
			if _, ok := f.Services[other]; !ok {
				t.Errorf("%s depends on %s, which isn't there", name, other)
			}
		}
	}
}

// Each region has a database, a one-shot init and a bridge, which start in this order.
func TestRegions(t *testing.T) {
	f := load(t)
	for _, r := range regions {
		if _, ok := f.Services["db-"+r]; !ok {
			t.Errorf("region %s has no database", r)
		}
		for name, want := range map[string]struct{ command, after, condition string }{
			"init-" + r:   {"init", "db-" + r, "service_healthy"},
			"bridge-" + r: {"run", "init-" + r, "service_completed_successfully"},
		} {
			s := f.Services[name]
			if len(s.Command) != 1 || s.Command[0] != want.command || s.DependsOn[want.after].Condition != want.condition {
				t.Errorf("%s: command %v after %v", name, s.Command, s.DependsOn)
			}
			if mount := "./" + r + ".yaml:/etc/bridge/bridge.yaml:ro"; len(s.Volumes) != 1 || s.Volumes[0] != mount {
				t.Errorf("%s mounts %v, want %s", name, s.Volumes, mount)
			}
		}
	}
}

// The regions' files are valid, and fit compose.yaml's services and secrets.
func TestConfigurations(t *testing.T) {
	f := load(t)
	outside := config.Outside{ReadFile: func(name string) ([]byte, error) {
		if strings.HasSuffix(name, ".yaml") {
			return os.ReadFile(name)
		}
		if _, ok := f.Secrets[strings.TrimPrefix(name, "/run/secrets/")]; ok {
			return []byte("secret\n"), nil
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}}
	for _, r := range regions {
		c, err := config.Load(r+".yaml", outside)
		if err != nil {
			t.Error(err)
			continue
		}
		_, broker := f.Services[strings.TrimSuffix(c.Kafka.Brokers[0], ":9092")]
		if c.Region != r || len(c.Regions) != len(regions) || c.Database.Host != "db-"+r || c.Database.Password.Reveal() != "secret" || !broker {
			t.Errorf("%s.yaml: region %s of %d, database %s, broker %s", r, c.Region, len(c.Regions), c.Database.Host, c.Kafka.Brokers[0])
		}
	}
}

// initdb/2-bridge.sql is what "bridge grants" prints; this command renews it:
//
//	BRIDGE_UPDATE=1 go test ./examples/compose
func TestGrants(t *testing.T) {
	dir := t.TempDir()
	bridge, password := filepath.Join(dir, "bridge"), filepath.Join(dir, "password")
	if out, err := exec.Command("go", "build", "-o", bridge, "bridge/cmd/bridge").CombinedOutput(); err != nil {
		t.Fatalf("build bridge: %v\n%s", err, out)
	}
	if err := os.WriteFile(password, []byte("unused"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, r := range regions { // the same for all
		cmd := exec.Command(bridge, "grants", "-c", r+".yaml", "--set", "database.password_file="+password)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		want, err := cmd.Output()
		if err != nil {
			t.Fatalf("bridge grants: %v\n%s", err, stderr.Bytes())
		}
		const path = "initdb/2-bridge.sql"
		if os.Getenv("BRIDGE_UPDATE") != "" {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s isn't what bridge grants prints for %s (%v): renew it with BRIDGE_UPDATE=1 go test ./examples/compose", path, r, err)
		}
	}
}
