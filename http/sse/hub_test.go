package sse

import (
	"context"
	"fmt"
	"io"
	"onsale/http/view/viewtest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"onsale/domain"
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

// Heartbeats come on time and say how far this stream is: as far as the node, when nothing of it is missing.
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
		synctest.Wait() // they sleep at 0
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

// Streams end between four fifths of their life and all of it, each at another time, with when to come back.
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
					if err != nil || !regexp.MustCompile(`\n\nretry: [2-5]\d{3}\n\n$`).Match(all) {
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

func TestHub_HaltClosesAndRejects(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		open := s.mustOpen(t, "/users/1", "")
		open.expectConnect(t, "fresh", epoch+"-0")
		f.hub.Halt("a difference")
		f.emit(issued("1"))
		rest, err := io.ReadAll(open.body)
		if err != nil || !regexp.MustCompile(`^retry: [2-5]\d{3}\n\n$`).Match(rest) {
			t.Errorf("got %q %v", rest, err)
		}
		_ = open.Close()
		if got := f.hub.head(); got != 0 {
			t.Errorf("what a halted node hears is told: head %d", got)
		}
		rejected := s.mustOpen(t, "/users/1", epoch+"-0")
		rest, err = io.ReadAll(rejected.body)
		if err != nil || !regexp.MustCompile(`^retry: [2-5]\d{3}\n\n$`).Match(rest) || rejected.header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("got %q %v %v", rest, err, rejected.header)
		}
		_ = rejected.Close()
		synctest.Wait()
		if st := f.hub.stats(); st.users != 0 || st.rejected != 1 || st.fresh != 1 {
			t.Errorf("stats %+v", st)
		}
	})
}

// A drain that is cut short leaves the rest to Close, which does not wait for a client that reads nothing.
func TestHub_ClosesStuckWriter(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		stuck := s.mustOpen(t, "/users/1", "")
		defer stuck.Close()
		stuck.expectConnect(t, "fresh", epoch+"-0")
		f.emit(issued("1")) // is being written, and nobody reads it
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := f.hub.Drain(ctx, time.Second); err != context.DeadlineExceeded && !usesEngine(t) { // which waits for nobody
			t.Errorf("got %v", err)
		}
		began := time.Now()
		f.hub.Close()
		if took := time.Since(began); took > time.Second {
			t.Errorf("closing took %v", took)
		}
	})
}

// A client that does not read is cut off after a while, and what it missed waits for it under its id.
func TestStream_WriteTimeoutCloses(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{WriteTimeout: 20 * time.Second})
		s := f.serve()
		st := s.mustOpen(t, "/users/1", "")
		st.expectConnect(t, "fresh", epoch+"-0")
		f.emit(issued("1"))
		time.Sleep(19 * time.Second)
		if f.hub.stats().users != 1 {
			t.Error("it was cut off too soon")
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

// Whoever comes back and for whom nothing happened makes no consumer, however old its id; others make one, and one only.
func TestCatchUp_ReadsLogOnlyWhenNeeded(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{Ring: 10})
		s := f.serve()
		for i := range 1000 {
			f.emit(issued("other"), held("1", "s", i+1))
		}
		for i, c := range []struct {
			path, id  string
			consumers int
			first     string
		}{
			{"/users/2", epoch + "-5", 0, ""},
			{"/schedules/t", epoch + "-0", 0, ""},
			{"/users/1", epoch + "-1990", 0, "1992"},
			{"/users/1", epoch + "-1989", 1, "1990"}, // tail is 1991
			{"/users/1", epoch + "-1001", 1, "1002"},
			{"/schedules/s", epoch + "-0", 1, "2"},
		} {
			before := f.consumers
			st := s.mustOpen(t, c.path, c.id)
			st.expectConnect(t, "complete", c.id)
			if c.first == "" {
				if e := st.mustNext(t); e.ID != epoch+"-2000" || e.Event != "heartbeat" && !strings.Contains(e.Data, "true") {
					t.Errorf("%d: got %+v", i, e)
				}
			} else {
				if e := st.mustNext(t); e.ID != epoch+"-"+c.first {
					t.Errorf("%d: got %+v", i, e)
				}
				for {
					if e := st.mustNext(t); e.ID == epoch+"-2000" {
						break
					}
				}
			}
			synctest.Wait()
			if got := f.hub.stats(); got.catchUps != 0 || got.users+got.schedules != 1 {
				t.Errorf("%d: stats %+v", i, got)
			}
			_ = st.Close()
			if got := f.consumers - before; got != c.consumers {
				t.Errorf("%d: %d consumers, want %d", i, got, c.consumers)
			}
		}
		synctest.Wait()
		if got := f.hub.stats(); got.catchUps != 0 || got.waiting != 0 {
			t.Errorf("stats %+v", got)
		}
	})
}

