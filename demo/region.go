package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"bridge/internal/testserver"
)

const (
	database = "shop" // name of the database and of the cluster
	shopRole = "shop" // who the application connects as
	// bridgeRole is who bridge connects as; "bridge grants" creates it.
	bridgeRole = "bridge"
)

// region is one of the shop's regions: a server and a bridge.
type region struct {
	name   string
	engine Engine
	mesh   *mesh
	file   string // bridge's configuration
	log    string // bridge's log
	http   string // address of bridge's status
	server server
	bridge *testserver.Program
}

func newRegion(r Region, m *mesh) *region {
	return &region{
		name: r.Name, engine: r.Engine, mesh: m,
		file: filepath.Join(m.dir, r.Name+".yaml"),
		log:  filepath.Join(m.dir, r.Name+".log"),
	}
}

// startServer starts the region's server, with the shop's tables.
func (r *region) startServer(ctx context.Context) (err error) {
	r.server, err = startServer(ctx, r.engine)
	return err
}

// setUp does what an operator does: a configuration file, the DBA's grants, "bridge init".
func (r *region) setUp(ctx context.Context) error {
	port, err := testserver.FreePort()
	if err != nil {
		return err
	}
	r.http = fmt.Sprintf("127.0.0.1:%d", port)
	var text strings.Builder
	if err := configuration.Execute(&text, r); err != nil {
		return err
	}
	if err := os.WriteFile(r.file, []byte(text.String()), 0o644); err != nil {
		return err
	}
	grants, err := testserver.Output(ctx, "", r.mesh.options.Bridge, "grants", "-c", r.file)
	if err != nil {
		return err
	}
	if err := r.server.administer(ctx, grants); err != nil {
		return fmt.Errorf("run what bridge grants prints: %w", err)
	}
	_, err = testserver.Output(ctx, "", r.mesh.options.Bridge, "init", "-c", r.file)
	return err
}

// configuration is a region's bridge.yaml.
var configuration = template.Must(template.New("bridge.yaml").Parse(`# Region {{.Name}} of bridge's demo.
cluster: {{.Database}}
region: {{.Name}}
regions: { {{range .Members}}{{.}}: {}, {{end}}}
{{.Server}}kafka:
  brokers: [{{printf "%q" .Broker}}]
  replication_factor: 1 # there's one broker; in earnest, three copies
  min_insync_replicas: 1
conflicts:
  default: last_write_wins
http:
  listen: {{printf "%q" .HTTP}}
log:
  format: json
`))

// What the template above asks for.

func (r *region) Name() string      { return r.name }
func (r *region) Members() []string { return r.mesh.names() }
func (r *region) Database() string  { return database }
func (r *region) Server() string    { return r.server.settings(r.mesh.mixed()) }
func (r *region) Broker() string    { return r.mesh.broker.Addr() }
func (r *region) HTTP() string      { return r.http }

// startBridge starts the region's bridge, also after it was killed, and returns when it replicates.
func (r *region) startBridge(ctx context.Context) (err error) {
	if r.bridge != nil {
		return r.bridge.Start(ctx)
	}
	r.bridge, err = testserver.StartProgram(ctx, testserver.ProgramOptions{
		Name: "bridge of region " + r.name,
		Path: r.mesh.options.Bridge, Args: []string{"run", "-c", r.file},
		Log: r.log, Ready: `"region is running"`,
	})
	return err
}

func (r *region) close() error {
	var errs []error
	if r.bridge != nil {
		errs = append(errs, r.bridge.Close())
	}
	if r.server != nil {
		errs = append(errs, r.server.Close())
	}
	return errors.Join(errs...)
}
