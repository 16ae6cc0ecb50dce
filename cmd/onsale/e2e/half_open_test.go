package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

// Connections that send half of a request, again and again, from more addresses than the node has descriptors for, or in the long
// form 10,000 from one address: others are served, on a new connection for each command.
func TestAttacks_HalfOpen(t *testing.T) {
	t.Parallel()
	ctx := harness.TimeoutContext(t, 2*time.Minute)
	addresses, each, commands, setup := 4, 100, 4, "ulimit -n 256"
	if harness.Long() {
		addresses, each, commands, setup = 1, 10_000, 200, ":"
	}
	node := harness.NewNode(t, "--demo")
	c := startChild(t, node, setup)
	attackCtx, stop := context.WithCancel(ctx)
	var group, opened sync.WaitGroup
	for address := range addresses {
		local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+address))}
		for range each {
			opened.Add(1)
			group.Go(func() { holdHalfOpen(attackCtx, node.Addr, local, opened.Done) })
		}
	}
	opened.Wait()
	var took []time.Duration
	for i := range commands {
		client, began := harness.NewHTTPClient(t, 1), time.Now()
		a := node.MustDo(ctx, client, "POST", "/api/v1/promotions/demo/coupons", "", "X-User-Id", fmt.Sprint("u", i), "Prefer", "wait=10")
		if a.Status != http.StatusCreated {
			t.Errorf("got %v, want 201", a)
		}
		took = append(took, time.Since(began))
		client.CloseIdleConnections()
	}
	slices.Sort(took)
	t.Logf("%d half-open connections: a command on a new connection took %v at the median, %v at most", addresses*each, took[len(took)/2], took[len(took)-1])
	stop()
	group.Wait()
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	c.waitExit(t)
}

// holdHalfOpen keeps a connection open that has sent half of a request, and opens another when it is closed. first is called once,
// when the first is open.
func holdHalfOpen(ctx context.Context, address string, local net.Addr, first func()) {
	first = sync.OnceFunc(first)
	defer first()
	for harness.Sleep(ctx, 0) {
		conn, err := (&net.Dialer{LocalAddr: local}).DialContext(ctx, "tcp", address)
		if err == nil {
			closed := context.AfterFunc(ctx, func() { conn.Close() })
			_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n")
			first()
			_, _ = io.Copy(io.Discard, conn) // until it is closed
			closed()
			conn.Close()
		}
		harness.Sleep(ctx, 100*time.Millisecond)
	}
}
