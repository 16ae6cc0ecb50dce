// A cluster of nats-servers in this process, on loopback, each with its own directory. Stopping one is a clean shutdown, not a
// kill.

package streamtest

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Servers is a cluster. Its methods must be called from one goroutine.
type Servers struct {
	URLs    []string // one for each server
	tb      testing.TB
	options []*server.Options
	running []*server.Server
}

// Cluster starts n servers and waits for a meta leader, so that streams can be created. With n = 1 it starts a single server
// without clustering.
func Cluster(tb testing.TB, n int) *Servers {
	tb.Helper()
	return cluster(tb, n, func(*server.Options) {})
}

func cluster(tb testing.TB, n int, change func(*server.Options)) *Servers {
	tb.Helper()
	s := &Servers{tb: tb, running: make([]*server.Server, n)}
	ports := freePorts(tb, 2*n)
	var routes []string
	for i := range n {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", ports[n+i]))
	}
	for i := range n {
		s.URLs = append(s.URLs, fmt.Sprintf("nats://127.0.0.1:%d", ports[i]))
		o := &server.Options{
			ServerName: fmt.Sprintf("server-%d", i), Host: "127.0.0.1", Port: ports[i],
			JetStream: true, StoreDir: tb.TempDir(), JetStreamMaxStore: 16 << 30, JetStreamMaxMemory: 1 << 30,
			NoSigs: true, NoLog: true, DisableJetStreamBanner: true,
		}
		if n > 1 {
			o.Routes = server.RoutesFromStr(strings.Join(routes, ","))
			o.Cluster.Name, o.Cluster.Host, o.Cluster.Port = "streamtest", "127.0.0.1", ports[n+i]
		}
		change(o)
		s.options = append(s.options, o)
	}
	tb.Cleanup(func() {
		for i := range n {
			s.Stop(i)
		}
	})
	for i := range n {
		s.start(i)
	}
	s.waitForLeader()
	return s
}

// Stop shuts server i down and waits for it. Stopping it twice does nothing.
func (s *Servers) Stop(i int) {
	if s.running[i] == nil {
		return
	}
	s.running[i].Shutdown()
	s.running[i].WaitForShutdown()
	s.running[i] = nil
}

// Restart starts server i again on its directory and its port, and waits until all servers have caught up: stopping one while
// another is still behind can leave a stream without a leader for minutes.
func (s *Servers) Restart(i int) {
	s.tb.Helper()
	s.Stop(i)
	s.start(i)
	s.waitForLeader()
	s.waitFor("all servers are healthy", func() bool {
		for _, running := range s.running {
			if running != nil && running.Healthz(nil).Error != "" {
				return false
			}
		}
		return true
	})
}

// Configure changes the configuration of server i, from its next start on.
func (s *Servers) Configure(i int, change func(*server.Options)) { change(s.options[i]) }

// LeaderOf returns the server that leads a stream, or -1.
func (s *Servers) LeaderOf(stream string) int {
	for i, running := range s.running {
		if running != nil && running.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, stream) {
			return i
		}
	}
	return -1
}

func (s *Servers) start(i int) {
	s.tb.Helper()
	running, err := server.NewServer(s.options[i].Clone())
	if err != nil {
		s.tb.Fatal(err)
	}
	running.Start()
	s.running[i] = running
	if !running.ReadyForConnections(10 * time.Second) {
		s.tb.Fatalf("server %d is not ready", i)
	}
}

func (s *Servers) waitForLeader() {
	s.tb.Helper()
	if len(s.running) == 1 {
		return
	}
	s.waitFor("the cluster has a leader", func() bool {
		for _, running := range s.running {
			if running != nil && running.JetStreamIsLeader() {
				return true
			}
		}
		return false
	})
}

// waitFor polls, because a server has no notification for leadership or health.
func (s *Servers) waitFor(what string, cond func() bool) {
	s.tb.Helper()
	for deadline := time.Now().Add(30 * time.Second); !cond(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.tb.Fatal("timed out waiting until ", what)
		}
	}
}

func freePorts(tb testing.TB, n int) (ports []int) {
	tb.Helper()
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		defer listener.Close() // only at the end, so that all ports differ
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports
}
