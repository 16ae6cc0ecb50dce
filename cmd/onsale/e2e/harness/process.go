package harness

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Node is the data, the address and the flags of a node, which may be started many times.
type Node struct {
	tb   testing.TB
	Data string
	Addr string
	Args []string
	NATS string // URL of an external NATS; "" for the log in Data

	Namespace string // network namespace that it runs in; "": the test's
}

// NewNode returns a node with an empty data directory. It is not started.
func NewNode(tb testing.TB, args ...string) *Node {
	tb.Helper()
	return &Node{tb: tb, Data: tb.TempDir(), Addr: FreeAddress(tb), Args: args}
}

// logFlags name the node's log to the tools.
func (n *Node) logFlags() []string {
	if n.NATS != "" {
		return []string{"--nats-url", n.NATS}
	}
	return []string{"--data", n.Data}
}

// URL is the node's base URL.
func (n *Node) URL() string {
	if slices.Contains(n.Args, "--tls-cert") {
		return "https://" + n.Addr
	}
	return "http://" + n.Addr
}

// Process is one run of a node.
type Process struct {
	cmd    *exec.Cmd
	ready  chan struct{} // closed when it listens
	exited chan struct{} // closed when it has ended; then err and stderr may be read
	err    error
	stderr bytes.Buffer
}

// Launch starts a process without waiting until it is ready.
func (n *Node) Launch() (*Process, error) {
	p := &Process{ready: make(chan struct{}), exited: make(chan struct{})}
	command := append([]string{"onsale", "serve", "--data", n.Data, "--listen", n.Addr}, n.Args...)
	if n.Namespace != "" {
		command = append([]string{"ip", "netns", "exec", n.Namespace}, command...)
	}
	p.cmd = exec.Command(command[0], command[1:]...)
	// Tests send more as one user, and from one address, than people do, and run on machines that are busy with others.
	p.cmd.Env = append(os.Environ(), "ONSALE_NODE=box-1", "ONSALE_LIMITS_PER_USER=0", "ONSALE_LIMITS_PER_ADDRESS=0", "ONSALE_BACKLOG_MAX_AGE=1m")
	out, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.exited)
		listening := sync.OnceFunc(func() { close(p.ready) })
		for lines := bufio.NewScanner(out); lines.Scan(); {
			fmt.Fprintln(&p.stderr, lines.Text())
			if strings.HasPrefix(lines.Text(), "listening on ") {
				listening()
			}
		}
		p.err = p.cmd.Wait()
	}()
	return p, nil
}

// Start starts a process and waits until it listens. The process is killed when the test ends.
func (n *Node) Start() *Process {
	n.tb.Helper()
	p, err := n.Launch()
	if err != nil {
		n.tb.Fatal(err)
	}
	n.tb.Cleanup(func() {
		p.Kill()
		if n.tb.Failed() {
			n.tb.Logf("stderr of %s:\n%s", n.Addr, &p.stderr)
		}
	})
	select {
	case <-p.ready:
	case <-p.exited:
		n.tb.Fatalf("the node did not start: %v\n%s", p.err, &p.stderr)
	case <-time.After(60 * time.Second):
		p.Kill()
		n.tb.Fatalf("the node does not listen:\n%s", &p.stderr)
	}
	return p
}

// StartDemo starts a process and waits until the demo's sales are open, the last of which is the promotion of the concert.
func (n *Node) StartDemo() *Process {
	n.tb.Helper()
	p := n.Start()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		response, err := http.Get(n.URL() + "/api/v1/promotions/concert")
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return p
			}
		}
		if time.Now().After(deadline) {
			n.tb.Fatalf("the demo does not open: %v", err)
		}
	}
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill is kill -9. It returns when the process has ended.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.exited
}

// Terminate sends SIGTERM, requires exit code 0 within 15 s, and returns how long the shutdown took.
func (p *Process) Terminate(tb testing.TB) time.Duration {
	tb.Helper()
	start := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		tb.Error(err)
	}
	select {
	case <-p.exited:
	case <-time.After(15 * time.Second):
		p.Kill()
		tb.Errorf("the node did not end within 15 s after SIGTERM:\n%s", &p.stderr)
	}
	if p.err != nil {
		tb.Errorf("after SIGTERM: %v\n%s", p.err, &p.stderr)
	}
	return time.Since(start)
}

// ExitCode waits until a process ends by itself.
func (p *Process) ExitCode(tb testing.TB) int {
	tb.Helper()
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
		p.Kill()
		tb.Errorf("the node did not end:\n%s", &p.stderr)
	}
	return p.cmd.ProcessState.ExitCode()
}

// Stderr is what a process that has ended wrote to stderr.
func (p *Process) Stderr() string { return p.stderr.String() }

// RunTool runs onsale with these arguments for at most a minute.
func (n *Node) RunTool(args ...string) (stdout, stderr string, code int) {
	n.tb.Helper()
	return n.RunToolWithin(60*time.Second, args...)
}

// RunToolWithin kills a tool that runs longer than limit; its exit code is then -1.
func (n *Node) RunToolWithin(limit time.Duration, args ...string) (stdout, stderr string, code int) {
	n.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "onsale", args...)
	cmd.Env = append(os.Environ(), "ONSALE_NODE=box-1")
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return out.String(), errOut.String(), exit.ExitCode()
	}
	if err != nil {
		n.tb.Fatal(err)
	}
	return out.String(), errOut.String(), 0
}

// MustAudit requires that onsale audit accepts the logs of the stopped node, and its read store.
func (n *Node) MustAudit() {
	n.tb.Helper()
	stdout, stderr, code := n.RunTool(append([]string{"audit"}, n.logFlags()...)...)
	if code != 0 || n.NATS == "" && !strings.Contains(stdout, "read store: equal to one rebuilt from EVENTS") {
		n.tb.Errorf("onsale audit: exit code %d, want 0 and an equal store\n%s%s", code, stdout, stderr)
	}
}
