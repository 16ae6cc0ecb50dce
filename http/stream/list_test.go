package stream

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// listed is the list in a known order, without the ages.
func (w *world) listed() []Listed {
	list := w.hub.List()
	slices.SortFunc(list, func(a, b Listed) int {
		return cmp.Or(cmp.Compare(a.Key.Kind, b.Key.Kind), cmp.Compare(a.Key.ID, b.Key.ID))
	})
	for i := range list {
		list[i].Age = 0
	}
	return list
}

// A stream that sleeps lacks nothing, whatever happens to others; one whose reader takes nothing is farther behind with each
// event of its own. A scrape sees the same.
func TestList_stalled(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		w := newWorld(t, Config{WriteTimeout: time.Hour})
		s := w.serve()
		quiet, stalled := s.mustOpen(t, "/users/quiet", ""), s.mustOpen(t, "/schedules/s", "")
		defer quiet.Close()
		defer stalled.Close()
		quiet.greeted(t, "fresh", epoch+"-0")
		stalled.greeted(t, "fresh", epoch+"-0")
		time.Sleep(7 * time.Second)
		for _, s := range w.hub.List() {
			if s.Lag != 0 || s.State != "live" || s.Age != 7*time.Second {
				t.Errorf("got %+v", s)
			}
		}
		taken := map[bool]uint64{false: 0, true: 1}[byEngine(t)] // the rest of the first frame is kept for it
		state := map[bool]string{false: "writing", true: "full"}[byEngine(t)]
		for lag := uint64(1); lag < 100; lag++ {
			w.happen(held("1", "s", 1, 2, 3, 4, 5, 6))
			synctest.Wait()
			got := w.listed()
			want := []Listed{{Key: Key{OfUser, "quiet"}, State: "live"}, {Key: Key{OfSchedule, "s"}, Lag: lag, State: state}}
			if got[1].Cursor > taken || got[1].Lag > lag || got[1].Lag < lag-taken {
				t.Errorf("got %+v", got[1])
			}
			want[1].Cursor, want[1].Lag = got[1].Cursor, got[1].Lag
			if !slices.Equal(got, want) {
				t.Fatalf("got %+v, want %+v", got, want)
			}
			if l, ok := w.hub.Lags(); !ok || l != (Lags{Behind: 1, P99: got[1].Lag, Most: got[1].Lag}) {
				t.Fatalf("got %+v %v of %+v", l, ok, got)
			}
		}
	})
}

// A reader of the log, one in line for it, and one with an id that this node has not told yet.
func TestList_behind(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		w := newWorld(t, Config{Ring: 10, CatchUps: 1})
		w.sick = func() sickness { return hangs }
		s := w.serve()
		for range 20 {
			w.happen(issued("1"), issued("2"))
		}
		for range 20 {
			w.happen(issued("other"))
		}
		for _, path := range []string{"/users/1", "/users/2"} {
			st := s.mustOpen(t, path, epoch+"-3")
			defer st.Close()
			st.greeted(t, "complete", epoch+"-3")
			synctest.Wait()
		}
		opened := make(chan *stream)
		go func() { opened <- s.mustOpen(t, "/users/early", epoch+"-61") }()
		synctest.Wait()
		got, want := w.listed(), []Listed{
			{Key{OfUser, "1"}, 3, 36, 0, "catching up"}, // 39 is its last
			{Key{OfUser, "2"}, 3, 37, 0, "waiting for the log"},
			{Key{OfUser, "early"}, 0, 0, 0, "opening"},
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if l, ok := w.hub.Lags(); !ok || l != (Lags{Behind: 2, P99: 37, Most: 37}) {
			t.Errorf("got %+v %v", l, ok)
		}
		w.happen(issued("other"))
		early := <-opened
		defer early.Close()
		early.greeted(t, "complete", epoch+"-61")
		synctest.Wait()
		if got, want := w.listed()[2], (Listed{Key{OfUser, "early"}, 61, 0, 0, "live"}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// A loop that is about something else does not keep anybody waiting for long, and nothing is made up for it.
func TestList_loopIsBusy(t *testing.T) {
	t.Run("engine", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, Config{})
			s := w.serve()
			st := s.mustOpen(t, "/users/1", "")
			defer st.Close()
			st.greeted(t, "fresh", epoch+"-0")
			free := make(chan struct{})
			for _, l := range w.hub.engine.loops {
				l.post(func() { <-free })
			}
			began := time.Now()
			if got := w.listed(); !slices.Equal(got, []Listed{{Key: Key{OfUser, "1"}, State: "unknown"}}) || time.Since(began) != answerWithin {
				t.Errorf("got %+v after %v", got, time.Since(began))
			}
			if l, ok := w.hub.Lags(); ok {
				t.Errorf("got %+v", l)
			}
			close(free)
			if l, ok := w.hub.Lags(); !ok || l != (Lags{}) {
				t.Errorf("got %+v %v", l, ok)
			}
		})
	})
}

// What a scrape costs fifty thousand streams, all asleep or all full.
func BenchmarkLags(b *testing.B) {
	for _, state := range []string{"live", "full"} {
		b.Run(state, func(b *testing.B) {
			h := New(Config{Epoch: epoch, Engine: true, poller: newMemory, MaxStreams: -1, Last: func(Key) uint64 { return 0 }})
			defer h.engine.stop()
			h.start()
			for i := range 50_000 {
				s := &socket{loop: h.engine.loop(), begun: true, full: state == "full"}
				h.mu.Lock()
				h.enter(s, Key{OfUser, fmt.Sprint(i)})
				h.mu.Unlock()
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := h.Lags(); !ok {
					b.Fatal("a loop did not answer")
				}
			}
		})
	}
}
