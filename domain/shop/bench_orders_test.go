// What an order costs, when there were few before it and when there were very many.
package shop_test

import (
	"fmt"
	"runtime"
	"testing"

	"onsale/domain"
	"onsale/domain/orders"
)

// order places one, and has its payment found right.
func (l *line) order(user, impUID string) {
	placed := l.ask(user, impUID, orders.Place{SalePostID: "tee", Count: 1, Amount: 20_000, Terms: orders.Terms{Currency: "KRW", PaySeconds: 1800}})
	l.command.Request = domain.RequestID{}
	l.command.Sequence++
	l.command.User, l.command.Body = "", orders.Learn{After: placed[0].Number, Payment: orders.Payment{
		State: orders.PaymentPaid, MerchantUID: user, Amount: 20_000, Currency: "KRW"}}
	if events, _ := l.Do(l.command); len(events) != 1 {
		panic("nothing was learnt")
	}
}

// BenchmarkOrder is place, learn and succeed. B/order is what the shop keeps of each that was before, with its request.
func BenchmarkOrder(b *testing.B) {
	for _, before := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint("orders=", before), func(b *testing.B) {
			l, all, fresh := newLine(), users(before+1_000_000), 0
			imps := make([]string, len(all))
			for i := range imps {
				imps[i] = fmt.Sprintf("imp_%012d", i)
			}
			l.ask("admin", "tee", orders.Create{Name: "n", Price: 20_000, Stock: orders.MaxStock})
			start := heap()
			for i := range before {
				l.order(all[i], imps[i])
			}
			each := (heap() - start) / float64(before)
			for b.Loop() {
				l.order(all[before+fresh], imps[before+fresh])
				fresh++
			}
			b.ReportMetric(each, "B/order")
			runtime.KeepAlive(l)
		})
	}
}
