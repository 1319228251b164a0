package testserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// Ports are drawn from below Linux's ephemeral range, so that no outgoing connection takes a server's
// port while the server is down.
const firstPort, lastPort = 20000, 32000

var (
	portsMu    sync.Mutex
	portsGiven = map[int]bool{} // to this process's servers; never given twice, for servers restart
)

// freePort draws a port on loopback that nobody listens on. Another process may take it before the
// server does: then the server doesn't start, and its starter draws again.
func freePort() (int, error) {
	portsMu.Lock()
	defer portsMu.Unlock()
	var last error
	for range 200 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if portsGiven[port] {
			continue
		}
		if last = probe(port); last == nil {
			portsGiven[port] = true
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port on loopback from %d to %d: %w", firstPort, lastPort, last)
}

func probe(port int) error {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return err
	}
	return l.Close()
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// withFreePorts calls begin with n fresh ports, and again with others as long as somebody else took
// one of them first.
func withFreePorts(n int, begin func(ports []int) error) error {
	const tries = 5
	var errs []error
	for range tries {
		ports := make([]int, n)
		for i := range ports {
			var err error
			if ports[i], err = freePort(); err != nil {
				return err
			}
		}
		err := begin(ports)
		if err == nil || !anyTaken(ports) {
			return err
		}
		errs = append(errs, err)
	}
	return fmt.Errorf("ports were taken by others %d times: %w", tries, errors.Join(errs...))
}

func anyTaken(ports []int) bool {
	for _, port := range ports {
		if probe(port) != nil {
			return true
		}
	}
	return false
}
