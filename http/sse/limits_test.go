package sse

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// logBuffer is a log that a test can read.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *logBuffer) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *logBuffer) count(line string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), line)
}

// onRealSockets runs a test with streams served by goroutines of net/http, and by the engine with the system's poller.
func onRealSockets(t *testing.T, test func(t *testing.T)) {
	for _, path := range []string{"handler", "sockets"} {
		t.Run(path, test)
	}
}

// dialFrom opens a stream from an address of this host.
func dialFrom(t *testing.T, s *httptest.Server, from, path, id string) *stream {
	t.Helper()
	d := net.Dialer{Timeout: 5 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	st, err := openStream(c, path, id)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// waitFor waits until the hub's figures are so.
func (f *fixture) waitFor(t *testing.T, what string, is func(stats) bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(f.hub.stats()); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: %+v", what, f.hub.stats())
		}
	}
}

// The one too many is told when to come back and nothing else, whether it was here before or not, and its connection ends.
// Whom the limit does not count is let in, and when one leaves there is room again.
func TestLimits_RejectExcessStreams(t *testing.T) {
	const me, other = "127.0.0.1", "127.0.0.2"
	for name, c := range map[string]struct {
		limits  Config
		exempt  [][2]string // from where, which path
		refused [][2]string
		count   func(stats) uint64
	}{
		"in all": {
			limits:  Config{MaxStreams: 3, MaxPerUser: -1},
			refused: [][2]string{{me, "/users/1"}, {other, "/users/2"}, {me, "/schedules/s"}},
			count:   func(s stats) uint64 { return s.rejectedFull },
		},
		"of a user": {
			limits:  Config{MaxPerUser: 3},
			exempt:  [][2]string{{me, "/users/2"}, {me, "/schedules/1"}},
			refused: [][2]string{{me, "/users/1"}, {other, "/users/1"}, {me, "/users/1?lang=en"}},
			count:   func(s stats) uint64 { return s.rejectedUser },
		},
		"of an address": {
			limits:  Config{MaxPerAddress: 3},
			exempt:  [][2]string{{other, "/users/1"}, {other, "/schedules/s"}},
			refused: [][2]string{{me, "/users/1"}, {me, "/users/2"}, {me, "/schedules/s"}},
			count:   func(s stats) uint64 { return s.rejectedAddress },
		},
	} {
		t.Run(name, func(t *testing.T) {
			onRealSockets(t, func(t *testing.T) {
				var log logBuffer
				c.limits.Log = slog.New(slog.NewTextHandler(&log, nil))
				f := newFixture(t, c.limits)
				s := f.serveTCP(t)
				var open []*stream
				for range 3 {
					open = append(open, dialFrom(t, s, me, "/users/1", ""))
					open[len(open)-1].expectConnect(t, "fresh", epoch+"-0")
				}
				for _, from := range c.exempt {
					st := dialFrom(t, s, from[0], from[1], "")
					st.expectConnect(t, "fresh", epoch+"-0")
					defer st.Close()
				}
				for _, from := range c.refused {
					for _, id := range []string{"", epoch + "-0"} {
						rejected := dialFrom(t, s, from[0], from[1], id)
						text, err := io.ReadAll(rejected.body)
						if err != nil || !regexp.MustCompile(`^retry: [2-5]\d{3}\n\n$`).Match(text) || rejected.header.Get("Content-Type") != "text/event-stream" {
							t.Errorf("%v with id %q: %q %v %v", from, id, text, err, rejected.header)
						}
						if n, err := rejected.Read(make([]byte, 1)); err != io.EOF {
							t.Errorf("%v with id %q: the connection goes on with %d bytes and %v", from, id, n, err)
						}
						_ = rejected.Close()
					}
				}
				got, rejected := f.hub.stats(), uint64(2*len(c.refused))
				if c.count(got) != rejected || got.rejectedFull+got.rejectedUser+got.rejectedAddress != rejected || got.rejected != rejected {
					t.Errorf("%d were turned away, and the figures are %+v", rejected, got)
				}
				if n := log.count("too many streams"); n != 1 {
					t.Errorf("the log says so %d times in a minute", n)
				}

				_ = open[0].Close()
				f.waitFor(t, "one has left", func(s stats) bool { return s.users+s.schedules == 2+len(c.exempt) })
				open[0] = dialFrom(t, s, me, "/users/1", epoch+"-0")
				open[0].expectConnect(t, "complete", epoch+"-0")
				f.emit(issued("1"))
				for _, st := range open {
					if e := st.mustNext(t); e.ID != epoch+"-1" {
						t.Errorf("got %+v", e)
					}
					_ = st.Close()
				}
			})
		})
	}
}

// The log hears of it once a minute, and of those since once more; nobody who is turned away for another reason is one of them.
func TestLimits_LogOncePerMinute(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		var log logBuffer
		f := newFixture(t, Config{MaxPerUser: 1, Log: slog.New(slog.NewTextHandler(&log, nil))})
		s := f.serve()
		open := s.mustOpen(t, "/users/1", "")
		defer open.Close()
		go func() { _, _ = io.Copy(io.Discard, open.body) }()
		for i := range 10 * 60 {
			rejected := s.mustOpen(t, "/users/1", "")
			_, _ = io.ReadAll(rejected.body)
			_ = rejected.Close()
			synctest.Wait()
			if n, want := log.count("too many streams"), i/60+1; n != want {
				t.Fatalf("after %d s the log says so %d times, want %d:\n%s", i, n, want, &log.text)
			}
			time.Sleep(time.Second)
		}
		f.hub.Halt("a difference")
		for i := range 3 {
			rejected := s.mustOpen(t, fmt.Sprintf("/users/%d", i), "")
			_, _ = io.ReadAll(rejected.body)
			_ = rejected.Close()
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		if n := log.count("too many streams"); n != 11 || log.count("maxPerUser=600 ") != 1 {
			t.Errorf("the log says so %d times, want 11:\n%s", n, &log.text)
		}
	})
}
