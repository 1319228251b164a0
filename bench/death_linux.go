package main

import "syscall"

// diesWithParent has the kernel end bridge's processes when the benchmark is killed. It goes by the
// thread that started them; Go ends threads only when a goroutine locked to one returns, and none is.
func diesWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