// A consumer that is overtaken by the ring goes on, as long as the ring does not reach back to it.
func TestCatchUp_ContinuesWhenOvertaken(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{Ring: 10})
		s := f.serve()
		f.emit(slices.Repeat([]domain.Event{issued("1")}, 100)...)
		st := s.mustOpen(t, "/users/1", epoch+"-0")
		defer st.Close()
		st.expectConnect(t, "complete", epoch+"-0")
		synctest.Wait()
		for range 10 {
			f.emit(slices.Repeat([]domain.Event{issued("1")}, 100)...)
		}
		for n := range 1100 {
			if e := st.mustNext(t); e.ID != fmt.Sprintf("%s-%d", epoch, n+1) {
				t.Fatalf("got %+v, want %d", e, n+1)
			}
		}
		if f.consumers != 1 {
			t.Errorf("%d consumers, want 1", f.consumers)
		}
	})
}

// A log that cannot be read is asked again and again, but not all the time.
func TestCatchUp_RetriesFailedReads(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		for _, failure := range []fault{readFails, readEnds, readHangs} {
			f := newFixture(t, Config{Ring: 1})
			f.nextFault = func() fault { return failure }
			s := f.serve()
			f.emit(issued("1"), issued("2"))
			st := s.mustOpen(t, "/users/1", epoch+"-0")
			st.expectConnect(t, "complete", epoch+"-0")
			time.Sleep(10*time.Second + time.Millisecond)
			f.mu.Lock()
			if got, limit := f.consumers, map[fault]int{readFails: 21, readEnds: 21, readHangs: 3}[failure]; got < 3 || got > limit {
				t.Errorf("%d consumers in ten seconds, want 3 to %d", got, limit)
			}
			f.mu.Unlock()
			_ = st.Close()
			synctest.Wait()
		}
	})
}

// A store that is ahead of what was told keeps nobody from what was told.
func TestCatchUp_StopsAtPublished(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{Ring: 2})
		s := f.serve()
		f.emit(issued("1"), issued("2"), issued("2"), issued("2"))
		f.decide(issued("1")) // event 5, in nobody's log yet
		st := s.mustOpen(t, "/users/1", epoch+"-0")
		defer st.Close()
		st.expectConnect(t, "complete", epoch+"-0")
		if e := st.mustNext(t); e.ID != epoch+"-1" {
			t.Errorf("got %+v", e)
		}
		f.append(1) // now in the log, where this node has not compared it
		time.Sleep(20 * time.Second)
		began := time.Now()
		time.AfterFunc(3*time.Second, func() { f.publish(1) })
		if e := st.mustNext(t); e.ID != epoch+"-5" || time.Since(began) != 3*time.Second {
			t.Errorf("got %+v after %v", e, time.Since(began))
		}
	})
}

