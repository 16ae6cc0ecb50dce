// The loaded server runs in its own process, so that its CPU can be measured apart from that of the load.

package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"onsale/cmd/onsale/bench/load"
)

// child is another process of this program.
type child struct {
	url     string
	dir     string // removed with it; "" for none
	command *exec.Cmd
	stdin   io.Closer     // closed when the parent ends, which ends the child
	drained chan struct{} // closed when stderr was read to its end
}

// startNode runs "onsale serve" on a free port with an empty directory, and without a limit of a user's commands, since a few users
// send thousands a second for some measures. Settings in the environment are removed: they are meant for another node, and may
// name its log.
func startNode(ctx context.Context, flags, environ []string, stderr io.Writer) (*child, error) {
	dir, err := os.MkdirTemp("", "onsale-bench-")
	if err != nil {
		return nil, err
	}
	var env []string
	for _, v := range environ {
		if !strings.HasPrefix(v, "ONSALE_") {
			env = append(env, v)
		}
	}
	args := append([]string{"serve", "--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0", "--limits-per-user", "0"}, flags...)
	c, err := startChild(ctx, args, env, stderr)
	if err != nil {
		os.RemoveAll(dir)
		return nil, hintError{err, "its errors are above; flags after -- are those of \"onsale serve\""}
	}
	c.dir = dir
	return c, nil
}

// startChild waits until the child prints its address; everything else that it prints goes to stderr.
func startChild(ctx context.Context, args, env []string, stderr io.Writer) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, self, args...)
	command.Args[0], command.Env = "onsale", env
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 20 * time.Second
	c := &child{command: command, drained: make(chan struct{})}
	if c.stdin, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	stderrPipe, err := command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	listening := make(chan string, 1)
	go func() {
		defer close(c.drained)
		defer close(listening)
		lines := bufio.NewScanner(stderrPipe)
		for lines.Scan() {
			if url, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
				listening <- url
			} else if !strings.Contains(lines.Text(), "level=INFO") {
				fmt.Fprintln(stderr, lines.Text())
			}
		}
	}()
	url, ok := <-listening
	if !ok {
		return nil, errors.Join(errors.New("the node does not start"), command.Wait())
	}
	c.url = url
	return c, nil
}

func (c *child) pid() int { return c.command.Process.Pid }

// stop ends the child and removes its directory.
func (c *child) stop() {
	_ = c.command.Process.Signal(syscall.SIGTERM)
	c.stdin.Close()
	<-c.drained // before Wait, which closes the pipe
	_ = c.command.Wait()
	if c.dir != "" {
		os.RemoveAll(c.dir)
	}
}

// ServeEmpty answers 202 to everything until stdin ends: the cost of net/http alone.
func ServeEmpty(ctx context.Context, stderr io.Writer) error {
	l, err := listenUntilStdinEnds(stderr)
	if err != nil {
		return err
	}
	response := []byte(`{"requestId":"aaaaaaaaaaaaaaaaaaaaaa","status":"ACCEPTED"}`)
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"application/json"}
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(response)
	})}
	context.AfterFunc(ctx, func() { l.Close() })
	_ = server.Serve(l) // until the listener is closed
	return nil
}

// listenUntilStdinEnds listens on a free port and prints its address. The listener is closed when the parent is gone.
func listenUntilStdinEnds(stderr io.Writer) (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(stderr, "listening on http://%s\n", l.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		l.Close()
	}()
	return l, nil
}

// benchEmpty loads an empty handler with the same requests.
func benchEmpty(ctx context.Context, p Plan, stderr io.Writer) (result, error) {
	handler, err := startChild(ctx, []string{"bench", "empty"}, nil, stderr)
	if err != nil {
		return result{}, err
	}
	defer handler.stop()
	p.Target, p.What, p.Streams = handler.url, load.Nothing, 0
	run, err := load.Prepare(ctx, p.Plan)
	if err != nil {
		return result{}, err
	}
	defer run.Close()
	fmt.Fprintln(stderr, "loading an empty handler")
	return measure(ctx, run, handler.pid())
}
