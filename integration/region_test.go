package integration

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"bridge/admin"
)

// region is a database and, at times, its bridge.
type region struct {
	mesh      *mesh
	index     int
	name      string
	database  database
	db        *postgresDatabase // the same, on PostgreSQL
	dir, file string
	log       *output  // of all of its bridges, one after the other
	bridge    *process // the last one started; nil before
	http      string   // its address
}

// setUp does what an operator does: tables, "bridge grants" as superuser, then "bridge init" as the role.
func (r *region) setUp() error {
	m := r.mesh
	r.dir = m.t.TempDir()
	r.file = filepath.Join(r.dir, "bridge.yaml")
	if err := os.WriteFile(r.file, []byte(m.configuration(r)), 0o600); err != nil {
		return err
	}
	schema := `CREATE TABLE settled (region char(2), round int, PRIMARY KEY (region, round));` + m.options.schema
	if m.options.schemaOf != nil {
		schema += m.options.schemaOf(r.index)
	}
	if err := r.database.script(schema); err != nil {
		return err
	}
	grants, code := command(m.t, "grants", "-c", r.file)
	if code != 0 {
		return fmt.Errorf("bridge grants: exit status %d", code)
	}
	if err := r.database.grant(grants); err != nil {
		return err
	}
	if _, code = command(m.t, "init", "-c", r.file); code != 0 {
		return fmt.Errorf("bridge init: exit status %d", code)
	}
	return nil
}

// start starts the region's bridge and waits until it runs. env may name a fault point.
func (r *region) start(env ...string) {
	r.mesh.t.Helper()
	skip := r.launch(env...)
	r.bridge.said(r.mesh.t, skip, `"region is running"`)
}

// launch starts the region's bridge without waiting for it to run; skip is where its log begins.
func (r *region) launch(env ...string) (skip int) {
	r.mesh.t.Helper()
	skip = len(r.log.String())
	r.bridge = launch(r.mesh.t, "bridge of "+r.name, r.log, env, "run", "-c", r.file)
	line := r.bridge.said(r.mesh.t, skip, `"bridge starts"`)
	var entry struct {
		HTTP string `json:"http"`
	}
	if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.HTTP == "" {
		r.mesh.t.Fatalf("no HTTP address in %q: %v", line, err)
	}
	r.http = entry.HTTP
	return skip
}

// kill is kill -9 of the region's bridge.
func (r *region) kill() {
	r.mesh.t.Helper()
	r.bridge.kill(r.mesh.t)
}

// status asks the region's bridge.
func (r *region) status() (s admin.Status, err error) {
	answer, err := http.Get("http://" + r.http + "/status")
	if err != nil {
		return s, err
	}
	defer answer.Body.Close()
	return s, json.NewDecoder(answer.Body).Decode(&s)
}

// metric is the sample of a metric with its labels.
func (r *region) metric(name string) string {
	r.mesh.t.Helper()
	answer, err := http.Get("http://" + r.http + "/metrics")
	if err != nil {
		r.mesh.t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if sample, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return sample
		}
	}
	r.mesh.t.Fatalf("no metric %s", name)
	return ""
}

// peer is what the region's bridge tells of another region.
func (r *region) peer(other *region) (p admin.Peer, err error) {
	s, err := r.status()
	for _, p := range s.Peers {
		if p.Region == other.name {
			return p, nil
		}
	}
	return p, err
}

// stopped waits until the region has stopped another one's stream with a reason that has all of these
// texts in it.
func (r *region) stopped(other *region, texts ...string) {
	r.mesh.t.Helper()
	eventually(r.mesh.t, fmt.Sprintf("%s stops %s with a reason that says %q", r.name, other.name, texts), func() (bool, string) {
		p, err := r.peer(other)
		if err != nil {
			return false, err.Error()
		}
		for _, text := range texts {
			if !strings.Contains(p.Stopped, text) {
				return false, fmt.Sprintf("reason: %q", p.Stopped)
			}
		}
		return true, ""
	})
}

// exec runs SQL statements as superuser, as an application would.
func (r *region) exec(sql string) {
	r.mesh.t.Helper()
	if err := r.try(sql); err != nil {
		r.mesh.t.Fatalf("region %s: %v\nin: %.500s", r.name, err, sql)
	}
}

// commit runs one statement, again when its engine rolled it back for a deadlock.
func (r *region) commit(statement string) {
	r.mesh.t.Helper()
	for {
		err := r.try(statement)
		if err != nil && r.database.judge(err) == rolledBack {
			continue
		}
		if err != nil {
			r.mesh.t.Fatalf("region %s: %v\nin: %.500s", r.name, err, statement)
		}
		return
	}
}

func (r *region) try(sql string) error {
	_, err := r.database.rows(sql)
	return err
}

// query gives the rows of a query as texts, columns parted by "|" and NULL as "∅".
func (r *region) query(sql string) []string {
	r.mesh.t.Helper()
	rows, err := r.tryQuery(sql)
	if err != nil {
		r.mesh.t.Fatalf("region %s: %v\nin: %s", r.name, err, sql)
	}
	return rows
}

func (r *region) tryQuery(sql string) (out []string, err error) {
	rows, err := r.database.rows(sql)
	for _, row := range rows {
		out = append(out, strings.Join(row, "|"))
	}
	return out, err
}

// one gives the only value of a query.
func (r *region) one(sql string) string {
	r.mesh.t.Helper()
	rows := r.query(sql)
	if len(rows) != 1 {
		r.mesh.t.Fatalf("region %s: %d rows from %s", r.name, len(rows), sql)
	}
	return rows[0]
}

// sees waits until a query gives a text here.
func (r *region) sees(want, sql string) {
	r.mesh.t.Helper()
	eventually(r.mesh.t, fmt.Sprintf("%s sees %q by %s", r.name, want, sql), func() (bool, string) {
		rows, err := r.tryQuery(sql)
		if err != nil {
			return false, err.Error()
		}
		got := strings.Join(rows, "\n")
		return got == want, got
	})
}
