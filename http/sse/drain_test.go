package sse

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"onsale/http/view/viewtest"
)

// Many streams are ended over the whole window, a few at a hundred a second. Retry delays end after all have ended, also those
// of streams that are rejected meanwhile.
func TestDrain_SpreadsOverWindow(t *testing.T) {
	for name, c := range map[string]struct{ window, takes time.Duration }{
		"few":  {10 * time.Second, 200 * time.Millisecond},
		"many": {100 * time.Millisecond, 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			onBothPaths(t, func(t *testing.T) { testDrain(t, c.window, c.takes) })
		})
	}
}

func testDrain(t *testing.T, window, takes time.Duration) {
	f := newFixture(t, Config{})
	s := f.serve()
	const streams = 20
	began := time.Now()
	type end struct{ at, back time.Duration }
	ends := make(chan end, streams)
	for i := range streams {
		st := s.mustOpen(t, fmt.Sprintf("/users/%d", i), "")
		st.expectConnect(t, "fresh", epoch+"-0")
		go func() {
			_, err := st.next()
			if err != io.EOF {
				t.Errorf("got %v", err)
			}
			_ = st.Close()
			ends <- end{time.Since(began), time.Since(began) + st.Retry}
		}()
	}
	late := make(chan struct{})
	go func() {
		defer close(late)
		time.Sleep(takes / 2)
		if got := f.hub.stats().drain; got != takes/2 {
			t.Errorf("half way the drain took %v", got)
		}
		st := s.mustOpen(t, "/users/1", "")
		rest, _ := io.ReadAll(st.body)
		_ = st.Close()
		if b := viewtest.Parse(string(rest)); b.Retry < takes/2+2*time.Second || b.Retry > takes/2+5*time.Second || len(b.Events) > 0 {
			t.Errorf("a stream that is opened during the drain reads %q", rest)
		}
	}()
	if err := f.hub.Drain(t.Context(), window); err != nil {
		t.Error(err)
	}
	backs := map[time.Duration]bool{}
	for i := range streams {
		e := <-ends
		if e.at != takes*time.Duration(i)/streams {
			t.Errorf("stream %d ended at %v", i, e.at)
		}
		if e.back < takes+2*time.Second || e.back > takes+5*time.Second+time.Millisecond { // retry is in whole milliseconds
			t.Errorf("retry at %v", e.back)
		}
		backs[e.back] = true
	}
	if len(backs) < streams/2 {
		t.Errorf("%d streams have %d different retry times", streams, len(backs))
	}
	<-late
	got := f.hub.stats()
	if got.drain != takes*(streams-1)/streams || got.draining != streams+1 || got.halted != 0 || got.users != 0 {
		t.Errorf("stats %+v", got)
	}
	if err := f.hub.Drain(t.Context(), window); err != nil {
		t.Error("a second drain:", err)
	}
}

// A hub that was halted has no streams to wait for.
func TestDrain_ReturnsWithoutStreams(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		open := s.mustOpen(t, "/users/1", "")
		open.expectConnect(t, "fresh", epoch+"-0")
		f.hub.Halt("a difference")
		if _, err := open.next(); err != io.EOF {
			t.Errorf("got %v", err)
		}
		_ = open.Close()
		began := time.Now()
		if err := f.hub.Drain(t.Context(), 10*time.Second); err != nil || time.Since(began) > time.Millisecond {
			t.Errorf("it took %v: %v", time.Since(began), err)
		}
		rejected := s.mustOpen(t, "/users/1", "")
		if _, err := rejected.next(); err != io.EOF || rejected.Retry == 0 || rejected.header.Get("Connection") == "keep-alive" {
			t.Errorf("got %v, retry %v", err, rejected.Retry)
		}
		_ = rejected.Close()
		if got := f.hub.stats(); got.halted != 2 || got.draining != 0 {
			t.Errorf("stats %+v", got)
		}
	})
}

// A stream that waits for an event which will not be delivered any more gets a retry delay, and does not delay the drain.
func TestDrain_ReleasesPositionWaiters(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			st := s.mustOpen(t, "/users/1", epoch+"-999")
			if e, err := st.next(); err != io.EOF || st.Retry == 0 {
				t.Errorf("got %+v %v, retry %v", e, err, st.Retry)
			}
			_ = st.Close()
		}()
		synctest.Wait()
		began := time.Now()
		if err := f.hub.Drain(t.Context(), 10*time.Second); err != nil || time.Since(began) > 100*time.Millisecond {
			t.Errorf("it took %v: %v", time.Since(began), err)
		}
		<-ended
	})
}

