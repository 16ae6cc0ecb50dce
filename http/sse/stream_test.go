package sse

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"onsale/domain"
	"onsale/http/view/viewtest"
)

func TestStream_DeliversLiveEvents(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		user, watcher := s.mustOpen(t, "/users/1", ""), s.mustOpen(t, "/schedules/s?events=named", "")
		defer user.Close()
		defer watcher.Close()
		user.expectConnect(t, "fresh", epoch+"-0")
		watcher.expectConnect(t, "fresh", epoch+"-0")
		f.emit(issued("2"), issued("1"), held("1", "s", 5, 3), rejectedHold("1", "s"), held("2", "other", 1))
		for _, want := range []string{"issue-complete 2", "hold-complete 3", "hold-failed 4"} {
			if e := user.mustNext(t); e.Event+" "+e.ID != strings.Replace(want, " ", " "+epoch+"-", 1) {
				t.Errorf("got %s %s, want %s", e.Event, e.ID, want)
			}
		}
		for _, want := range []string{"3.1 5", "3 3"} {
			e := watcher.mustNext(t)
			id, seat, _ := strings.Cut(want, " ")
			if e.Event != "seatStatusChange" || e.ID != epoch+"-"+id || !strings.HasPrefix(e.Data, `{"scheduleSeatId":`+seat+`,"status":"HELD"`) {
				t.Errorf("got %+v, want %s", e, want)
			}
		}
	})
}

// Heartbeats come on time, and their id is the position of the stream: the ring's head, if nothing is missing.
func TestHeartbeat_CarriesPosition(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		user, watcher := s.mustOpen(t, "/users/1", ""), s.mustOpen(t, "/schedules/s?events=named", "")
		defer user.Close()
		defer watcher.Close()
		began := time.Now()
		user.expectConnect(t, "fresh", epoch+"-0")
		watcher.expectConnect(t, "fresh", epoch+"-0")
		synctest.Wait() // they have caught up at 0
		f.emit(issued("2"), issued("3"))
		if e := user.mustNext(t); e != (viewtest.Event{Event: "heartbeat", ID: epoch + "-2"}) || time.Since(began) != 25*time.Second {
			t.Errorf("got %+v after %v", e, time.Since(began))
		}
		want := viewtest.Event{Data: `{"scheduleSeatId":-1,"status":null,"timestamp":"2000-01-01T00:00:30.000Z","isHeartbeat":true}`, ID: epoch + "-2"}
		if e := watcher.mustNext(t); e != want || time.Since(began) != 30*time.Second {
			t.Errorf("got %+v after %v", e, time.Since(began))
		}
		f.emit(issued("1"), issued("2"))
		if e := user.mustNext(t); e.Event != "issue-complete" || e.ID != epoch+"-3" {
			t.Errorf("got %+v", e)
		}
		if e := user.mustNext(t); e != (viewtest.Event{Event: "heartbeat", ID: epoch + "-4"}) || time.Since(began) != 50*time.Second {
			t.Errorf("got %+v after %v", e, time.Since(began))
		}
	})
}

// Streams end between four fifths of their maximum age and all of it, each at another time, with a retry delay.
func TestStream_EndsAtMaxAge(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		for path, maxAge := range map[string]time.Duration{"/users/1": time.Hour, "/schedules/s": 30 * time.Minute} {
			var ends []time.Duration
			began := time.Now()
			var streams []*stream
			for range 20 {
				streams = append(streams, s.mustOpen(t, path, ""))
			}
			done := make(chan struct{})
			for _, st := range streams {
				go func() {
					all, err := io.ReadAll(st.body)
					if err != nil || !regexp.MustCompile(`\n\nretry: [2-5]\d{3}\n$`).Match(all) {
						t.Errorf("the end is %q %v", all[max(0, len(all)-40):], err)
					}
					_ = st.Close()
					done <- struct{}{}
				}()
			}
			for range streams {
				<-done
				ends = append(ends, time.Since(began))
			}
			if ends[0] < maxAge*4/5 || ends[19] > maxAge || ends[19]-ends[0] < maxAge/20 {
				t.Errorf("%s ended from %v to %v", path, ends[0], ends[19])
			}
		}
	})
}

