//go:build unix

package payments_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"onsale/domain/orders"
	"onsale/http/portone/fake"
)

// BenchmarkWorker_Orders is how many orders are decided in a second, each asked about over HTTP at a provider that takes
// 20 ms for every answer. The provider, the log and the store are in this process too.
func BenchmarkWorker_Orders(b *testing.B) {
	c := newCounter(b, newNode(b), b.N)
	if err := c.fake.SendWebhooks(fake.Webhooks{}); err != nil {
		b.Fatal(err)
	}
	if err := c.fake.Fail("", fake.Fault{Kind: fake.Slow, Delay: 20 * time.Millisecond}, 0); err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		c.pays(fmt.Sprint("imp", i), price, "paid")
	}
	each(c.refs, 64, func(ref string) { c.put("kim", ref, place("tee")) })
	c.settle()
	b.ResetTimer()
	began, cpu := time.Now(), cpuTime(b)
	c.open()
	until(b, "all orders are decided", func() bool { return c.orders() == b.N })
	took := time.Since(began)
	b.ReportMetric(float64(b.N)/took.Seconds(), "orders/s")
	b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/float64(b.N), "CPU-µs/order")
	b.StopTimer()
	c.close()
	behaved(b, c.fake)
}

// orders are those that are paid.
func (c *counter) orders() int {
	stats, err := c.Stats(c.tb.Context())
	if err != nil {
		c.tb.Fatal(err)
	}
	return stats.Orders[orders.Paid]
}

func cpuTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
