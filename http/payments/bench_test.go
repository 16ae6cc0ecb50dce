//go:build unix

package payments_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/domain/seats"
	"onsale/http/payments/portone/fakeportone"
)

// BenchmarkWorker_Orders measures orders decided per second, each verified over HTTP at a provider that takes 20 ms per
// response. Provider, log and store run in this process too.
func BenchmarkWorker_Orders(b *testing.B) {
	benchmarkWorker(b, func(f *fixture) {
		parallel(f.refs, 64, func(ref string) { f.submit("of-"+ref, ref, orderCommand("tee")) })
	})
}

// BenchmarkWorker_Seats does the same for orders on holds of single seats of one schedule, each with a coupon.
func BenchmarkWorker_Seats(b *testing.B) {
	benchmarkWorker(b, func(f *fixture) {
		f.submit("admin", "hall", seats.Create{
			Title: "Opera", HoldSeconds: seats.MaxHoldSeconds, MaxSeatsPerUser: 1, Options: seats.Options{Payment: seats.PaymentRequired},
			Sections: []seats.Section{{Name: "A", Price: price + discount, Rows: []seats.Row{{Name: "1", Seats: b.N}}}},
		})
		f.submit("admin", "less", coupons.Create{
			Name: "less", Stock: b.N, PerUserLimit: 1, DiscountTerms: coupons.DiscountTerms{Discount: &coupons.Discount{Kind: coupons.DiscountFixed, Amount: discount}},
		})
		holds := make([]string, b.N)
		numbered := make([]int, b.N)
		for i := range numbered { // in turn, so that coupon n is that of payment n
			numbered[i] = i
			f.submit("of-"+f.refs[i], "less", coupons.Issue{})
		}
		parallel(numbered, 64, func(i int) {
			holds[i] = seats.HoldID(f.submit("of-"+f.refs[i], "hall", seats.Hold{ScheduleSeatIDs: []int{i + 1}}))
		})
		parallel(numbered, 64, func(i int) {
			order := orderCommand("")
			order.Count, order.HoldID, order.CouponID = 0, holds[i], coupons.CouponID("less", i+1)
			f.submit("of-"+f.refs[i], f.refs[i], order)
		})
	})
}

// benchmarkWorker measures how fast b.N paid orders are decided that place has placed, one for each payment.
func benchmarkWorker(b *testing.B, place func(*fixture)) {
	f := newFixture(b, newNode(b), b.N)
	if err := f.fake.SendWebhooks(fakeportone.Webhooks{}); err != nil {
		b.Fatal(err)
	}
	if err := f.fake.Fail("", fakeportone.Fault{Kind: fakeportone.Slow, Delay: 20 * time.Millisecond}, 0); err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		f.createPayment(fmt.Sprint("imp", i), price, "paid")
	}
	place(f)
	f.waitCaughtUp()
	b.ResetTimer()
	began, cpu := time.Now(), cpuTime(b)
	f.startWorker()
	waitFor(b, "all orders are paid", func() bool { return f.paidOrders() == b.N })
	took := time.Since(began)
	b.ReportMetric(float64(b.N)/took.Seconds(), "orders/s")
	b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(b.N), "CPU-µs/order")
	b.StopTimer()
	f.stopWorker()
	wantNoViolations(b, f.fake)
}

func (f *fixture) paidOrders() int {
	stats, err := f.Stats(f.tb.Context())
	if err != nil {
		f.tb.Fatal(err)
	}
	return stats.Orders[orders.StatusPaid]
}

func cpuTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