// A client that does not read is disconnected after the write timeout. It resumes with its id and misses nothing.
func TestStream_WriteTimeoutCloses(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{WriteTimeout: 20 * time.Second})
		s := f.serve()
		st := s.mustOpen(t, "/users/1", "")
		st.expectConnect(t, "fresh", epoch+"-0")
		f.emit(issued("1"))
		time.Sleep(19 * time.Second)
		if f.hub.stats().users != 1 {
			t.Error("it was disconnected too early")
		}
		time.Sleep(2 * time.Second)
		if got := f.hub.stats(); got.users != 0 || got.slow != 1 {
			t.Errorf("stats %+v", got)
		}
		_ = st.Close()
		again := s.mustOpen(t, "/users/1", st.LastID)
		again.expectConnect(t, "complete", epoch+"-0")
		if e := again.mustNext(t); e.ID != epoch+"-1" {
			t.Errorf("got %+v", e)
		}
		_ = again.Close()
	})
}

// Thousands of events that are delivered at once all arrive, from the ring and from the journal.
func TestStream_DeliversLargeBacklog(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		for _, ring := range []int{10, 5000} {
			f := newFixture(t, Config{Ring: ring})
			s := f.serve()
			f.decide(slices.Repeat([]domain.Event{issued("1")}, 3000)...)
			f.append(3000)
			f.deliver(3000)
			st := s.mustOpen(t, "/users/1", epoch+"-0")
			st.expectConnect(t, "complete", epoch+"-0")
			for n := range 3000 {
				if e := st.mustNext(t); e.ID != fmt.Sprintf("%s-%d", epoch, n+1) {
					t.Fatalf("got %+v, want %d", e, n+1)
				}
			}
			_ = st.Close()
		}
	})
}

// Within an event a heartbeat is a comment, since its id would say that the rest was seen.
func TestHeartbeat_IsCommentWithinEvent(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{ScheduleHeartbeat: 10 * time.Second, WriteTimeout: time.Hour})
		s := f.serve()
		st := s.mustOpen(t, "/schedules/s", "")
		defer st.Close()
		st.Eager = true // the comment is no empty event
		st.expectConnect(t, "fresh", epoch+"-0")
		f.emit(held("1", "s", make([]int, 1000)...), issued("1"))
		for n := range 1000 {
			if n%100 == 50 {
				time.Sleep(11 * time.Second)
			}
			want := fmt.Sprintf("%s-1.%d", epoch, n+1)
			if n == 999 {
				want = epoch + "-1"
			}
			if e := st.mustNext(t); e.ID != want || strings.Contains(e.Data, "true") {
				t.Fatalf("got %+v, want %s", e, want)
			}
		}
		if st.Comments == 0 {
			t.Error("no heartbeat was due within the event")
		}
		if e := st.mustNext(t); e.ID != epoch+"-2" {
			t.Errorf("got %+v", e)
		}
	})
}

// A client that does not read delays neither Deliver nor other clients, and gets everything afterwards: from the journal if its
// connection is still open, else by its id.
func TestSlowReader_BlocksNobody(t *testing.T) {
	for name, writeTimeout := range map[string]time.Duration{"stays open": 20 * time.Second, "is cut": 100 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const events = 1000
			f := newFixture(t, Config{Ring: 10, WriteTimeout: writeTimeout})
			s := f.serveTCP(t)
			idle, fast := dial(t, s, "/users/1", epoch+"-0"), dial(t, s, "/users/1", epoch+"-0")
			idle.expectConnect(t, "complete", epoch+"-0")
			fast.expectConnect(t, "complete", epoch+"-0")

			var delivering sync.WaitGroup
			delivering.Go(func() {
				began := time.Now()
				for range events {
					f.emit(held("1", "s", make([]int, 500)...))
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("delivering took %v", took)
				}
			})
			readAll(t, s, fast, events)
			delivering.Wait()
			if name == "is cut" {
				for f.hub.stats().slow == 0 {
					time.Sleep(10 * time.Millisecond)
				}
			}
			readAll(t, s, idle, events)
			if f.readings == 0 {
				t.Error("it never fell out of the ring")
			}
			if got := f.hub.stats().slow; (got > 0) != (name == "is cut") {
				t.Errorf("%d were cut", got)
			}
		})
	}
}

// readAll reads every frame, and reconnects whenever it is disconnected.
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

// HTTP/2 ends a stream whose write deadline passes while nothing is written, and a server's deadlines count from the
// start of a request: a quiet stream outlives both.
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
				t.Errorf("got %v, want io.EOF", err)
			}
		})
	}
}
