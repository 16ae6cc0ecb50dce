package stream

import (
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// onBothPaths runs a test under a clock of its own twice: with streams served by goroutines of net/http, and by the engine
// over sockets in memory.
func onBothPaths(t *testing.T, test func(t *testing.T)) {
	for _, path := range []string{"handler", "engine"} {
		t.Run(path, func(t *testing.T) { synctest.Test(t, test) })
	}
}

// byEngine says which of the two a test runs on.
func byEngine(t testing.TB) bool { return strings.Contains(t.Name()+"/", "/engine/") }

// memory is a kernel whose sockets are in memory.
type memory struct {
	mu    sync.Mutex
	wires map[int32]*wire
	count int32
}

func newMemory(*Hub) (poller, error) { return &memory{wires: map[int32]*wire{}}, nil }

func (m *memory) add(s *socket, c net.Conn) error {
	w := c.(*wire)
	m.mu.Lock()
	m.count++
	s.fd = m.count
	m.wires[s.fd] = w
	m.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.socket = s
	if w.gone {
		s.loop.notice(s, gone)
	}
	return nil
}

func (m *memory) wire(s *socket) *wire {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.wires[s.fd]
}

func (m *memory) write(s *socket, b []byte) (int, error) { return m.wire(s).push(b) }
func (m *memory) discard(*socket) error                  { return nil }
func (m *memory) close()                                 {}

func (m *memory) drop(s *socket) {
	w := m.wire(s)
	w.mu.Lock()
	w.socket = nil
	w.mu.Unlock()
	_ = w.Close()
	m.mu.Lock()
	delete(m.wires, s.fd)
	m.mu.Unlock()
}
