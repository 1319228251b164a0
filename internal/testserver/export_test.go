package testserver

// Pids are the processes that must be gone after this one: the server's and the session's guard.
func (p *Postgres) Pids() []int {
	s, _ := theSession()
	return []int{p.life.proc.pid, s.guard}
}

// Pids are the processes that must be gone after this one.
func (m *MySQL) Pids() []int { return []int{m.life.proc.pid} }

// Pids are the processes that must be gone after this one.
func (k *Kafka) Pids() []int { return []int{k.life.proc.pid} }

// SessionDirs are the directories that must be gone after this process; they may be one.
func SessionDirs() []string {
	s, _ := theSession()
	return []string{s.dir, s.memory}
}
