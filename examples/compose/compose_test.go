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

// example is one of the two.
type example struct {
	name    string
	configs map[string]string // the regions' files
	grants  map[string]string // what "bridge grants" prints for a region
}

var examples = []example{
	{"compose.yaml", map[string]string{"eu": "eu.yaml", "us": "us.yaml", "ap": "ap.yaml"},
		map[string]string{"eu": "initdb/2-bridge.sql", "us": "initdb/2-bridge.sql", "ap": "initdb/2-bridge.sql"}},
	{"compose.mixed.yaml", map[string]string{"eu": "eu.yaml", "us": "mixed/us.yaml", "ap": "mixed/ap.yaml"},
		map[string]string{"eu": "initdb/2-bridge.sql", "us": "mixed/initdb/2-bridge.sql", "ap": "mixed/initdb/2-bridge.sql"}},
}

// each runs a test on both examples.
func each(t *testing.T, test func(t *testing.T, e example, f file)) {
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) { test(t, e, load(t, e.name)) })
	}
}

func load(t *testing.T, name string) (f file) {
	t.Helper()
	text, err := os.ReadFile(name)
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
func TestReferences(t *testing.T) { each(t, testReferences) }

func testReferences(t *testing.T, _ example, f file) {
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
func TestRegions(t *testing.T) { each(t, testRegions) }

func testRegions(t *testing.T, e example, f file) {
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
			if mount := "./" + e.configs[r] + ":/etc/bridge/bridge.yaml:ro"; len(s.Volumes) != 1 || s.Volumes[0] != mount {
				t.Errorf("%s mounts %v, want %s", name, s.Volumes, mount)
			}
		}
	}
}

// The regions' files are valid, and fit the services and secrets.
func TestConfigurations(t *testing.T) { each(t, testConfigurations) }

func testConfigurations(t *testing.T, e example, f file) {
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
		c, err := config.Load(e.configs[r], outside)
		if err != nil {
			t.Error(err)
			continue
		}
		_, broker := f.Services[strings.TrimSuffix(c.Kafka.Brokers[0], ":9092")]
		if c.Region != r || len(c.Regions) != len(regions) || c.Database.Host != "db-"+r || c.Database.Password.Reveal() != "secret" || !broker {
			t.Errorf("%s: region %s of %d, database %s, broker %s", e.configs[r], c.Region, len(c.Regions), c.Database.Host, c.Kafka.Brokers[0])
		}
	}
}

// The files 2-bridge.sql are what "bridge grants" prints; this command renews them:
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
	each(t, func(t *testing.T, e example, _ file) {
		for _, r := range regions { // the same for all of an engine
			testGrants(t, e.grants[r], exec.Command(bridge, "grants", "-c", e.configs[r], "--set", "database.password_file="+password))
		}
	})
}

func testGrants(t *testing.T, path string, grants *exec.Cmd) {
	var stderr bytes.Buffer
	grants.Stderr = &stderr
	want, err := grants.Output()
	if err != nil {
		t.Fatalf("bridge grants: %v\n%s", err, stderr.Bytes())
	}
	if os.Getenv("BRIDGE_UPDATE") != "" {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s isn't what %v prints (%v): renew it with BRIDGE_UPDATE=1 go test ./examples/compose", path, grants.Args, err)
	}
}