// At most so many consumers at once; who waits in line hears heartbeats with its own position, and comes to its turn.
func TestCatchUp_LimitsConcurrency(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{Ring: 2, MaxCatchUps: 2})
		var hanging atomic.Bool
		hanging.Store(true)
		f.nextFault = func() fault {
			if hanging.Load() {
				return readHangs
			}
			return noFault
		}
		s := f.serve()
		for i := range 5 {
			f.emit(issued(fmt.Sprint(i)))
		}
		f.emit(issued("x"), issued("x"))
		began := time.Now()
		var streams []*stream
		for i := range 5 {
			st := s.mustOpen(t, fmt.Sprintf("/users/%d", i), epoch+"-0")
			st.expectConnect(t, "complete", epoch+"-0")
			streams = append(streams, st)
			synctest.Wait()
		}
		if got := f.hub.stats(); got.catchUps != 2 || got.waiting != 3 {
			t.Errorf("stats %+v", got)
		}
		time.AfterFunc(26*time.Second, func() { hanging.Store(false) })
		var reading sync.WaitGroup
		for i, st := range streams {
			reading.Go(func() {
				defer st.Close()
				if e, err := st.next(); err != nil || e != (viewtest.Event{Event: "heartbeat", ID: epoch + "-0"}) || time.Since(began) != 25*time.Second {
					t.Errorf("got %+v %v after %v", e, err, time.Since(began))
				}
				if i == 4 {
					return // goes away while it waits
				}
				if e, err := st.next(); err != nil || e.ID != fmt.Sprintf("%s-%d", epoch, i+1) || time.Since(began) > 36*time.Second {
					t.Errorf("%d: got %+v %v after %v", i, e, err, time.Since(began))
				}
			})
		}
		reading.Wait()
		if f.maxActive != 2 {
			t.Errorf("%d consumers at once, want 2", f.maxActive)
		}
		synctest.Wait()
		if got := f.hub.stats(); got.catchUps != 0 || got.waiting != 0 || got.users != 0 {
			t.Errorf("stats %+v", got)
		}
	})
}

// Numbers before that lie within the ring, but are of another key there, lead to the log and not astray.
func TestPublish_IgnoresWrongPrev(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{Ring: 3})
		s := f.serve()
		f.emit(issued("1"), issued("2"), issued("3"))
		f.decide(issued("1"))
		f.append(1)
		f.log[3].PrevOfUser = 3
		f.hub.ring.drop() // event 1
		f.publish(1)
		st := s.mustOpen(t, "/users/1", epoch+"-0")
		defer st.Close()
		st.expectConnect(t, "complete", epoch+"-0")
		for _, want := range []string{"-1", "-4"} {
			if e := st.mustNext(t); e.ID != epoch+want {
				t.Errorf("got %+v, want %s", e, want)
			}
		}
	})
}

// Thousands that wait at once all come, from the ring and from the log.
func TestStream_DeliversLargeBacklog(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		for _, ring := range []int{10, 5000} {
			f := newFixture(t, Config{Ring: ring})
			s := f.serve()
			f.decide(slices.Repeat([]domain.Event{issued("1")}, 3000)...)
			f.append(3000)
			f.publish(3000)
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

// An id of another stream names frames that this one does not have. Nothing is left out because of it.
func TestCursor_AcceptsForeignSubIndex(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		for _, ring := range []int{1, 100} {
			f := newFixture(t, Config{Ring: ring})
			s := f.serve()
			f.emit(held("1", "s", 1, 2), held("1", "other", 1, 2, 3, 4), held("1", "s", 3, 4, 5), issued("2"))
			for path, want := range map[string][2]string{
				"/schedules/s 1.1":     {"1", `{"scheduleSeatId":2,`},   // its own
				"/schedules/s 1.2":     {"1.1", `{"scheduleSeatId":1,`}, // there never was one
				"/schedules/s 2.2":     {"3.1", `{"scheduleSeatId":3,`}, // of a schedule that it does not show
				"/schedules/s 3.2":     {"3", `{"scheduleSeatId":5,`},
				"/schedules/s 3.99":    {"3.1", `{"scheduleSeatId":3,`},
				"/schedules/other 2.3": {"2", `{"scheduleSeatId":4,`},
				"/users/1 2.3":         {"2", `{"sequence":2000,`}, // its one frame was not seen
				"/users/1 2":           {"3", `{"sequence":3000,`},
			} {
				path, id, _ := strings.Cut(path, " ")
				st := s.mustOpen(t, path, epoch+"-"+id)
				st.expectConnect(t, "complete", epoch+"-"+id)
				if e := st.mustNext(t); e.ID != epoch+"-"+want[0] || !strings.HasPrefix(e.Data, want[1]) {
					t.Errorf("%s from %s: got %+v, want %v", path, id, e, want)
				}
				_ = st.Close()
			}
		}
	})
}

