//go:build unix && !linux

package testserver

import "syscall"

// ownGroup keeps a terminal's signals from a process: whoever started it ends it.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// attributes make a process run as an account. The signal at this process's death is Linux's alone.
func attributes(as *account, _ syscall.Signal) *syscall.SysProcAttr {
	attr := ownGroup()
	if as != nil {
		attr.Credential = &syscall.Credential{Uid: uint32(as.uid), Gid: uint32(as.gid)}
	}
	return attr
}

// killTree ends a process; its children notice by themselves.
func killTree(pid int) {
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

func placeInMemory() string { return "" }