// A suspended hub has no streams, but goes on delivering: after Resume they miss nothing.
func TestHub_SuspendsAndResumes(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		open := s.mustOpen(t, "/users/1", "")
		open.expectConnect(t, "fresh", epoch+"-0")
		waiting := make(chan struct{})
		go func() {
			defer close(waiting)
			st := s.mustOpen(t, "/users/1", epoch+"-999") // ahead of this node
			e, err := st.next()
			if err == nil && e.Event == "connect" { // reset, since the position was not reached
				e, err = st.next()
			}
			if err != io.EOF {
				t.Errorf("a stream that waited for its position got %+v %v", e, err)
			}
			_ = st.Close()
		}()
		synctest.Wait()
		f.hub.Suspend("no contact")
		f.hub.Suspend("no contact")
		f.emit(issued("1"))
		if _, err := open.next(); err != io.EOF || open.Retry == 0 {
			t.Errorf("got %v, retry %v", err, open.Retry)
		}
		_ = open.Close()
		rejected := s.mustOpen(t, "/users/1", epoch+"-0")
		if e, err := rejected.next(); err != io.EOF || rejected.Retry == 0 {
			t.Errorf("got %+v %v, retry %v", e, err, rejected.Retry)
		}
		_ = rejected.Close()
		<-waiting
		f.hub.Resume()
		again := s.mustOpen(t, "/users/1", epoch+"-0")
		again.expectConnect(t, "complete", epoch+"-0")
		if e, err := again.next(); err != nil || e.ID != epoch+"-1" {
			t.Errorf("after it was resumed, got %+v %v", e, err)
		}
		_ = again.Close()
		if got := f.hub.stats(); got.isolated != 3 || got.halted != 0 {
			t.Errorf("stats %+v", got)
		}
	})
}

func TestHub_HaltClosesAndRejects(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		open := s.mustOpen(t, "/users/1", "")
		open.expectConnect(t, "fresh", epoch+"-0")
		f.hub.Halt("a difference")
		f.emit(issued("1"))
		rest, err := io.ReadAll(open.body)
		if err != nil || !regexp.MustCompile(`^retry: [2-5]\d{3}\n$`).Match(rest) {
			t.Errorf("got %q %v", rest, err)
		}
		_ = open.Close()
		if got := f.hub.head(); got != 0 {
			t.Errorf("a halted hub has delivered: head %d", got)
		}
		rejected := s.mustOpen(t, "/users/1", epoch+"-0")
		rest, err = io.ReadAll(rejected.body)
		if err != nil || !regexp.MustCompile(`^retry: [2-5]\d{3}\n$`).Match(rest) || rejected.header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("got %q %v %v", rest, err, rejected.header)
		}
		_ = rejected.Close()
		synctest.Wait()
		if st := f.hub.stats(); st.users != 0 || st.rejected != 1 || st.fresh != 1 {
			t.Errorf("stats %+v", st)
		}
	})
}

// A drain that times out leaves the rest to Close, which does not wait for a client that does not read.
func TestHub_ClosesStuckWriter(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		stuck := s.mustOpen(t, "/users/1", "")
		defer stuck.Close()
		stuck.expectConnect(t, "fresh", epoch+"-0")
		f.emit(issued("1")) // is being written, and the client does not read
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := f.hub.Drain(ctx, time.Second); err != context.DeadlineExceeded && !usesEngine(t) { // the event loop does not wait for clients
			t.Errorf("got %v", err)
		}
		began := time.Now()
		f.hub.Close()
		if took := time.Since(began); took > time.Second {
			t.Errorf("closing took %v", took)
		}
	})
}

// A stream too many gets a retry delay and nothing else, whether it resumes or not, and its connection is closed. Streams that
// the limit does not count are opened, and when one is closed another can be opened.
func TestLimits_RejectExcessStreams(t *testing.T) {
	const me, other = "127.0.0.1", "127.0.0.2"
	for name, c := range map[string]struct {
		limits  Config
		exempt  [][2]string // address, path
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
				c.limits.Logger = slog.New(slog.NewTextHandler(&log, nil))
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
						if err != nil || !regexp.MustCompile(`^retry: [2-5]\d{3}\n$`).Match(text) || rejected.header.Get("Content-Type") != "text/event-stream" {
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
					t.Errorf("%d were rejected, and the stats are %+v", rejected, got)
				}
				if n := log.count("too many streams"); n != 1 {
					t.Errorf("it is logged %d times in a minute", n)
				}

				_ = open[0].Close()
				f.waitFor(t, "one is closed", func(s stats) bool { return s.users+s.schedules == 2+len(c.exempt) })
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

// Rejections are logged once a minute, and those since then once more; streams that were rejected for other reasons are not
// counted.
func TestLimits_LogOncePerMinute(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		var log logBuffer
		f := newFixture(t, Config{MaxPerUser: 1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
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
				t.Fatalf("after %d s it is logged %d times, want %d:\n%s", i, n, want, &log.text)
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
			t.Errorf("it is logged %d times, want 11:\n%s", n, &log.text)
		}
	})
}
