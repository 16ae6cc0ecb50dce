//go:build unix

// A cluster of nats-servers that are processes, so that a test can stop one as a whole and let it go on, as a machine does that hangs.

package streamtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const serverConfigVariable = "ONSALE_TEST_NATS_CONFIG"

// ServeIfChild makes this process a nats-server if Processes started it. TestMain calls it first.
func ServeIfChild() {
	path := os.Getenv(serverConfigVariable)
	if path == "" {
		return
	}
	options, err := server.ProcessConfigFile(path)
	if err != nil {
		panic(err)
	}
	s, err := server.NewServer(options)
	if err != nil {
		panic(err)
	}
	s.Start()
	s.WaitForShutdown()
	os.Exit(0)
}

// ServerProcesses is a cluster of processes.
type ServerProcesses struct {
	URLs      []string
	tb        testing.TB
	processes []*os.Process
	js        jetstream.JetStream
}

// Processes starts n servers as processes of this test binary, whose TestMain calls ServeIfChild.
func Processes(tb testing.TB, n int) *ServerProcesses {
	tb.Helper()
	binary, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	s := &ServerProcesses{tb: tb}
	ports := freePorts(tb, 2*n)
	var routes []string
	for i := range n {
		s.URLs = append(s.URLs, fmt.Sprintf("nats://127.0.0.1:%d", ports[i]))
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", ports[n+i]))
	}
	for i := range n {
		dir := tb.TempDir()
		path := filepath.Join(dir, "nats.conf")
		config := fmt.Sprintf("server_name: server-%d\nlisten: 127.0.0.1:%d\njetstream { store_dir: %q }\ncluster { name: test, listen: 127.0.0.1:%d, routes: [%s] }\n",
			i, ports[i], dir, ports[n+i], strings.Join(routes, ", "))
		if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
			tb.Fatal(err)
		}
		command := exec.Command(binary)
		command.Env = append(os.Environ(), serverConfigVariable+"="+path)
		if err := command.Start(); err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() {
			_ = command.Process.Kill()
			_ = command.Wait()
		})
		s.processes = append(s.processes, command.Process)
	}
	nc, err := nats.Connect(strings.Join(s.URLs, ","), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(nc.Close)
	if s.js, err = jetstream.New(nc); err != nil {
		tb.Fatal(err)
	}
	return s
}

// LeaderOf returns the server that leads a stream.
func (s *ServerProcesses) LeaderOf(stream string) int {
	s.tb.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		info, err := s.js.Stream(ctx, stream)
		cancel()
		if err != nil || info.CachedInfo().Cluster == nil {
			continue
		}
		for i := range s.processes {
			if info.CachedInfo().Cluster.Leader == fmt.Sprintf("server-%d", i) {
				return i
			}
		}
	}
	s.tb.Fatalf("%s has no leader", stream)
	return -1
}

// Pause stops server i as it is; Continue lets it go on.
func (s *ServerProcesses) Pause(i int)    { s.signal(i, syscall.SIGSTOP) }
func (s *ServerProcesses) Continue(i int) { s.signal(i, syscall.SIGCONT) }

func (s *ServerProcesses) signal(i int, signal syscall.Signal) {
	s.tb.Helper()
	if err := s.processes[i].Signal(signal); err != nil {
		s.tb.Fatal(err)
	}
}
