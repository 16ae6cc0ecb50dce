package sse

import (
	"fmt"
	"onsale/http/view"
	"runtime"
	"sync"
	"testing"

	"onsale/projections"
)

// addReaders join a hub as connections do, and read whatever they are woken for, without writing it anywhere.
func addReaders(b *testing.B, h *Hub, n int, topic func(i int) Topic, to view.Audience) (stop func()) {
	var reading sync.WaitGroup
	quit := make(chan struct{})
	for i := range n {
		c := &conn{hub: h, cursor: cursor{audience: to}}
		if !h.addWatcher(c, topic(i)) {
			b.Fatal("the hub is shut")
		}
		c.cursor.at = view.Position{Number: h.head()}
		reading.Go(func() {
			defer h.removeWatcher(c)
			for {
				select {
				case <-quit:
					return
				case <-c.watcher.wakeup:
				}
				for pending := true; pending; {
					buffer := buffers.Get().(*[]byte)
					out, result := h.nextFrames(&c.cursor, (*buffer)[:0])
					pending = result.state == hasMore
					if result.state == needsHistory {
						c.cursor.at = view.Position{Number: h.head()} // it reads on without what a consumer would bring
					}
					*buffer = out
					buffers.Put(buffer)
				}
			}
		})
	}
	return func() {
		close(quit)
		reading.Wait()
	}
}

// What telling one event costs the projector, for so many that watch the schedule it changes and so many that watch
// something else.
func BenchmarkHub_Publish(b *testing.B) {
	for _, c := range []struct{ watching, idle int }{{0, 0}, {1, 0}, {1000, 0}, {0, 10_000}, {1, 10_000}} {
		b.Run(fmt.Sprintf("watching=%d/idle=%d", c.watching, c.idle), func(b *testing.B) {
			h := New(Config{Epoch: epoch, Source: emptySource{}})
			stop := addReaders(b, h, c.watching, func(int) Topic { return Topic{TopicSchedule, "s"} }, view.Audience{Content: view.Seats})
			stopIdle := addReaders(b, h, c.idle, func(i int) Topic { return Topic{TopicUser, fmt.Sprint("idle", i)} }, view.Audience{})
			e := held("1", "s", 1, 2)
			b.ReportAllocs()
			for b.Loop() {
				e.Number++
				h.Publish([]projections.ConfirmedEvent{{Event: e, PrevOfUser: e.Number - 1, PrevOfEntity: e.Number - 1}})
			}
			stop()
			stopIdle()
			b.ReportMetric(float64(h.stats().encoded)/float64(2*e.Number), "encodes/frame")
		})
	}
}

// As the projector does it: many at once, each of another user.
func BenchmarkHub_PublishBatch(b *testing.B) {
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
		h.Publish(events)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/event")
}

// What an idle connection keeps in this package, without what net/http keeps for it.
func BenchmarkConn_Idle(b *testing.B) {
	const n = 10_000
	h := New(Config{Epoch: epoch, Ring: 1})
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		conns := make([]*conn, n)
		for i := range conns {
			conns[i] = &conn{hub: h}
			h.addWatcher(conns[i], Topic{TopicUser, fmt.Sprint(i)})
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		for _, c := range conns {
			h.removeWatcher(c)
		}
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/connection")
}
