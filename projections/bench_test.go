package projections_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
	"onsale/projections"
)

// BenchmarkProjector_Issue decides coupons for users in random order: appended by 256 writers at once, decided, committed
// with fsync, emitted and confirmed, at the batch sizes that the load makes. The reported rate is commands a second.
func BenchmarkProjector_Issue(b *testing.B) {
	for _, before := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprintf("after=%d", before), func(b *testing.B) {
			w := newWorld(b)
			w.promotion("demo", 100_000_000)
			w.issue(before, "before")
			b.ReportAllocs()
			b.ResetTimer()
			w.issue(b.N, "bench")
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
			w.discard()
		})
	}
}

// BenchmarkProjector_Hold does the same for single seats of halls of 100,000, in random order.
func BenchmarkProjector_Hold(b *testing.B) {
	const hall = 100_000
	w := newWorld(b)
	for i := range b.N/hall + 1 {
		w.do(command("admin", fmt.Sprint("create ", i), fmt.Sprint("hall-", i), seats.Create{Title: "t", HoldSeconds: 86_400, MaxSeatsPerUser: 1,
			Sections: []seats.Section{{Name: "A", Rows: []seats.Row{{Name: "1", Seats: hall}}}}}))
	}
	b.ReportAllocs()
	b.ResetTimer()
	w.crowd(b.N, "bench", func(i int) (string, domain.Body) {
		return fmt.Sprint("hall-", i/hall), seats.Hold{ScheduleSeatIDs: []int{i%hall + 1}}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
	w.discard()
}

// BenchmarkProjector_Order places orders, with payments in no order, and learns of each that it is paid. The reported rate is
// orders a second, of two commands each.
func BenchmarkProjector_Order(b *testing.B) {
	w := newWorld(b)
	w.tell("admin", "demo", orders.Create{Name: "n", Price: 1000, Stock: orders.MaxStock}, "products.created")
	impUID := func(i int) string { return fmt.Sprintf("imp_%012d", i) }
	b.ReportAllocs()
	b.ResetTimer()
	w.crowd(b.N, "bench", func(i int) (string, domain.Body) { return impUID(i), place("demo", 1, 1000) })
	b.StopTimer()
	placed := make(map[string]uint64, b.N)
	for _, e := range w.told.told {
		placed[e.Entity] = e.Number
	}
	b.StartTimer()
	w.appendAll(b.N, func(i int) domain.Command {
		return domain.Command{Entity: impUID(i), Body: orders.Learn{After: placed[impUID(i)], Payment: paid(1000)}}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "orders/s")
	stats, err := w.p.Stats(b.Context())
	if err != nil || stats.Orders[orders.Paid] != b.N {
		b.Errorf("%v of %d orders are paid: %v", stats.Orders, b.N, err)
	}
	w.discard()
}

// issue asks for n coupons.
func (w *world) issue(n int, name string) {
	w.tb.Helper()
	w.crowd(n, name, func(int) (string, domain.Body) { return "demo", coupons.Issue{} })
}

// crowd appends n requests of as many users, whose names come in no order, and waits until all are told.
func (w *world) crowd(n int, name string, wish func(i int) (entity string, body domain.Body)) {
	w.tb.Helper()
	w.appendAll(n, func(i int) domain.Command {
		entity, body := wish(i)
		return command(fmt.Sprintf("%s-%d", name, i), "k", entity, body)
	})
}

// appendAll appends n commands in no order, by many writers, and waits until all are told.
func (w *world) appendAll(n int, command func(i int) domain.Command) {
	w.tb.Helper()
	places := rand.New(rand.NewPCG(1, uint64(n))).Perm(n)
	var group sync.WaitGroup
	const writers = 256
	for writer := range writers {
		group.Go(func() {
			for i := writer; i < n; i += writers {
				if _, err := w.log.Append(context.Background(), command(places[i])); err != nil {
					w.tb.Error(err)
				}
			}
		})
	}
	group.Wait()
	w.settle()
}

// BenchmarkOpen opens a node whose past is 200,000 commands: the log, the read store, the past.
func BenchmarkOpen(b *testing.B) {
	w := newWorld(b)
	w.promotion("demo", 100_000_000)
	w.issue(200_000, "before")
	for b.Loop() {
		b.StopTimer()
		w.close()
		b.StartTimer()
		w.start()
	}
	w.discard()
}

// BenchmarkRebuild makes the read store anew from 200,000 events.
func BenchmarkRebuild(b *testing.B) {
	const events = 200_000
	w := newWorld(b)
	w.promotion("demo", 100_000_000)
	w.issue(events-1, "before")
	b.ReportAllocs()
	for b.Loop() {
		s, err := projections.Rebuild(context.Background(), filepath.Join(b.TempDir(), "store.db"), w.log.Epoch(), w.log, events)
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	w.discard()
}
