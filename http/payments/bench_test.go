//go:build unix

package payments_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"onsale/domain/orders"
	"onsale/http/payments/portone/fakeportone"
)

// BenchmarkWorker_Orders measures orders decided per second, each verified over HTTP at a provider that takes 20 ms per
// response. Provider, log and store run in this process too.
func BenchmarkWorker_Orders(b *testing.B) {
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
	parallel(f.refs, 64, func(ref string) { f.submit("of-"+ref, ref, orderCommand("tee")) })
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
