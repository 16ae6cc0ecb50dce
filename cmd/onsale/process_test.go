// A node in a process of its own, which can be killed as only a process can. It is this test binary, started as onsale.

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var seedFlag = flag.Uint64("seed", 0, "for tests that throw dice; 0 draws one, which a failed test tells")

// newRNG are a test's own, and their seed is told when the test fails.
func newRNG(tb testing.TB) *rand.Rand {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64N(1 << 32)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("to throw the same dice again: -seed %d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

// longTests says that minutes may be taken.
func longTests() bool { return os.Getenv("ONSALE_TEST_LONG") != "" }

// timeoutContext is a context that ends before the test binary does.
func timeoutContext(tb testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	tb.Cleanup(cancel)
	return ctx
}

// freeAddress is on a port outside of those from which outgoing connections take theirs: between two lives of a node
// nobody else gets its port, and none of its clients connects to itself.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	tb.Fatal("no port is free")
	return ""
}

// testNode is where a node lives through many lives: its data, its address, its settings.
type testNode struct {
	tb   testing.TB
	data string
	addr string
	args []string
	nats string // of the log, when the box does not have it
}

func newTestNode(tb testing.TB, args ...string) *testNode {
	tb.Helper()
	return &testNode{tb: tb, data: tb.TempDir(), addr: freeAddress(tb), args: args}
}

// logFlags is where the tools find it.
func (b *testNode) logFlags() []string {
	if b.nats != "" {
		return []string{"--nats-url", b.nats}
	}
	return []string{"--data", b.data}
}

func (b *testNode) url() string { return "http://" + b.addr }

// nodeProcess is one process.
type nodeProcess struct {
	cmd    *exec.Cmd
	ready  chan struct{} // closed when it listens
	exited chan struct{} // closed when it has ended; then err and stderr may be read
	err    error
	stderr bytes.Buffer
}

// launch starts a life and does not wait until it is ready.
func (b *testNode) launch() (*nodeProcess, error) {
	l := &nodeProcess{ready: make(chan struct{}), exited: make(chan struct{})}
	l.cmd = exec.Command("onsale", append([]string{"serve", "--data", b.data, "--listen", b.addr}, b.args...)...)
	l.cmd.Env = append(os.Environ(), "ONSALE_NODE=box-1")
	out, err := l.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := l.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(l.exited)
		listening := sync.OnceFunc(func() { close(l.ready) })
		for lines := bufio.NewScanner(out); lines.Scan(); {
			fmt.Fprintln(&l.stderr, lines.Text())
			if strings.HasPrefix(lines.Text(), "listening on ") {
				listening()
			}
		}
		l.err = l.cmd.Wait()
	}()
	return l, nil
}

// startDemo waits until the demo is open too, so that nothing comes between its commands.
func (b *testNode) startDemo() *nodeProcess {
	b.tb.Helper()
	l := b.start()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		response, err := http.Get(b.url() + "/api/v1/schedules/demo")
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return l
			}
		}
		if time.Now().After(deadline) {
			b.tb.Fatalf("the demo does not open: %v", err)
		}
	}
}

// start begins a life and waits until it listens. The test ends it if nobody did before.
func (b *testNode) start() *nodeProcess {
	b.tb.Helper()
	l, err := b.launch()
	if err != nil {
		b.tb.Fatal(err)
	}
	b.tb.Cleanup(func() {
		l.kill()
		if b.tb.Failed() {
			b.tb.Logf("what %s said:\n%s", b.addr, &l.stderr)
		}
	})
	select {
	case <-l.ready:
	case <-l.exited:
		b.tb.Fatalf("the node did not start: %v\n%s", l.err, &l.stderr)
	case <-time.After(60 * time.Second):
		l.kill()
		b.tb.Fatalf("the node does not listen:\n%s", &l.stderr)
	}
	return l
}

// kill is kill -9, at any moment.
func (l *nodeProcess) kill() {
	_ = l.cmd.Process.Kill() // it may have ended already
	<-l.exited
}

// terminate is SIGTERM, and wants a clean end in time.
func (l *nodeProcess) terminate(tb testing.TB) time.Duration {
	tb.Helper()
	start := time.Now()
	if err := l.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		tb.Error(err)
	}
	select {
	case <-l.exited:
	case <-time.After(15 * time.Second):
		l.kill()
		tb.Errorf("after SIGTERM the node went on for more than 15 s:\n%s", &l.stderr)
	}
	if l.err != nil {
		tb.Errorf("after SIGTERM: %v\n%s", l.err, &l.stderr)
	}
	return time.Since(start)
}

// runTool runs a tool on the box's data and gives what it wrote.
func (b *testNode) runTool(args ...string) (stdout, stderr string, code int) {
	b.tb.Helper()
	return b.runToolWithin(60*time.Second, args...)
}

// runToolWithin kills a tool that goes on for longer; its exit code is then -1.
func (b *testNode) runToolWithin(limit time.Duration, args ...string) (stdout, stderr string, code int) {
	b.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "onsale", args...)
	cmd.Env = append(os.Environ(), "ONSALE_NODE=box-1")
	var out, faults bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &faults
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String(), faults.String(), exit.ExitCode()
	}
	if err != nil {
		b.tb.Fatal(err)
	}
	return out.String(), faults.String(), 0
}

// mustAudit wants the logs to follow from the rules, and the read store from the logs.
func (b *testNode) mustAudit() {
	b.tb.Helper()
	stdout, stderr, code := b.runTool(append([]string{"audit"}, b.logFlags()...)...)
	if code != 0 || b.nats == "" && !strings.Contains(stdout, "read store: equal to one made from EVENTS") {
		b.tb.Errorf("onsale audit: exit code %d, want 0 and an equal store\n%s%s", code, stdout, stderr)
	}
}

// newHTTPClient is the connections of many clients. A node that is killed takes them all with it.
func newHTTPClient(tb testing.TB, connections int) *http.Client {
	t := &http.Transport{MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections, DisableCompression: true}
	tb.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t}
}

// sleep waits, or says that ctx has ended.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// randomDuration is a time below d.
func randomDuration(rng *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(d)))
}
