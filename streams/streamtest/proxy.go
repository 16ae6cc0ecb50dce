// A proxy between a node and its NATS, for faults of the network that no error announces.

package streamtest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Proxy forwards connections to a nats-server.
type Proxy struct {
	URL string

	target string

	mu       sync.Mutex    // guards what follows
	held     chan struct{} // closed when the network is back; nil: it is not cut
	dropping bool          // what consumers deliver
	conns    []net.Conn
}

// NewProxy starts a proxy to the server at url, until the end of the test.
func NewProxy(tb testing.TB, url string) *Proxy {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{URL: "nats://" + listener.Addr().String(), target: strings.TrimPrefix(url, "nats://")}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() { p.serve(client) })
		}
	})
	tb.Cleanup(func() {
		listener.Close()
		p.Hold(false)
		p.mu.Lock()
		for _, c := range p.conns {
			c.Close()
		}
		p.conns = nil
		p.mu.Unlock()
		group.Wait()
	})
	return p
}

// Hold cuts the network, or ends that: nothing is forwarded, and no connection breaks. What was sent meanwhile then arrives, as TCP has
// it.
func (p *Proxy) Hold(hold bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case hold && p.held == nil:
		p.held = make(chan struct{})
	case !hold && p.held != nil:
		close(p.held)
		p.held = nil
	}
}

// DropDeliveries makes the consumers of the connections deliver nothing, not even heartbeats, while the server answers requests.
func (p *Proxy) DropDeliveries(drop bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropping = drop
}

// wait waits while the network is cut, and says whether deliveries are dropped.
func (p *Proxy) wait() (drops bool) {
	for {
		p.mu.Lock()
		held, drops := p.held, p.dropping
		p.mu.Unlock()
		if held == nil {
			return drops
		}
		<-held
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	p.wait()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	p.mu.Lock()
	p.conns = append(p.conns, client, server)
	p.mu.Unlock()
	go func() {
		defer server.Close()
		buffer := make([]byte, 32<<10)
		for {
			n, err := client.Read(buffer)
			if err != nil {
				return
			}
			p.wait()
			if _, err := server.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	for r := bufio.NewReader(server); ; {
		message, isDelivery, err := readProtocol(r)
		if err != nil {
			return
		}
		if p.wait() && isDelivery {
			continue
		}
		if _, err := client.Write(message); err != nil {
			return
		}
	}
}

// readProtocol reads one operation of the server, with its payload. Deliveries are messages of consumers, and what consumers say of
// their state.
func readProtocol(r *bufio.Reader) (message []byte, isDelivery bool, err error) {
	if message, err = r.ReadBytes('\n'); err != nil {
		return nil, false, err
	}
	fields := bytes.Fields(message)
	if len(fields) < 4 || string(fields[0]) != "MSG" && string(fields[0]) != "HMSG" {
		return message, false, nil
	}
	size, err := strconv.Atoi(string(fields[len(fields)-1]))
	if err != nil {
		return nil, false, fmt.Errorf("operation %q: %w", message, err)
	}
	payload := make([]byte, size+2)
	if _, err := io.ReadFull(r, payload); err != nil {
		return nil, false, err
	}
	isDelivery = bytes.Contains(message, []byte(" $JS.ACK.")) || bytes.HasPrefix(payload, []byte("NATS/1.0 1")) || bytes.HasPrefix(payload, []byte("NATS/1.0 4"))
	return append(message, payload...), isDelivery, nil
}
