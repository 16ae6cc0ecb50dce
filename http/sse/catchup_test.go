package sse

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"onsale/domain"
	"onsale/http/view/viewtest"
)

// A stream that resumes and has missed nothing does not read the journal, however old its id; others read it once.
func TestCatchUp_ReadsLogOnlyWhenNeeded(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{Ring: 10})
		s := f.serve()
		for i := range 1000 {
			f.emit(issued("other"), held("1", "s", i+1))
		}
		for i, c := range []struct {
			path, id string
			readings int
			first    string
		}{
			{"/users/2", epoch + "-5", 0, ""},
			{"/schedules/t", epoch + "-0", 0, ""},
			{"/users/1", epoch + "-1990", 0, "1992"},
			{"/users/1", epoch + "-1989", 1, "1990"}, // tail is 1991
			{"/users/1", epoch + "-1001", 1, "1002"},
			{"/schedules/s", epoch + "-0", 1, "2"},
		} {
			before := f.readings
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
			if got := f.readings - before; got != c.readings {
				t.Errorf("%d: %d readings, want %d", i, got, c.readings)
			}
		}
		synctest.Wait()
		if got := f.hub.stats(); got.catchUps != 0 || got.waiting != 0 {
			t.Errorf("stats %+v", got)
		}
	})
}

// A reading that is overtaken by the ring goes on, while the ring does not reach back to it.
func TestCatchUp_ContinuesWhenOvertaken(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{Ring: 10})
		s := f.serve()
		f.emit(slices.Repeat([]domain.Event{issued("1")}, 1000)...) // more than is written before anything is read
		st := s.mustOpen(t, "/users/1", epoch+"-0")
		defer st.Close()
		st.expectConnect(t, "complete", epoch+"-0")
		synctest.Wait()
		for range 10 {
			f.emit(slices.Repeat([]domain.Event{issued("1")}, 100)...)
		}
		for n := range 2000 {
			if e := st.mustNext(t); e.ID != fmt.Sprintf("%s-%d", epoch, n+1) {
				t.Fatalf("got %+v, want %d", e, n+1)
			}
		}
		if f.readings != 1 {
			t.Errorf("%d readings, want 1", f.readings)
		}
	})
}

// A log that cannot be read is read again, with pauses.
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
			if got, limit := f.readings, map[fault]int{readFails: 21, readEnds: 21, readHangs: 3}[failure]; got < 3 || got > limit {
				t.Errorf("%d readings in ten seconds, want 3 to %d", got, limit)
			}
			f.mu.Unlock()
			_ = st.Close()
			synctest.Wait()
		}
	})
}

// A store that is ahead of what was delivered does not keep a stream from what was delivered.
func TestCatchUp_StopsAtPublished(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{Ring: 2})
		s := f.serve()
		f.emit(issued("1"), issued("2"), issued("2"), issued("2"))
		f.decide(issued("1")) // event 5, not in the log yet
		st := s.mustOpen(t, "/users/1", epoch+"-0")
		defer st.Close()
		st.expectConnect(t, "complete", epoch+"-0")
		if e := st.mustNext(t); e.ID != epoch+"-1" {
			t.Errorf("got %+v", e)
		}
		f.append(1) // in the log, but not confirmed
		time.Sleep(20 * time.Second)
		began := time.Now()
		time.AfterFunc(3*time.Second, func() { f.deliver(1) })
		if e := st.mustNext(t); e.ID != epoch+"-5" || time.Since(began) != 3*time.Second {
			t.Errorf("got %+v after %v", e, time.Since(began))
		}
	})
}

// Only MaxCatchUps streams read the journal at once. Those that wait get heartbeats with their own position, and their turn.
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
					return // disconnects while it waits
				}
				if e, err := st.next(); err != nil || e.ID != fmt.Sprintf("%s-%d", epoch, i+1) || time.Since(began) > 36*time.Second {
					t.Errorf("%d: got %+v %v after %v", i, e, err, time.Since(began))
				}
			})
		}
		reading.Wait()
		if f.maxActive != 2 {
			t.Errorf("%d readings at once, want 2", f.maxActive)
		}
		synctest.Wait()
		if got := f.hub.stats(); got.catchUps != 0 || got.waiting != 0 || got.users != 0 {
			t.Errorf("stats %+v", got)
		}
	})
}

// Readers of the log whose batches do not go out give their slots to others: a fast client does not wait until slow ones have
// everything, and these get everything too.
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
			t.Errorf("it took %v to read the journal behind %d slow readers", took, slow)
		}
		reading.Wait()
		synctest.Wait()
		if got := f.hub.stats(); f.maxActive > 2 || got.catchUps != 0 || got.waiting != 0 {
			t.Errorf("%d at once, %+v", f.maxActive, got)
		}
	})
}

// A fast client that reads much from a slow log gives its slot to the next.
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
			t.Errorf("the second began %v after the first had finished", first[1].Sub(last[0]))
		}
	})
}
