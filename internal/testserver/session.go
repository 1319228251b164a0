package testserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// session is the directory of all servers of this process, and the guard that removes it once the
// process has ended in whatever way.
type session struct {
	dir string
	// memory is a second directory, in memory, for servers that don't sync. It's dir where there's no room for it. Making
	// a PostgreSQL cluster there takes a tenth of the processor time: after many files were removed, ext4 looks at
	// every inode that they had before it takes one.
	memory string
	guard  int      // process id
	alive  *os.File // the guard sees the end of this pipe when the process ends
	count  atomic.Int64
}

// The guard waits for the end of its standard input. Servers die at the same moment and may still be
// writing, so it tries more than once.
const guardScript = `trap "" INT TERM HUP
cat >/dev/null
for try in 1 2 3 4 5 6 7 8 9 10; do
	rm -rf -- "$@" 2>/dev/null && exit
	sleep 1
done`

var theSession = sync.OnceValues(newSession)

func newSession() (*session, error) {
	dir, err := sessionDir("")
	if err != nil {
		return nil, fmt.Errorf("directory for servers: %w", err)
	}
	memory := dir
	if place := placeInMemory(); place != "" {
		if made, err := sessionDir(place); err == nil {
			memory = made
		}
	}
	end, alive, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("pipe to the guard of %s: %w", dir, err)
	}
	defer end.Close()
	guard := exec.Command("/bin/sh", "-c", guardScript, "bridge-guard", dir, memory)
	guard.Dir = "/"
	guard.Stdin = end
	guard.SysProcAttr = ownGroup()
	if err := guard.Start(); err != nil {
		return nil, fmt.Errorf("guard of %s: %w", dir, err)
	}
	return &session{dir: dir, memory: memory, guard: guard.Process.Pid, alive: alive}, nil
}

// sessionDir makes a directory through which the servers' user may pass.
func sessionDir(place string) (string, error) {
	dir, err := os.MkdirTemp(place, "bridge-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o711)
}

// newServerDir makes a directory for one server, which its user may write to.
func newServerDir(kind string, owner *account) (string, error) {
	s, err := theSession()
	if err != nil {
		return "", err
	}
	return s.newDir(s.dir, kind, owner)
}

// newDatabaseDir is newServerDir for a database server: in memory if it doesn't sync.
func newDatabaseDir(kind string, owner *account, noSync bool) (string, error) {
	s, err := theSession()
	if err != nil {
		return "", err
	}
	if noSync {
		return s.newDir(s.memory, kind, owner)
	}
	return s.newDir(s.dir, kind, owner)
}

func (s *session) newDir(place, kind string, owner *account) (string, error) {
	dir := filepath.Join(place, fmt.Sprintf("%s-%d", kind, s.count.Add(1)))
	return dir, makeDir(dir, owner)
}

// makeDir makes a directory that others may enter, for the sockets in it, and owner may write to.
func makeDir(dir string, owner *account) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("directory of a server: %w", err)
	}
	if err := owner.own(dir); err != nil {
		return fmt.Errorf("directory of a server: %w", err)
	}
	return nil
}

// checkSocketPath refuses a path that is too long for a Unix socket; option is what changes it.
func checkSocketPath(path, option string) error {
	const longest = 107 // bytes, less the one that ends it
	if len(path) > longest {
		return fmt.Errorf("socket %s has a path of more than %d bytes: set TMPDIR or %s to a shorter one", path, longest, option)
	}
	return nil
}
