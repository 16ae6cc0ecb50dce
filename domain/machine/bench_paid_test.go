// Costs of paid seats: the same with a small schedule and a large one, and whatever became of earlier holds.

package machine_test

import (
	"fmt"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/machine"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

var paidTerms = orders.Terms{Currency: "KRW", PaySeconds: 1800, MissingSeconds: 60}

// paidBench sells the second half of a schedule's seats; the first half is held by others.
type paidBench struct {
	*benchMachine
	all        []string
	next, size int
	hold       string
}

func newPaidBench(size int) *paidBench {
	l := &paidBench{&benchMachine{Machine: machine.New(), command: domain.Command{Sequence: 1000, At: 1000}}, userIDs(size), size / 2, size, ""}
	l.submit("admin", "hall", seats.Create{
		Title: "t", HoldSeconds: seats.MaxHoldSeconds, MaxSeatsPerUser: 4, Options: seats.Options{Payment: seats.PaymentRequired},
		Sections: []seats.Section{{Name: "A", Price: 50_000, Rows: []seats.Row{{Name: "1", Seats: size}}}},
	})
	l.submit("admin", "tenth", coupons.Create{Name: "n", Stock: size, PerUserLimit: 1,
		DiscountTerms: coupons.DiscountTerms{Discount: &coupons.Discount{Kind: coupons.DiscountPercent, Percent: 10}}})
	for i := range size / 2 {
		l.submit(l.all[i], "hall", seats.Hold{ScheduleSeatIDs: []int{i + 1}})
	}
	for i := size / 2; i < size; i++ {
		l.submit(l.all[i], "tenth", coupons.Issue{})
	}
	return l
}

// holdSeat holds the next seat for its user.
func (l *paidBench) holdSeat() {
	events := l.submit(l.all[l.next], "hall", seats.Hold{ScheduleSeatIDs: []int{l.next + 1}})
	l.hold = events[0].Body.(seats.Held).HoldID
}

// orderSeat orders the held seat, with the user's coupon if there is one.
func (l *paidBench) orderSeat(coupon string, amount int64) domain.Event {
	events := l.submit(l.all[l.next], fmt.Sprint("imp_", l.next), orders.Place{HoldID: l.hold, CouponID: coupon, Amount: amount, Terms: paidTerms})
	if _, ok := events[0].Body.(orders.Placed); !ok {
		panic(fmt.Sprintf("the order was not placed: %+v", events))
	}
	return events[0]
}

// recordPaid records the payment of an order, which reserves its seat.
func (l *paidBench) recordPaid(placed domain.Event, amount int64) {
	l.command.Request, l.command.User = domain.RequestID{}, ""
	l.command.Sequence++
	l.command.Body = orders.RecordPayment{LastEvent: placed.Number, Payment: orders.Payment{
		State: orders.PaymentPaid, MerchantUID: "m", Amount: amount, Currency: "KRW"}}
	if events, _ := l.Execute(l.command); len(events) < 2 {
		panic(fmt.Sprintf("the seat was not reserved: %+v", events))
	}
}

// BenchmarkPaidSeat holds a seat, orders it and finds the order paid: three commands. Each is timed alone too.
func BenchmarkPaidSeat(b *testing.B) {
	for _, size := range []int{200, 50_000} {
		for _, percent := range []int64{0, 10} {
			b.Run(fmt.Sprintf("seats=%d/discount=%d", size, percent), func(b *testing.B) {
				l := newPaidBench(size)
				var took [3]time.Duration
				amount := 50_000 * (100 - percent) / 100
				for b.Loop() {
					if l.next == l.size {
						b.StopTimer()
						l = newPaidBench(size)
						b.StartTimer()
					}
					coupon := ""
					if percent > 0 {
						coupon = coupons.CouponID("tenth", l.next-size/2+1)
					}
					began := time.Now()
					l.holdSeat()
					held := time.Now()
					placed := l.orderSeat(coupon, amount)
					ordered := time.Now()
					l.recordPaid(placed, amount)
					took[0] += held.Sub(began)
					took[1] += ordered.Sub(held)
					took[2] += time.Since(ordered)
					l.next++
				}
				for i, unit := range []string{"ns/hold", "ns/order", "ns/success"} {
					b.ReportMetric(float64(took[i].Nanoseconds())/float64(b.N), unit)
				}
			})
		}
	}
}

// BenchmarkPaidSeat_Late orders holds that expired, which takes their seats again, while most other seats are held.
func BenchmarkPaidSeat_Late(b *testing.B) {
	for _, size := range []int{200, 50_000} {
		b.Run(fmt.Sprint("seats=", size), func(b *testing.B) {
			l := newPaidBench(size)
			var holds []string
			expire := func() {
				b.StopTimer()
				l, holds = newPaidBench(size), holds[:0]
				for l.next = size / 2; l.next < size; l.next++ {
					l.holdSeat()
					holds = append(holds, l.hold)
				}
				l.command.At, _ = l.NextDeadline()
				l.command.At = l.command.At.Add(time.Second)
				l.command.Request = domain.RequestID{}
				for events := []domain.Event{{}}; len(events) > 0; {
					l.command.Sequence++
					l.command.Entity, l.command.User, l.command.Body = domain.SystemEntity, "", domain.Tick{}
					events, _ = l.Execute(l.command)
				}
				l.next = size / 2
				b.StartTimer()
			}
			expire()
			for b.Loop() {
				if l.next == l.size {
					expire()
				}
				l.hold = holds[l.next-size/2]
				l.orderSeat("", 50_000)
				l.next++
			}
		})
	}
}

// BenchmarkPaidSeat_Cancelled calls a performance off whose seats are all reserved: events until all refunds are due. Per reservation.
func BenchmarkPaidSeat_Cancelled(b *testing.B) {
	const size = 20_000
	for b.Loop() {
		b.StopTimer()
		l := newPaidBench(size)
		for ; l.next < size; l.next++ {
			l.holdSeat()
			l.recordPaid(l.orderSeat("", 50_000), 50_000)
		}
		b.StartTimer()
		events := l.submit("admin", "hall", seats.CancelSchedule{Reason: "flu"})
		l.command.Request = domain.RequestID{}
		for len(events) > 0 {
			l.command.Sequence++
			l.command.Entity, l.command.User, l.command.Body = domain.SystemEntity, "", domain.Tick{}
			events, _ = l.Execute(l.command)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(size/2), "ns/reservation")
}
