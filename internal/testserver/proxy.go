package testserver

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Proxy is a TCP link to a server that can be cut, stalled and slowed. It runs in this process. Its
// methods are safe for use by several goroutines.
type Proxy struct {
	addr string

	mu    sync.Mutex
	link  *toxiproxy.Proxy
	toxic map[string]bool // names of the toxics in force
}

// NewProxy opens a link to a server at a TCP address. The server may come later, and restart.
func NewProxy(upstream string) (*Proxy, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	var link *toxiproxy.Proxy
	err := withFreePorts(1, func(ports []int) error {
		link = toxiproxy.NewProxy(server, "link", loopback(ports[0]), upstream)
		return link.Start()
	})
	if err != nil {
		return nil, fmt.Errorf("proxy to %s: %w", upstream, err)
	}
	return &Proxy{addr: link.Listen, link: link, toxic: map[string]bool{}}, nil
}

// Addr is where the link begins; it stays through cuts.
func (p *Proxy) Addr() string { return p.addr }

// Cut ends all connections and refuses new ones, until Heal.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.link.Stop()
}

// Stall swallows all that is sent, in both directions, until Heal: nobody is told, as when packets are
// lost on the way. What was swallowed never arrives: Heal ends the connections that were stalled.
func (p *Proxy) Stall() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.set("timeout", "timeout", 0)
}

// Latency delays each direction by d from now on; 0 ends it. It survives Cut and Heal.
func (p *Proxy) Latency(d time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if d == 0 {
		return p.unset("latency")
	}
	return p.set("latency", "latency", d.Milliseconds())
}

// Heal undoes Cut and Stall.
func (p *Proxy) Heal() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.unset("timeout"); err != nil {
		return err
	}
	if p.link.Enabled {
		return nil
	}
	if err := p.link.Start(); err != nil {
		return fmt.Errorf("proxy on %s doesn't listen again: %w", p.addr, err)
	}
	return nil
}

// Close ends the link.
func (p *Proxy) Close() { p.Cut() }

var directions = []string{"upstream", "downstream"}

// set puts a toxic of a kind on both directions, or changes the one that is there.
func (p *Proxy) set(kind, attribute string, value int64) error {
	for _, direction := range directions {
		name := kind + "_" + direction
		spec := fmt.Sprintf(`{"name":%q,"type":%q,"stream":%q,"attributes":{%q:%d}}`, name, kind, direction, attribute, value)
		var err error
		if p.toxic[name] {
			_, err = p.link.Toxics.UpdateToxicJson(name, strings.NewReader(spec))
		} else {
			_, err = p.link.Toxics.AddToxicJson(strings.NewReader(spec))
		}
		if err != nil {
			return fmt.Errorf("%s on proxy %s: %w", kind, p.addr, err)
		}
		p.toxic[name] = true
	}
	return nil
}

func (p *Proxy) unset(kind string) error {
	for _, direction := range directions {
		name := kind + "_" + direction
		if !p.toxic[name] {
			continue
		}
		if err := p.link.Toxics.RemoveToxic(context.Background(), name); err != nil {
			return fmt.Errorf("%s on proxy %s: %w", kind, p.addr, err)
		}
		delete(p.toxic, name)
	}
	return nil
}
