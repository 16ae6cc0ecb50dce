package evloop

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const lineFormat = "%0200d\n"

// counter is a source that writes numbered lines, up to a limit that grows.
type counter struct {
	Conn
	next, limit int
	heartbeats  int
	closed      chan error
}

func (c *counter) Step() {
	if c.HeartbeatDue {
		c.HeartbeatDue = false
		c.heartbeats++
	}
	for c.Flush() && c.next < c.limit {
		line := fmt.Appendf(nil, lineFormat, c.next)
		n := c.Write(line)
		if c.IsClosed() || n == 0 {
			return
		}
		c.next++
		c.Keep(line[n:])
		if c.next%100 == 0 {
			c.Requeue()
			return
		}
	}
}

func (c *counter) Finish() { c.CloseWith([]byte("end\n")) }

func (c *counter) OnClose(err error) { c.closed <- err }

// onBothPaths runs a test with hijacked connections and with writers of net/http.
func onBothPaths(t *testing.T, test func(*testing.T, Config)) {
	t.Run("handler", func(t *testing.T) { test(t, Config{WriteTimeout: time.Minute}) })
	t.Run("hijacked", func(t *testing.T) {
		poller, err := NewPoller(time.Minute)
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		test(t, Config{WriteTimeout: time.Minute, Poller: poller})
	})
}

// serveCounters serves counters of lines on an engine.
func serveCounters(t *testing.T, c Config, maxAge, heartbeat time.Duration, lines int) (url string, opened chan *counter) {
	c.Written = new(atomic.Uint64)
	engine := New(c)
	opened = make(chan *counter, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if engine.CanHijack(w, r) != (c.Poller != nil) {
			t.Error("cannot hijack")
		}
		s := &counter{limit: lines, closed: make(chan error, 1)}
		engine.Assign(&s.Conn, s)
		start := func() {
			s.Loop().Post(func() { s.Start(s.Loop().NewGroup(), []byte("begin\n"), maxAge, heartbeat) })
			opened <- s
		}
		if c.Poller == nil {
			writer := s.OpenWriter(w)
			start()
			_ = writer.Run(r.Context())
			return
		}
		conn, err := Hijack(w)
		if err != nil {
			t.Error(err)
			return
		}
		if err := s.Open(conn.Conn, conn.Head()); err != nil {
			t.Error(err)
			return
		}
		start()
	}))
	t.Cleanup(func() {
		server.Close()
		engine.Stop()
	})
	return server.URL, opened
}

func get(t *testing.T, url string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", url[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || r.StatusCode != 200 {
		t.Fatalf("got %+v %v", r, err)
	}
	return c, bufio.NewReader(r.Body)
}

// All lines arrive once and in order, though the socket is full again and again.
func TestConn_WritesEverythingInOrder(t *testing.T) {
	onBothPaths(t, func(t *testing.T, c Config) {
		const lines = 20_000
		url, opened := serveCounters(t, c, time.Hour, time.Hour, lines)
		client, body := get(t, url)
		defer client.Close()
		want := bytes.NewBufferString("begin\n")
		for n := range lines {
			fmt.Fprintf(want, lineFormat, n)
		}
		got := make([]byte, want.Len()) // by now the socket is full
		if n, err := io.ReadFull(body, got); err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("got %d bytes of %d, ending with %q: %v", n, want.Len(), got[max(0, n-20):], err)
		}
		s := <-opened
		s.Loop().Post(s.Finish)
		if rest, err := io.ReadAll(body); string(rest) != "end\n" || err != nil {
			t.Errorf("the end is %q %v", rest, err)
		}
		if err, written := <-s.closed, s.loop.engine.Written.Load(); err != nil || written < uint64(want.Len()) {
			t.Errorf("closed with %v after %d bytes", err, written)
		}
	})
}