// In the middle of an event a heartbeat is a comment: its id would say that the rest was seen.
func TestHeartbeat_IsCommentWithinEvent(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{ScheduleHeartbeat: 10 * time.Second, WriteTimeout: time.Hour})
		s := f.serve()
		st := s.mustOpen(t, "/schedules/s", "")
		defer st.Close()
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
			t.Error("no heartbeat was due in the middle")
		}
		if e := st.mustNext(t); e.ID != epoch+"-2" {
			t.Errorf("got %+v", e)
		}
	})
}

// Events that were not told are a hole; the ring begins anew behind it, and nobody misses what is in it.
func TestPublish_GapResetsRing(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		st := s.mustOpen(t, "/users/1", "")
		defer st.Close()
		st.expectConnect(t, "fresh", epoch+"-0")
		f.emit(issued("1"))
		f.decide(issued("1"), issued("2"), issued("1"))
		f.append(3)
		f.published = 3 // 2 and 3 never are
		f.publish(1)
		f.emit(issued("2"))
		f.hub.Publish(f.log[2:4]) // told before
		for _, want := range []string{"-1", "-2", "-4"} {
			if e := st.mustNext(t); e.ID != epoch+want {
				t.Errorf("got %+v, want %s", e, want)
			}
		}
		f.decide(issued("1"), issued("2"))
		f.append(2)
		f.published = 6 // 6 never is, and 7 is somebody else's
		began := time.Now()
		f.publish(1)
		if e := st.mustNext(t); e.ID != epoch+"-6" || time.Since(began) > 0 {
			t.Errorf("got %+v after %v", e, time.Since(began))
		}
	})
}

func TestPreload_SetsRingBounds(t *testing.T) {
	f := newFixture(t, Config{Ring: 100})
	for range 300 {
		f.decide(issued("1"), held("2", "s", 1, 2))
	}
	f.append(1000)
	for _, c := range []struct {
		head        uint64
		from, to    int
		tail, ended uint64
	}{
		{600, 0, 0, 601, 600},     // nothing: the ring is empty, its head right
		{600, 550, 600, 551, 600}, // a part of what it holds
		{600, 0, 600, 501, 600},   // more than it holds
		{0, 500, 600, 501, 600},   // no head
		{600, 500, 590, 601, 600}, // head is further: nobody knows what is between
	} {
		hub := New(Config{Ring: 100, Head: c.head})
		hub.Preload(slices.Clone(f.log[c.from:c.to]))
		if got := hub.stats(); got.tail != c.tail || got.head != c.ended {
			t.Errorf("%+v: %d to %d", c, got.tail, got.head)
		}
	}
}

// All that a topic leaves behind in the ring goes when its last event and its last watcher have.
func TestRing_PrunesTopics(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{Ring: 4})
		s := f.serve()
		st := s.mustOpen(t, "/users/quiet", "")
		for i := range 100 {
			f.emit(held(fmt.Sprint("u", i), fmt.Sprint("s", i), 1))
		}
		if got := len(f.hub.ring.topics); got != 9 {
			t.Errorf("%d topics, want 4 × 2 and one watched", got)
		}
		_ = st.Close()
		synctest.Wait()
		if got := len(f.hub.ring.topics); got != 8 {
			t.Errorf("%d topics, want 8", got)
		}
	})
}

// However many watch, frames are made once for each audience.
func TestFrames_EncodedOncePerAudience(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{})
		s := f.serve()
		var streams []*stream
		for range 10 {
			for _, path := range []string{"/schedules/s", "/schedules/s?events=named", "/users/1", "/users/1?lang=en"} {
				st := s.mustOpen(t, path, "")
				st.expectConnect(t, "fresh", epoch+"-0")
				streams = append(streams, st)
			}
		}
		f.emit(held("1", "s", 1, 2, 3))
		for _, st := range streams {
			st.mustNext(t)
		}
		synctest.Wait()
		for _, st := range streams {
			_ = st.Close()
		}
		if got := f.hub.stats(); got.encoded != 3+3+1+1 {
			t.Errorf("%d frames were made, want 8", got.encoded)
		}
	})
}
