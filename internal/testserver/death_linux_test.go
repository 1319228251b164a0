package testserver_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"bridge/internal/testserver"
)

// doomed is what a process that starts servers and is then killed tells about them.
type doomed struct {
	Dirs []string
	Pids []int
}

const doomedEnv = "BRIDGE_TEST_DOOMED"

func TestMain(m *testing.M) {
	if os.Getenv(doomedEnv) != "" {
		if err := beDoomed(); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// beDoomed starts servers, tells of them, and waits for its end.
func beDoomed() error {
	ctx := context.Background()
	var told doomed
	for _, version := range []int{15, 18} {
		server, err := testserver.StartPostgres(ctx, testserver.PostgresOptions{Version: version, NoSync: version == 18})
		if err != nil {
			return err
		}
		told.Pids = append(told.Pids, server.Pids()...)
	}
	for _, start := range []func(context.Context, testserver.MySQLOptions) (*testserver.MySQL, error){testserver.StartMySQL, testserver.StartMariaDB} {
		server, err := start(ctx, testserver.MySQLOptions{})
		if err != nil {
			return err
		}
		told.Pids = append(told.Pids, server.Pids()...)
	}
	broker, err := testserver.StartKafka(ctx, testserver.KafkaOptions{QuickStart: true})
	if err != nil {
		return err
	}
	told.Pids = append(told.Pids, broker.Pids()...)
	told.Dirs = testserver.SessionDirs()
	if err := json.NewEncoder(os.Stdout).Encode(told); err != nil {
		return err
	}
	select {}
}

func TestServersDieWithTheirProcess(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(self)
	parent.Env = append(os.Environ(), doomedEnv+"=yes")
	parent.Stderr = os.Stderr
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var told doomed
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err := errors.Join(err, json.Unmarshal(line, &told)); err != nil {
		parent.Process.Kill()
		t.Fatal(err, parent.Wait())
	}
	handles := map[int]int{} // pid → pidfd, taken while they surely live
	for _, pid := range told.Pids {
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			t.Errorf("process %d: %v", pid, err)
			continue
		}
		defer unix.Close(fd)
		handles[pid] = fd
	}

	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	parent.Wait()
	for pid, fd := range handles { // a process that stays ends the test by its time limit
		for {
			_, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
			if err == nil {
				break
			}
			if !errors.Is(err, unix.EINTR) {
				t.Fatalf("wait for process %d: %v", pid, err)
			}
		}
	}
	for _, dir := range told.Dirs {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", dir, err)
		}
	}
}
