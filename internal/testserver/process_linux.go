package testserver

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// ownGroup keeps a terminal's signals from a process: whoever started it ends it.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// attributes make a process run as an account and get the signal atDeath when this process dies.
func attributes(as *account, atDeath syscall.Signal) *syscall.SysProcAttr {
	attr := ownGroup()
	attr.Pdeathsig = atDeath
	if as != nil {
		attr.Credential = &syscall.Credential{Uid: uint32(as.uid), Gid: uint32(as.gid)}
	}
	return attr
}

// killTree ends a process and its children at once. It's stopped first, so that it can neither start
// more of them nor tell them anything.
func killTree(pid int) {
	_ = syscall.Kill(pid, syscall.SIGSTOP)
	for _, child := range children(pid) {
		_ = syscall.Kill(child, syscall.SIGKILL)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

func children(parent int) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		content, err := os.ReadFile(stat)
		if err != nil {
			continue // it has ended
		}
		// "pid (name) state ppid …", where the name may hold anything
		fields := bytes.Fields(content[bytes.LastIndexByte(content, ')')+1:])
		if len(fields) < 2 || string(fields[1]) != strconv.Itoa(parent) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(stat))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// placeInMemory is a directory whose files are in memory; empty where it has no room for many servers, as in most containers.
func placeInMemory() string {
	const place, room = "/dev/shm", 8 << 30
	var fs syscall.Statfs_t
	if err := syscall.Statfs(place, &fs); err != nil || fs.Bavail*uint64(fs.Bsize) < room {
		return ""
	}
	return place
}
