package stream

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"onsale/projections"
)

// viewers join a hub as connections do, and read whatever they are woken for, without writing it anywhere.
func viewers(b *testing.B, h *Hub, n int, key func(i int) Key, to audience) (stop func()) {
	var reading sync.WaitGroup
	over := make(chan struct{})
	for i := range n {
		c := &conn{hub: h, cursor: cursor{audience: to}}
		if !h.watch(c, key(i)) {
			b.Fatal("the hub is shut")
		}
		c.cursor.at = Position{Number: h.head()}
		reading.Go(func() {
			defer h.leave(c)
			for {
				select {
				case <-over:
					return
				case <-c.watcher.news:
				}
				for again := true; again; {
					buffer := buffers.Get().(*[]byte)
					out, step := h.next(&c.cursor, (*buffer)[:0])
					again = step.state == more
					if step.state == behind {
						c.cursor.at = Position{Number: h.head()} // it reads on without what a consumer would bring
					}
					*buffer = out
					buffers.Put(buffer)
				}
			}
		})
	}
	return func() {
		close(over)
		reading.Wait()
	}
}

// What telling one event costs the projector, for so many that watch the schedule it changes and so many that watch
// something else.
func BenchmarkTell(b *testing.B) {
	for _, c := range []struct{ watching, idle int }{{0, 0}, {1, 0}, {1000, 0}, {0, 10_000}, {1, 10_000}} {
		b.Run(fmt.Sprintf("watching=%d/idle=%d", c.watching, c.idle), func(b *testing.B) {
			h := New(Config{Epoch: epoch, Last: func(Key) uint64 { return 0 }})
			stop := viewers(b, h, c.watching, func(int) Key { return Key{OfSchedule, "s"} }, public)
			stopIdle := viewers(b, h, c.idle, func(i int) Key { return Key{OfUser, fmt.Sprint("idle", i)} }, ownerKorean)
			e := held("1", "s", 1, 2)
			b.ReportAllocs()
			for b.Loop() {
				e.Number++
				h.Tell([]projections.Told{{Event: e, BeforeOfUser: e.Number - 1, BeforeOfEntity: e.Number - 1}})
			}
			stop()
			stopIdle()
			b.ReportMetric(float64(h.Stats().Encoded)/float64(2*e.Number), "encodes/frame")
		})
	}
}

// As the projector does it: many at once, each of another user.
func BenchmarkTell_batch(b *testing.B) {
	h := New(Config{Epoch: epoch, Last: func(Key) uint64 { return 0 }})
	events := make([]projections.Told, 256)
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
		h.Tell(events)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/event")
}

func BenchmarkRender(b *testing.B) {
	for _, name := range []string{"issued", "held", "sold out"} {
		b.Run(name, func(b *testing.B) {
			e := samples[name]
			b.ReportAllocs()
			for b.Loop() {
				render(epoch, &e, ownerKorean)
			}
		})
	}
	b.Run("held for the public", func(b *testing.B) {
		e := samples["held"]
		b.ReportAllocs()
		for b.Loop() {
			render(epoch, &e, public)
		}
	})
}

// What an idle connection keeps in this package, without what net/http keeps for it.
func BenchmarkIdleConnection(b *testing.B) {
	const n = 10_000
	h := New(Config{Epoch: epoch, Ring: 1})
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		conns := make([]*conn, n)
		for i := range conns {
			conns[i] = &conn{hub: h}
			h.watch(conns[i], Key{OfUser, fmt.Sprint(i)})
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		for _, c := range conns {
			h.leave(c)
		}
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/connection")
}
