package testserver

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// However the output is cut into pieces, the server counts as ready when a line of it has the words.
func TestLogFindsReadyInAnyPieces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	rapid.Check(t, func(t *rapid.T) {
		const ready = "is ready"
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{"is", " ", "ready", "re", "ady", "\n", "x"})).Draw(t, "text"), "")
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		log, err := openLog(path, ready)
		if err != nil {
			t.Fatal(err)
		}
		for rest := []byte(text); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			if _, err := log.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		got := false
		select {
		case <-log.ready:
			got = true
		default:
		}
		if want := strings.Contains(text, ready); got != want {
			t.Errorf("ready = %t, want %t, in %q", got, want, text)
		}
		if written, err := os.ReadFile(path); err != nil || string(written) != text {
			t.Errorf("file has %q (%v), want %q", written, err, text)
		}
	})
}

func TestNewSystemIdentifier(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pg_control")
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "first")
		for range rapid.IntRange(0, 80).Draw(t, "words") {
			body = binary.NativeEndian.AppendUint32(body, rapid.Uint32().Draw(t, "word"))
		}
		content := binary.NativeEndian.AppendUint32(body, crc32.Checksum(body, castagnoli))
		content = append(content, make([]byte, 8192-len(content))...)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := newSystemIdentifier(path); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if at, ok := findChecksum(got); !ok || at != len(body) {
			t.Errorf("checksum at %d (%t), want at %d", at, ok, len(body))
		}
		if string(got[8:len(body)]) != string(body[8:]) || string(got[:8]) == string(body[:8]) {
			t.Error("more or less than the identifier changed")
		}
	})

	if err := os.WriteFile(path, []byte(strings.Repeat("no control file ", 512)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := newSystemIdentifier(path); err == nil {
		t.Error("a file without checksum was taken for a control file")
	}
}

func TestPortsTakenByOthers(t *testing.T) {
	refused := errors.New("address in use")
	var squatter net.Listener
	var given []int
	err := withFreePorts(1, func(ports []int) (err error) {
		given = append(given, ports...)
		if squatter == nil {
			squatter, err = net.Listen("tcp", loopback(ports[0]))
			return errors.Join(refused, err)
		}
		return nil
	})
	defer squatter.Close()
	if err != nil || len(given) != 2 || given[0] == given[1] {
		t.Errorf("with the first port taken: %v, ports %v", err, given)
	}

	tries := 0
	err = withFreePorts(2, func([]int) error { tries++; return refused })
	if !errors.Is(err, refused) || tries != 1 {
		t.Errorf("an error that isn't the port's: %v after %d tries, want it after one", err, tries)
	}
}
