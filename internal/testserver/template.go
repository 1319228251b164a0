package testserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// templateMu has one initdb run at a time: others then find its outcome.
var templateMu sync.Mutex

// newDataDir makes a new database cluster in dir. Clusters are copied from a template, which is ten
// times faster than initdb, and each gets a system identifier of its own.
func newDataDir(ctx context.Context, bin, dir string, owner *account) error {
	template, err := template(ctx, bin, owner)
	if err != nil {
		return err
	}
	if err := copyCluster(template, dir, owner); err != nil {
		return fmt.Errorf("copy of the cluster template %s: %w", template, err)
	}
	if err := newSystemIdentifier(filepath.Join(dir, "global", "pg_control")); err != nil {
		return err
	}
	// The template's log isn't copied, and would have the old identifier: begin a new one.
	return run(ctx, owner, filepath.Join(bin, "pg_resetwal"), "-D", dir)
}

// template is a freshly initialized cluster, in the cache, or in the session where no cache can be
// written to.
func template(ctx context.Context, bin string, owner *account) (string, error) {
	version, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return "", fmt.Errorf("version of PostgreSQL in %s: %w", bin, errors.Join(err, context.Cause(ctx)))
	}
	// "postgres (PostgreSQL) 15.18 (Debian …)"
	words := strings.Fields(string(version))
	if len(words) < 3 {
		return "", fmt.Errorf("version of PostgreSQL in %s is unreadable: %q", bin, version)
	}
	name := "initdb-" + words[2]

	templateMu.Lock()
	defer templateMu.Unlock()
	places := caches()
	for _, place := range places {
		if found := filepath.Join(place, name); exists(found) {
			return found, nil
		}
	}
	s, err := theSession()
	if err != nil {
		return "", err
	}
	fresh := filepath.Join(s.dir, name)
	if exists(fresh) {
		return fresh, nil
	}
	if err := initdb(ctx, bin, fresh, owner); err != nil {
		return "", err
	}
	keep(fresh, places)
	return fresh, nil
}

func initdb(ctx context.Context, bin, dir string, owner *account) error {
	work, err := newServerDir("initdb", owner)
	if err != nil {
		return err
	}
	made := filepath.Join(work, "data")
	err = run(ctx, owner, filepath.Join(bin, "initdb"), "-D", made, "-U", "postgres", "-A", "trust",
		"-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
	if err != nil {
		return err
	}
	return os.Rename(made, dir)
}

// keep puts a template into the first cache that takes it. Failing only costs the next process some
// time.
func keep(template string, places []string) {
	for _, place := range places {
		if os.MkdirAll(place, 0o755) != nil {
			continue
		}
		work, err := os.MkdirTemp(place, "initdb.new.")
		if err != nil {
			continue
		}
		data := filepath.Join(work, "data")
		err = copyCluster(template, data, nil)
		if err == nil {
			// Another process may have been faster: then this one fails, and that's as good.
			_ = os.Rename(data, filepath.Join(place, filepath.Base(template)))
		}
		_ = os.RemoveAll(work)
		if err == nil {
			return
		}
	}
}

// copyCluster copies a cluster that was shut down, but not its log.
func copyCluster(from, to string, owner *account) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rest, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rest)
		switch {
		case entry.IsDir():
			err = os.Mkdir(target, 0o700)
		case filepath.Dir(rest) == "pg_wal":
			return nil
		default:
			err = copyFile(path, target)
		}
		if err != nil {
			return err
		}
		return owner.own(target)
	})
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