func TestConn_HeartbeatsUntilMaxAge(t *testing.T) {
	onBothPaths(t, func(t *testing.T, c Config) {
		url, opened := serveCounters(t, c, 3*time.Second, time.Second, 0)
		client, body := get(t, url)
		defer client.Close()
		if got, err := io.ReadAll(body); string(got) != "begin\nend\n" || err != nil {
			t.Errorf("got %q %v", got, err)
		}
		s := <-opened
		if err := <-s.closed; err != nil || s.heartbeats != 2 {
			t.Errorf("closed with %v after %d heartbeats", err, s.heartbeats)
		}
	})
}

func TestConn_WriteTimeoutCloses(t *testing.T) {
	onBothPaths(t, func(t *testing.T, c Config) {
		c.WriteTimeout = 200 * time.Millisecond
		url, opened := serveCounters(t, c, time.Hour, time.Hour, 100_000_000)
		client, _ := get(t, url)
		defer client.Close()
		if err := <-(<-opened).closed; err != ErrWriteTimeout {
			t.Errorf("got %v", err)
		}
	})
}

func TestConn_AbortEndsWrite(t *testing.T) {
	onBothPaths(t, func(t *testing.T, c Config) {
		url, opened := serveCounters(t, c, time.Hour, time.Hour, 100_000_000)
		client, _ := get(t, url)
		defer client.Close()
		s := <-opened
		time.Sleep(300 * time.Millisecond) // the socket is full
		s.Abort()
		if err := <-s.closed; err != nil {
			t.Errorf("got %v", err)
		}
	})
}

func TestConn_ClosesWithClient(t *testing.T) {
	onBothPaths(t, func(t *testing.T, c Config) {
		url, opened := serveCounters(t, c, time.Hour, time.Hour, 1)
		client, body := get(t, url)
		if line, err := body.ReadString('\n'); line != "begin\n" || err != nil {
			t.Errorf("got %q %v", line, err)
		}
		_ = client.Close()
		if err := <-(<-opened).closed; err != nil {
			t.Errorf("got %v", err)
		}
	})
}

func TestGroup_WakesConnections(t *testing.T) {
	onBothPaths(t, func(t *testing.T, c Config) {
		url, opened := serveCounters(t, c, time.Hour, time.Hour, 0)
		client, body := get(t, url)
		s := <-opened
		next := func(want string) {
			t.Helper()
			if line, err := body.ReadString('\n'); line != want+"\n" || err != nil {
				t.Fatalf("got %q %v, want %s", line, err, want)
			}
		}
		next("begin")
		group := make(chan *Group)
		s.Loop().Post(func() {
			s.limit++
			group <- s.group
		})
		(<-group).Wake()
		next(fmt.Sprintf("%0200d", 0))
		_ = client.Close()
		<-s.closed
	})
}

// Every connection is visited at its tick, or at most a round earlier, and not when it was removed.
func TestWheel_VisitsWhenDue(t *testing.T) {
	var w wheel
	conns := make([]Conn, 3000)
	due := map[*Conn]uint32{}
	for i := range conns {
		c := &conns[i]
		due[c] = uint32(i*7%2500) + 1
		w.add(c, due[c])
		if i%10 == 0 {
			w.remove(c)
			delete(due, c)
		}
	}
	for hand := uint32(1); hand <= 2500; hand++ {
		if at, ok := w.nextDue(); ok && at < hand {
			t.Fatalf("at %d the next is due at %d", hand, at)
		}
		w.advance(hand, func(c *Conn) {
			switch at, ok := due[c]; {
			case !ok:
				t.Fatal("visited after it was removed")
			case at > hand:
				w.add(c, at)
			case at < hand:
				t.Fatalf("due at %d, visited at %d", at, hand)
			default:
				delete(due, c)
			}
		})
	}
	if len(due) > 0 || slices.ContainsFunc(w.slots[:], func(c *Conn) bool { return c != nil }) {
		t.Errorf("%d were not visited", len(due))
	}
}
