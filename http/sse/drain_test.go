package sse

import (
	"fmt"
	"io"
	"onsale/http/view/viewtest"
	"testing"
	"testing/synctest"
	"time"
)

// A crowd ends over the whole window; some streams only, at a hundred a second. Nobody is told to come back before all have
// ended, and that is true of who comes meanwhile as well.
func TestDrain_SpreadsOverWindow(t *testing.T) {
	for name, c := range map[string]struct{ window, takes time.Duration }{
		"some":    {10 * time.Second, 200 * time.Millisecond},
		"a crowd": {100 * time.Millisecond, 100 * time.Millisecond},
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
			t.Errorf("who comes during the drain reads %q", rest)
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
		if e.back < takes+2*time.Second || e.back > takes+5*time.Second+time.Millisecond { // a wait is told in whole ones
			t.Errorf("told to come back at %v", e.back)
		}
		backs[e.back] = true
	}
	if len(backs) < streams/2 {
		t.Errorf("%d streams come back at %d moments", streams, len(backs))
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

// A hub without streams, and one that was halted, has nothing to wait for.
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

// Who waits for an event that this node will not tell any more is told to come back like all others, and is waited for by
// nobody.
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
