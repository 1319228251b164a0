package testserver

import (
	"bytes"
	"fmt"
	"os"
	"sync"
)

// serverLog appends a server's output to a file and looks out for the line that says that it serves.
type serverLog struct {
	ready chan struct{} // closed when the line was seen

	mu   sync.Mutex
	file *os.File
	want []byte // nil once seen
	line []byte // what came of the last line, while want is looked for
}

func openLog(path, ready string) (*serverLog, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	return &serverLog{ready: make(chan struct{}), file: file, want: []byte(ready)}, nil
}

// Write takes the server's output as it comes. It never fails: a server must not die of a full disk
// under its log.
func (l *serverLog) Write(output []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.file.Write(output)
	if l.want == nil {
		return len(output), nil
	}
	l.line = append(l.line, output...)
	if bytes.Contains(l.line, l.want) {
		close(l.ready)
		l.want, l.line = nil, nil
	} else if end := bytes.LastIndexByte(l.line, '\n'); end >= 0 {
		l.line = append(l.line[:0], l.line[end+1:]...)
	}
	return len(output), nil
}

func (l *serverLog) Close() error { return l.file.Close() }

// logTail is the end of a log, for error messages.
func logTail(path string) []byte {
	const lines, size = 30, 8 << 10
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Appendf(nil, "(%v)", err)
	}
	content = bytes.TrimSpace(content[max(0, len(content)-size):])
	all := bytes.Split(content, []byte("\n"))
	return bytes.Join(all[max(0, len(all)-lines):], []byte("\n"))
}
