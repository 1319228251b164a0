package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the bridge program under test, built once.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "bridge-integration-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "bridge")
	if out, err := exec.Command("go", "build", "-o", program, "bridge/cmd/bridge").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build bridge: %v\n%s", err, out)
		return 1
	}
	defer closeSharedKafka()
	return m.Run()
}
