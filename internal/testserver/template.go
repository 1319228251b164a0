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

// templateMu has one initialization run at a time: others then find its outcome.
var templateMu sync.Mutex

// newDataDir makes a new database cluster in dir. Clusters are copied from a template, which is ten
// times faster than initdb, and each gets a system identifier of its own.
func newDataDir(ctx context.Context, bin, dir string, owner *account) error {
	version, err := postgresVersion(ctx, bin)
	if err != nil {
		return err
	}
	from, err := template("initdb-"+version, owner, func(dir string) error { return initdb(ctx, bin, dir, owner) })
	if err != nil {
		return err
	}
	if err := copyTree(from, dir, owner, "pg_wal"); err != nil {
		return fmt.Errorf("copy of the cluster template %s: %w", from, err)
	}
	if err := newSystemIdentifier(filepath.Join(dir, "global", "pg_control")); err != nil {
		return err
	}
	// The template's log isn't copied, and would have the old identifier: begin a new one.
	return run(ctx, owner, filepath.Join(bin, "pg_resetwal"), "-D", dir)
}

// template is a freshly initialized data directory, in the cache, or in the session where no cache can
// be written to. name tells what was initialized and its version; initialize makes it where it's absent,
// in a directory whose parent is the owner's.
func template(name string, owner *account, initialize func(dir string) error) (string, error) {
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
	work, err := newServerDir("initdb", owner)
	if err != nil {
		return "", err
	}
	made := filepath.Join(work, "data")
	if err := initialize(made); err != nil {
		return "", err
	}
	if err := os.Rename(made, fresh); err != nil {
		return "", err
	}
	keep(fresh, places)
	return fresh, nil
}

func initdb(ctx context.Context, bin, dir string, owner *account) error {
	return run(ctx, owner, filepath.Join(bin, "initdb"), "-D", dir, "-U", "postgres", "-A", "trust",
		"-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
}

// postgresVersion is the exact version of the programs in bin.
func postgresVersion(ctx context.Context, bin string) (string, error) {
	version, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return "", fmt.Errorf("version of PostgreSQL in %s: %w", bin, errors.Join(err, context.Cause(ctx)))
	}
	// "postgres (PostgreSQL) 15.18 (Debian …)"
	words := strings.Fields(string(version))
	if len(words) < 3 {
		return "", fmt.Errorf("version of PostgreSQL in %s is unreadable: %q", bin, version)
	}
	return words[2], nil
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
		err = copyTree(template, data, nil, "")
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

// copyTree copies the data directory of a server that was shut down, but not the file omit at its top,
// nor what is in it when it's a directory.
func copyTree(from, to string, owner *account, omit string) error {
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
		case rest == omit, filepath.Dir(rest) == omit && omit != "":
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
