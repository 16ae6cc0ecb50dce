// Limits of the process: descriptors, log readers that end, and signals.

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// child is an onsale process that the harness does not run, because its descriptors or its stderr are special.
type child struct {
	*exec.Cmd
	stderr io.ReadCloser
	exited chan error
}

// startChild runs "onsale serve" for the node, after the shell commands in setup, and waits until it responds.
func startChild(t *testing.T, node *harness.Node, setup string) *child {
	t.Helper()
	args := append([]string{"serve", "--data", node.Data, "--listen", node.Addr}, node.Args...)
	c := &child{Cmd: exec.Command("sh", append([]string{"-c", setup + `; exec onsale "$@"`, "sh"}, args...)...), exited: make(chan error, 1)}
	c.Env = append(os.Environ(), "ONSALE_NODE=box-1", "ONSALE_LIMITS_PER_USER=0")
	var err error
	if c.stderr, err = c.StderrPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(c.stderr)
	for line := ""; !strings.HasPrefix(line, "listening on "); {
		if line, err = lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		t.Log(strings.TrimSpace(line))
	}
	go func() {
		state, _ := c.Process.Wait()
		c.exited <- fmt.Errorf("%s", state)
	}()
	t.Cleanup(func() { _ = c.Process.Kill() })
	return c
}

// waitExit requires that the process ends with exit code 0.
func (c *child) waitExit(t *testing.T) {
	t.Helper()
	select {
	case state := <-c.exited:
		if state.Error() != "exit status 0" {
			t.Errorf("the process ended with %v, want exit status 0", state)
		}
	case <-time.After(20 * time.Second):
		t.Error("the process does not end")
	}
}

// With more idle connections than descriptors the node closes the oldest, and the log goes on.
func TestLimits_SurviveIdleConnections(t *testing.T) {
	t.Parallel()
	ctx := harness.TimeoutContext(t, 2*time.Minute)
	node := harness.NewNode(t, "--demo")
	c := startChild(t, node, "ulimit -n 256")
	issue := func(i int) {
		client := harness.NewHTTPClient(t, 1)
		user := fmt.Sprint("u", i)
		a := node.MustDo(ctx, client, "POST", "/api/v1/promotions/demo/coupons", "", "X-User-Id", user, "Prefer", "wait=10")
		if a.Status != http.StatusCreated {
			t.Errorf("%s got %v, want 201", user, a)
		}
		client.CloseIdleConnections()
	}
	for i := range 1_100 {
		conn, err := net.Dial("tcp", node.Addr)
		if err != nil {
			t.Fatal(i, err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(i, err)
		}
		if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		if i%100 == 99 {
			issue(i)
		}
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	c.waitExit(t)
	node.MustAudit()
}

// The process does not end with the reader of its log, and is shut down as without one.
func TestLogging_SurvivesItsReader(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, time.Minute), harness.NewHTTPClient(t, 0)
	node := harness.NewNode(t, "--demo", "--streams-drain-window", "100ms")
	c := startChild(t, node, ":")
	c.stderr.Close()
	stream, err := http.Get(node.URL() + "/subscribe/kim")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	if err := c.Process.Signal(syscall.SIGTERM); err != nil { // which writes to the log
		t.Error(err)
	}
	rest, err := io.ReadAll(stream.Body)
	if err != nil || !strings.Contains(string(rest[max(0, len(rest)-20):]), "retry: ") {
		t.Errorf("the stream ends with %.300q %v, want a retry delay", rest[max(0, len(rest)-100):], err)
	}
	c.waitExit(t)
	c = startChild(t, node, ":")
	node.IssueCoupons(ctx, client, "u1")
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Error(err)
	}
	c.waitExit(t)
}

// SIGHUP, as when a terminal is closed, ends the node as SIGTERM does, unless nohup started it.
func TestSignals_HangUp(t *testing.T) {
	t.Parallel()
	ctx, client := harness.TimeoutContext(t, time.Minute), harness.NewHTTPClient(t, 0)
	node := harness.NewNode(t, "--demo", "--streams-drain-window", "100ms")
	c := startChild(t, node, ":")
	stream, err := http.Get(node.URL() + "/subscribe/kim")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Error(err)
	}
	rest, err := io.ReadAll(stream.Body)
	if err != nil || !strings.Contains(string(rest[max(0, len(rest)-20):]), "retry: ") {
		t.Errorf("the stream ends with %.300q %v, want a retry delay", rest[max(0, len(rest)-100):], err)
	}
	c.waitExit(t)
	c = startChild(t, node, "trap '' HUP")
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Error(err)
	}
	harness.Sleep(ctx, 300*time.Millisecond)
	node.IssueCoupons(ctx, client, "u1")
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	c.waitExit(t)
}
