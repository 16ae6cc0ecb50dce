package sse

import (
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"onsale/http/sse/evloop"
	"onsale/http/view"
	"onsale/projections"
	"onsale/projections/store"
)

// A previous number that is in the ring, but of another topic there, leads to the log.
func TestPublish_IgnoresWrongPrev(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{Ring: 3})
		s := f.serve()
		f.emit(issued("1"), issued("2"), issued("3"))
		f.decide(issued("1"))
		f.append(1)
		f.log[3].PrevOfUser = 3
		f.hub.ring.drop() // event 1
		f.deliver(1)
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

// The id of another stream may count frames that this one does not have. Nothing is skipped because of it.
func TestCursor_AcceptsForeignSubIndex(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		for _, ring := range []int{1, 100} {
			f := newFixture(t, Config{Ring: ring})
			s := f.serve()
			f.emit(held("1", "s", 1, 2), held("1", "other", 1, 2, 3, 4), held("1", "s", 3, 4, 5), issued("2"))
			for path, want := range map[string][2]string{
				"/schedules/s 1.1":     {"1", `{"scheduleSeatId":2,`},   // its own
				"/schedules/s 1.2":     {"1.1", `{"scheduleSeatId":1,`}, // there is none
				"/schedules/s 2.2":     {"3.1", `{"scheduleSeatId":3,`}, // another schedule's
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

// A gap in delivered events resets the ring, and the events in the gap are read from the journal.
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
		f.delivered = 3 // 2 and 3 never will be
		f.deliver(1)
		f.emit(issued("2"))
		f.hub.Deliver(f.log[2:4]) // delivered before
		for _, want := range []string{"-1", "-2", "-4"} {
			if e := st.mustNext(t); e.ID != epoch+want {
				t.Errorf("got %+v, want %s", e, want)
			}
		}
		f.decide(issued("1"), issued("2"))
		f.append(2)
		f.delivered = 6 // 6 never will be, and 7 is another user's
		began := time.Now()
		f.deliver(1)
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
		{600, 0, 0, 601, 600},     // nothing: the ring is empty and has the right head
		{600, 550, 600, 551, 600}, // less than the ring's capacity
		{600, 0, 600, 501, 600},   // more than the capacity
		{0, 500, 600, 501, 600},   // no head
		{600, 500, 590, 601, 600}, // the head is ahead: the events between are unknown
	} {
		hub := New(Config{Ring: 100, Head: c.head})
		hub.Preload(slices.Clone(f.log[c.from:c.to]))
		if got := hub.stats(); got.tail != c.tail || got.head != c.ended {
			t.Errorf("%+v: %d to %d", c, got.tail, got.head)
		}
	}
}

// A topic is removed from the ring with its last event and its last subscriber.
func TestRing_PrunesTopics(t *testing.T) {
	onBothPaths(t, func(t *testing.T) {
		f := newFixture(t, Config{Ring: 4})
		s := f.serve()
		st := s.mustOpen(t, "/users/quiet", "")
		for i := range 100 {
			f.emit(held(fmt.Sprint("u", i), fmt.Sprint("s", i), 1))
		}
		if got := len(f.hub.ring.topics); got != 9 {
			t.Errorf("%d topics, want 4 × 2 and one with a subscriber", got)
		}
		_ = st.Close()
		synctest.Wait()
		if got := len(f.hub.ring.topics); got != 8 {
			t.Errorf("%d topics, want 8", got)
		}
	})
}

// Frames are encoded once for each audience, however many subscribers there are.
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
			t.Errorf("%d frames were encoded, want 8", got.encoded)
		}
	})
}

// discardPoller has connections that take everything.
type discardPoller struct{}

func newDiscardPoller(time.Duration) (evloop.Poller, error)       { return discardPoller{}, nil }
func (discardPoller) Add(*evloop.Conn, net.Conn) error            { return nil }
func (discardPoller) Write(_ *evloop.Conn, b []byte) (int, error) { return len(b), nil }
func (discardPoller) Discard(*evloop.Conn) error                  { return nil }
func (discardPoller) Drop(*evloop.Conn)                           {}
func (discardPoller) Close()                                      {}

// addStreams adds streams whose clients take everything.
func addStreams(b *testing.B, h *Hub, n int, topic func(i int) Topic, to view.Audience) {
	engine := h.startEngine()
	for i := range n {
		s := &subscription{hub: h, cursor: cursor{audience: to}}
		engine.Assign(&s.Conn, s)
		if !h.register(s, topic(i)) {
			b.Fatal("the hub is closed")
		}
		if err := s.Open(nil, nil); err != nil {
			b.Fatal(err)
		}
		s.start([]byte(":\n\n"))
	}
}

// BenchmarkHub_Deliver measures delivering one event, with subscribers of its schedule and idle ones of other topics.
func BenchmarkHub_Deliver(b *testing.B) {
	for _, c := range []struct{ watching, idle int }{{0, 0}, {1, 0}, {1000, 0}, {0, 10_000}, {1, 10_000}} {
		b.Run(fmt.Sprintf("watching=%d/idle=%d", c.watching, c.idle), func(b *testing.B) {
			h := New(Config{Epoch: epoch, Source: emptySource{}, EventLoop: true, newPoller: newDiscardPoller, MaxStreams: -1})
			defer h.Close()
			addStreams(b, h, c.watching, func(int) Topic { return Topic{TopicSchedule, "s"} }, view.Audience{Content: view.Seats})
			addStreams(b, h, c.idle, func(i int) Topic { return Topic{TopicUser, fmt.Sprint("idle", i)} }, view.Audience{})
			e := held("1", "s", 1, 2)
			b.ReportAllocs()
			for b.Loop() {
				e.Number++
				h.Deliver([]projections.ConfirmedEvent{{Event: e, Links: store.Links{PrevOfUser: e.Number - 1, PrevOfEntity: e.Number - 1}}})
			}
			b.ReportMetric(float64(h.stats().encoded)/float64(2*e.Number), "encodes/frame")
		})
	}
}

// BenchmarkHub_DeliverBatch delivers as the projector does: many events at once, each of another user.
func BenchmarkHub_DeliverBatch(b *testing.B) {
	h := New(Config{Epoch: epoch, Source: emptySource{}})
	events := make([]projections.ConfirmedEvent, 256)
	for i := range events {
		events[i].Event = issued(fmt.Sprint("user", i))
	}
	n := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		for i := range events {
			n++
			events[i].Number = n
		}
		h.Deliver(events)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/event")
}

// BenchmarkConn_Idle measures the memory of an idle stream in this package, without net/http's.
func BenchmarkConn_Idle(b *testing.B) {
	const n = 10_000
	h := New(Config{Epoch: epoch, Ring: 1, EventLoop: true, newPoller: newDiscardPoller, MaxStreams: -1})
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		addStreams(b, h, n, func(i int) Topic { return Topic{TopicUser, fmt.Sprint(i)} }, view.Audience{})
		for slices.ContainsFunc(h.List(), func(s StreamInfo) bool { return s.State != "live" }) {
			time.Sleep(time.Millisecond)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		h.Close()
		h = New(h.Config)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/connection")
}
