package stream

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// sockets serves the world over TCP with small buffers on the server's side.
func (w *world) sockets(t *testing.T) *httptest.Server {
	s := httptest.NewUnstartedServer(w.handler())
	s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		_ = c.(*net.TCPConn).SetWriteBuffer(64 << 10)
		return ctx
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func dial(t *testing.T, s *httptest.Server, path, id string) *stream {
	t.Helper()
	d := net.Dialer{Timeout: 5 * time.Second}
	c, err := d.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.(*net.TCPConn).SetReadBuffer(64 << 10)
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	st, err := ask(c, path, id)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// One that reads nothing for long holds up neither the teller nor another reader, and gets all of it afterwards: when its
// connection stands, from the log, when it was cut, by its id.
func TestSlowReader(t *testing.T) {
	for name, patience := range map[string]time.Duration{"stands": 20 * time.Second, "is cut": 100 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const events, seats = 100, 100
			w := newWorld(t, Config{Ring: 10, WriteTimeout: patience})
			s := w.sockets(t)
			idle, keen := dial(t, s, "/schedules/s", epoch+"-0"), dial(t, s, "/schedules/s", epoch+"-0")
			idle.greeted(t, "complete", epoch+"-0")
			keen.greeted(t, "complete", epoch+"-0")

			var told sync.WaitGroup
			told.Go(func() {
				began := time.Now()
				for range events {
					w.happen(held("1", "s", make([]int, seats)...))
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("telling took %v", took)
				}
			})
			readAll(t, s, keen, events, seats)
			told.Wait()
			if name == "is cut" {
				for w.hub.Stats().Slow == 0 {
					time.Sleep(10 * time.Millisecond)
				}
			}
			readAll(t, s, idle, events, seats)
			if w.consumers == 0 {
				t.Error("it never fell out of the ring")
			}
			if got := w.hub.Stats().Slow; (got > 0) != (name == "is cut") {
				t.Errorf("%d were cut", got)
			}
		})
	}
}

// readAll reads every frame, and comes back as often as it is cut off.
func readAll(t *testing.T, s *httptest.Server, st *stream, events, seats int) {
	t.Helper()
	for n := 1; n <= events; n++ {
		for k := 1; k <= seats; k++ {
			want := fmt.Sprintf("%s-%d.%d", epoch, n, k)
			if k == seats {
				want = fmt.Sprintf("%s-%d", epoch, n)
			}
			e, err := st.next()
			if err != nil {
				id := st.LastID
				_ = st.Close()
				st = dial(t, s, "/schedules/s", id)
				st.greeted(t, "complete", id)
				e, err = st.next()
			}
			if err != nil || e.ID != want {
				t.Fatalf("got %+v %v, want %s", e, err, want)
			}
		}
	}
	_ = st.Close()
}

// HTTP/2 ends a stream whose write deadline passes while nothing is written, and a server's deadlines count from the
// beginning of a request: a quiet stream outlives both.
func TestQuietStream(t *testing.T) {
	for name, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Config{WriteTimeout: 100 * time.Millisecond, UserHeartbeat: 500 * time.Millisecond})
			s := httptest.NewUnstartedServer(w.handler())
			s.EnableHTTP2 = h2
			s.Config.ReadTimeout, s.Config.WriteTimeout = 200*time.Millisecond, 200*time.Millisecond
			s.StartTLS()
			t.Cleanup(s.Close)
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}, ForceAttemptHTTP2: h2}
			defer transport.CloseIdleConnections()
			r, err := (&http.Client{Transport: transport}).Get(s.URL + "/users/1")
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			if r.ProtoMajor == 2 != h2 {
				t.Fatal(r.Proto)
			}
			st := &stream{body: r.Body}
			st.greeted(t, "fresh", epoch+"-0")
			for range 3 {
				if e, err := st.next(); err != nil || e.Event != "heartbeat" {
					t.Fatalf("got %+v %v", e, err)
				}
			}
			w.happen(issued("1"))
			if e, err := st.next(); err != nil || e.Event != "issue-complete" {
				t.Fatalf("got %+v %v", e, err)
			}
			w.hub.Halt("over")
			if _, err := st.next(); err != io.EOF {
				t.Errorf("got %v, want the end", err)
			}
		})
	}
}
