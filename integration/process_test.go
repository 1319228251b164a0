package integration

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long anything may take before it counts as hanging. The machine may be busy.
const patience = 2 * time.Minute

// process is a running bridge program and all that it has said.
type process struct {
	name string
	cmd  *exec.Cmd
	log  *output
	done chan struct{} // closed when it has ended
}

// output gathers what a process says.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed, and made anew, at every write
}

func newOutput() *output { return &output{more: make(chan struct{})} }

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.more)
	o.more = make(chan struct{})
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// spawn starts processes from one thread that never ends, so that the kernel ends them with this process
// and not before: it looks at the thread.
var spawn = sync.OnceValue(func() func(*exec.Cmd) error {
	type job struct {
		cmd  *exec.Cmd
		done chan error
	}
	jobs := make(chan job)
	go func() {
		runtime.LockOSThread()
		for j := range jobs {
			j.done <- j.cmd.Start()
		}
	}()
	return func(c *exec.Cmd) error {
		j := job{c, make(chan error)}
		jobs <- j
		return <-j.done
	}
})

// launch starts bridge with arguments; env is added to the environment. log may be one that an earlier
// process wrote to.
func launch(t testing.TB, name string, log *output, env []string, args ...string) *process {
	t.Helper()
	p := &process{name: name, cmd: exec.Command(program, args...), log: log, done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	fmt.Fprintf(log, "--- %s starts: %s %s\n", name, strings.Join(env, " "), strings.Join(args, " "))
	if err := spawn()(p.cmd); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait() //nolint:errcheck // ProcessState tells
		fmt.Fprintf(log, "--- %s ended: %s\n", name, p.cmd.ProcessState)
		close(p.done)
	}()
	return p
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// signal sends a signal; to a process that has ended it does nothing.
func (p *process) signal(s syscall.Signal) {
	if p.running() {
		p.cmd.Process.Signal(s) //nolint:errcheck // it may be ending
	}
}

// pause stops the process until it gets SIGCONT. The signal alone lets its threads run until one of them has taken it, which
// on a busy machine is time enough to ship a transaction.
func (p *process) pause(t testing.TB) {
	t.Helper()
	p.signal(syscall.SIGSTOP)
	err := error(unix.EINTR)
	for err == unix.EINTR {
		err = unix.Waitid(unix.P_PID, p.cmd.Process.Pid, nil, unix.WSTOPPED, nil)
	}
	if err != nil {
		t.Fatalf("%s doesn't stop: %v", p.name, err)
	}
}

// wait waits for the process's end and gives its exit status; -1 if a signal ended it.
func (p *process) wait(t testing.TB) int {
	t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		t.Fatalf("%s doesn't end; its log ends:\n%s", p.name, lastLines(p.log.String(), 30))
		return 0
	}
}

// kill is kill -9.
func (p *process) kill(t testing.TB) {
	t.Helper()
	p.signal(syscall.SIGKILL)
	p.wait(t)
}

// said waits until the process has said what want says, after the first skip bytes of its log, and gives
// the line.
func (p *process) said(t testing.TB, skip int, want string) string {
	t.Helper()
	limit := time.After(patience)
	for {
		p.log.mu.Lock()
		text, more := p.log.text.String()[skip:], p.log.more
		p.log.mu.Unlock()
		if at := strings.Index(text, want); at >= 0 {
			if end := strings.IndexByte(text[at:], '\n'); end >= 0 {
				return text[strings.LastIndexByte(text[:at], '\n')+1 : at+end]
			}
		}
		select {
		case <-more:
		case <-p.done:
			if !strings.Contains(p.log.String()[skip:], want) {
				t.Fatalf("%s ended without saying %q; its log ends:\n%s", p.name, want, lastLines(p.log.String(), 30))
			}
		case <-limit:
			t.Fatalf("%s doesn't say %q; its log ends:\n%s", p.name, want, lastLines(p.log.String(), 30))
		}
	}
}

// command runs bridge to its end and gives what it printed.
func command(t testing.TB, args ...string) (stdout string, code int) {
	t.Helper()
	cmd := exec.Command(program, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := spawn()(cmd); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() //nolint:errcheck // ProcessState tells
	if code = cmd.ProcessState.ExitCode(); code != 0 {
		t.Logf("bridge %s: exit status %d\n%s%s", strings.Join(args, " "), code, out.String(), errs.String())
	}
	return out.String(), code
}

func lastLines(text string, n int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-n):], "\n")
}

// eventually asks until the answer is yes. It's for what a server or a bridge shows only when asked; state
// tells, on failure, how far it came.
func eventually(t testing.TB, what string, ask func() (ok bool, state string)) {
	t.Helper()
	const pause = 20 * time.Millisecond
	began := time.Now()
	for {
		ok, state := ask()
		if ok {
			return
		}
		if time.Since(began) > patience {
			t.Fatalf("not within %s: %s (%s)", patience, what, state)
		}
		time.Sleep(pause)
	}
}
