package projections_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
	"onsale/projections/store"
)

// BenchmarkProjector_Issue issues coupons to users in random order: appended by 256 concurrent writers, decided, committed with
// fsync, published and confirmed, in the batch sizes that this load produces.
func BenchmarkProjector_Issue(b *testing.B) {
	for _, before := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprintf("after=%d", before), func(b *testing.B) {
			tn := newTestNode(b)
			tn.createPromotion("demo", 100_000_000)
			tn.issueCoupons(before, "before")
			b.ReportAllocs()
			b.ResetTimer()
			tn.issueCoupons(b.N, "bench")
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
			tn.closeUnchecked()
		})
	}
}

// BenchmarkProjector_Alone issues coupons one after the other, as on a quiet node: each pays for all wake-ups on its way. The runtime samples
// every eighth switch to a goroutine.
func BenchmarkProjector_Alone(b *testing.B) {
	tn := newTestNode(b)
	tn.createPromotion("demo", 100_000_000)
	switches := func() (n uint64) {
		sample := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
		metrics.Read(sample)
		for _, count := range sample[0].Value.Float64Histogram().Counts {
			n += 8 * count
		}
		return n
	}
	before := switches()
	b.ResetTimer()
	for i := range b.N {
		tn.submit(command(fmt.Sprint("user-", i), "k", "demo", coupons.Issue{}))
	}
	b.StopTimer()
	b.ReportMetric(float64(switches()-before)/float64(b.N), "switches/op")
	tn.closeUnchecked()
}

// BenchmarkProjector_Hold does the same for holds of single seats, in schedules of 100,000 seats.
func BenchmarkProjector_Hold(b *testing.B) {
	const hall = 100_000
	tn := newTestNode(b)
	for i := range b.N/hall + 1 {
		tn.submit(command("admin", fmt.Sprint("create ", i), fmt.Sprint("hall-", i), seats.Create{Title: "t", HoldSeconds: 86_400, MaxSeatsPerUser: 1,
			Sections: []seats.Section{{Name: "A", Rows: []seats.Row{{Name: "1", Seats: hall}}}}}))
	}
	b.ReportAllocs()
	b.ResetTimer()
	tn.appendRequests(b.N, "bench", func(i int) (string, domain.Body) {
		return fmt.Sprint("hall-", i/hall), seats.Hold{ScheduleSeatIDs: []int{i%hall + 1}}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
	tn.closeUnchecked()
}

// BenchmarkProjector_Order places orders in random order, and records that each is paid. The reported rate is orders a second, of two
// commands each.
func BenchmarkProjector_Order(b *testing.B) {
	tn := newTestNode(b)
	tn.submitExpect("admin", "demo", orders.Create{Name: "n", Price: 1000, Stock: orders.MaxStock}, "products.created")
	impUID := func(i int) string { return fmt.Sprintf("imp_%012d", i) }
	b.ReportAllocs()
	b.ResetTimer()
	tn.appendRequests(b.N, "bench", func(i int) (string, domain.Body) { return impUID(i), placeOrder("demo", 1, 1000) })
	b.StopTimer()
	placed := make(map[string]uint64, b.N)
	for _, e := range tn.recorder.events {
		placed[e.Entity] = e.Number
	}
	b.StartTimer()
	tn.appendAll(b.N, func(i int) domain.Command {
		return domain.Command{Entity: impUID(i), Body: orders.RecordPayment{LastEvent: placed[impUID(i)], Payment: paidPayment(1000)}}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "orders/s")
	stats, err := tn.p.Stats(b.Context())
	if err != nil || stats.Orders[orders.StatusPaid] != b.N {
		b.Errorf("%v of %d orders are paid: %v", stats.Orders, b.N, err)
	}
	tn.closeUnchecked()
}

// issueCoupons appends n coupons.Issue commands.
func (tn *testNode) issueCoupons(n int, name string) {
	tn.tb.Helper()
	tn.appendRequests(n, name, func(int) (string, domain.Body) { return "demo", coupons.Issue{} })
}

// appendRequests appends one request for each of n users, in random order, and waits until all are confirmed.
func (tn *testNode) appendRequests(n int, name string, request func(i int) (entity string, body domain.Body)) {
	tn.tb.Helper()
	tn.appendAll(n, func(i int) domain.Command {
		entity, body := request(i)
		return command(fmt.Sprintf("%s-%d", name, i), "k", entity, body)
	})
}

// appendAll appends n commands in random order, by many writers, and waits until all are confirmed.
func (tn *testNode) appendAll(n int, command func(i int) domain.Command) {
	tn.tb.Helper()
	order := rand.New(rand.NewPCG(1, uint64(n))).Perm(n)
	var group sync.WaitGroup
	const writers = 256
	for writer := range writers {
		group.Go(func() {
			for i := writer; i < n; i += writers {
				if _, err := tn.log.Append(context.Background(), command(order[i])); err != nil {
					tn.tb.Error(err)
				}
			}
		})
	}
	group.Wait()
	tn.waitConfirmed()
}

// BenchmarkProjector_Open opens a node with 200,000 commands: the log, the read store and its state.
func BenchmarkProjector_Open(b *testing.B) {
	tn := newTestNode(b)
	tn.createPromotion("demo", 100_000_000)
	tn.issueCoupons(200_000, "before")
	for b.Loop() {
		b.StopTimer()
		tn.close()
		b.StartTimer()
		tn.start()
	}
	tn.closeUnchecked()
}

// BenchmarkStore_Rebuild rebuilds the read store from 200,000 events.
func BenchmarkStore_Rebuild(b *testing.B) {
	const events = 200_000
	tn := newTestNode(b)
	tn.createPromotion("demo", 100_000_000)
	tn.issueCoupons(events-1, "before")
	b.ReportAllocs()
	for b.Loop() {
		s, _, err := store.Rebuild(context.Background(), filepath.Join(b.TempDir(), "store.db"), tn.log.Epoch(), tn.log, events)
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	tn.closeUnchecked()
}

// BenchmarkStore_Load verifies and loads a read store of 200,000 events, with the state that the last run saved and from all rows. B/event
// is the memory of the state.
func BenchmarkStore_Load(b *testing.B) {
	const events = 200_000
	tn := newTestNode(b)
	tn.createPromotion("demo", 100_000_000)
	tn.issueCoupons(events-1, "before")
	tn.stop()
	for _, from := range []string{"saved", "rows"} {
		b.Run(from, func(b *testing.B) {
			if from == "rows" {
				if err := os.Remove(tn.path() + ".state"); err != nil {
					b.Fatal(err)
				}
			}
			var state store.State
			before := heapBytes()
			for b.Loop() {
				var s *store.Store
				var err error
				if s, state, err = store.Open(tn.path(), tn.log.Epoch(), tn.log); err != nil {
					b.Fatal(err)
				}
				s.Close()
			}
			b.ReportMetric((heapBytes()-before)/events, "B/event")
			b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
			runtime.KeepAlive(state)
		})
	}
	tn.closeUnchecked()
}

// heapBytes is the live heap.
func heapBytes() float64 {
	runtime.GC()
	runtime.GC() // what the first one has only found
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
