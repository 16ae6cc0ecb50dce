package sse

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
	"testing/synctest"
	"time"
)

// serveTCP serves the world over TCP with small buffers on the server's side.
func (f *fixture) serveTCP(t *testing.T) *httptest.Server {
	s := httptest.NewUnstartedServer(f.handler())
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
	st, err := openStream(c, path, id)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// One that reads nothing for long holds up neither the teller nor another reader, and gets all of it afterwards: when its
// connection stands, from the log, when it was cut, by its id.
func TestSlowReader_BlocksNobody(t *testing.T) {
	for name, writeTimeout := range map[string]time.Duration{"stands": 20 * time.Second, "is cut": 100 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const events = 1000
			f := newFixture(t, Config{Ring: 10, WriteTimeout: writeTimeout})
			s := f.serveTCP(t)
			idle, fast := dial(t, s, "/users/1", epoch+"-0"), dial(t, s, "/users/1", epoch+"-0")
			idle.expectConnect(t, "complete", epoch+"-0")
			fast.expectConnect(t, "complete", epoch+"-0")

			var publishing sync.WaitGroup
			publishing.Go(func() {
				began := time.Now()
				for range events {
					f.emit(held("1", "s", make([]int, 500)...))
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("telling took %v", took)
				}
			})
			readAll(t, s, fast, events)
			publishing.Wait()
			if name == "is cut" {
				for f.hub.stats().slow == 0 {
					time.Sleep(10 * time.Millisecond)
				}
			}
			readAll(t, s, idle, events)
			if f.consumers == 0 {
				t.Error("it never fell out of the ring")
			}
			if got := f.hub.stats().slow; (got > 0) != (name == "is cut") {
				t.Errorf("%d were cut", got)
			}
		})
	}
}

// readAll reads every frame, and comes back as often as it is cut off.
func readAll(t *testing.T, s *httptest.Server, st *stream, events int) {
	t.Helper()
	for n := 1; n <= events; n++ {
		e, err := st.next()
		if err != nil {
			id := st.LastID
			_ = st.Close()
			st = dial(t, s, "/users/1", id)
			st.expectConnect(t, "complete", id)
			e, err = st.next()
		}
		if want := fmt.Sprintf("%s-%d", epoch, n); err != nil || e.ID != want {
			t.Fatalf("got %+v %v, want %s", e, err, want)
		}
	}
	_ = st.Close()
}

// Readers whose batches do not go out make room for others in the line before the log, again and again: one that reads at
// once does not wait until they are through, and they come through too.
func TestCatchUp_YieldsWhenBlocked(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		const events, slow = 200, 10
		f := newFixture(t, Config{Ring: 2, MaxCatchUps: 2, WriteTimeout: time.Hour, UserMaxAge: 100 * time.Hour})
		s := f.serve()
		for range events {
			f.emit(held("1", "s", make([]int, 500)...)) // 1 KB for its user
		}
		began := time.Now()
		var reading sync.WaitGroup
		read := func(st *stream, rest time.Duration) (took time.Duration) {
			for n := 0; n < events; {
				e, err := st.next()
				if err != nil {
					t.Errorf("after %d: %v", n, err)
					return 0
				}
				if e.Event == "heartbeat" {
					continue
				}
				if n++; e.ID != fmt.Sprintf("%s-%d", epoch, n) {
					t.Errorf("got %s, want %d", e.ID, n)
					return 0
				}
				time.Sleep(rest)
			}
			_ = st.Close()
			return time.Since(began)
		}
		for i := range slow {
			st := s.mustOpen(t, "/users/1", epoch+"-0")
			st.expectConnect(t, "complete", epoch+"-0")
			reading.Go(func() { read(st, []time.Duration{3 * stallLimit, stallLimit / 2}[i%2]) })
		}
		synctest.Wait()
		fast := s.mustOpen(t, "/users/1", epoch+"-0")
		fast.expectConnect(t, "complete", epoch+"-0")
		if took := read(fast, 0); took > slow*stallLimit {
			t.Errorf("it took %v to read the log behind %d that are slow", took, slow)
		}
		reading.Wait()
		synctest.Wait()
		if got := f.hub.stats(); f.maxActive > 2 || got.catchUps != 0 || got.waiting != 0 {
			t.Errorf("%d at once, %+v", f.maxActive, got)
		}
	})
}

// Nor does one that reads at once, but has much to read from a slow log, keep the next in line out until it is through.
func TestCatchUp_YieldsAfterTimeSlice(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		const events = 50
		f := newFixture(t, Config{Ring: 2, MaxCatchUps: 1})
		f.nextFault = func() fault {
			time.Sleep(time.Second)
			return noFault
		}
		s := f.serve()
		for range events {
			f.emit(issued("1"))
		}
		first := make([]time.Time, 2)
		last := make([]time.Time, 2)
		var reading sync.WaitGroup
		for i := range 2 {
			st := s.mustOpen(t, "/users/1", epoch+"-0")
			st.expectConnect(t, "complete", epoch+"-0")
			synctest.Wait()
			reading.Go(func() {
				defer st.Close()
				for n := 0; n < events; {
					e, err := st.next()
					if err != nil {
						t.Errorf("after %d: %v", n, err)
						return
					}
					if e.Event == "heartbeat" {
						continue
					}
					if n++; n == 1 {
						first[i] = time.Now()
					}
					last[i] = time.Now()
				}
			})
		}
		reading.Wait()
		if !first[1].Before(last[0]) {
			t.Errorf("the second began %v after the first was through", first[1].Sub(last[0]))
		}
	})
}

// HTTP/2 ends a stream whose write deadline passes while nothing is written, and a server's deadlines count from the
// beginning of a request: a quiet stream outlives both.
func TestStream_OutlivesServerDeadlines(t *testing.T) {
	for name, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, Config{WriteTimeout: 100 * time.Millisecond, UserHeartbeat: 500 * time.Millisecond})
			s := httptest.NewUnstartedServer(f.handler())
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
			st.expectConnect(t, "fresh", epoch+"-0")
			for range 3 {
				if e, err := st.next(); err != nil || e.Event != "heartbeat" {
					t.Fatalf("got %+v %v", e, err)
				}
			}
			f.emit(issued("1"))
			if e, err := st.next(); err != nil || e.Event != "issue-complete" {
				t.Fatalf("got %+v %v", e, err)
			}
			f.hub.Halt("over")
			if _, err := st.next(); err != io.EOF {
				t.Errorf("got %v, want the end", err)
			}
		})
	}
}
