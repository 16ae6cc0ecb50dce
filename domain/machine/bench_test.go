// Costs of a decision with its Apply, with a small state and a large one: they should be the same.

package machine_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/machine"
	"onsale/domain/orders"
	"onsale/domain/seats"
)

// benchMachine numbers its commands.
type benchMachine struct {
	*machine.Machine
	command domain.Command
}

func (l *benchMachine) submit(user, entity string, body domain.Body) []domain.Event {
	l.command.Sequence++
	l.command.User, l.command.Entity, l.command.Body = user, entity, body
	for i, n := 0, l.command.Sequence; i < 22; i, n = i+1, n/26 {
		l.command.Request[i] = 'a' + byte(n%26)
	}
	events, _ := l.Execute(l.command)
	return events
}

func newBenchMachine() *benchMachine {
	return &benchMachine{Machine: machine.New(), command: domain.Command{Sequence: 1000, At: 1000}}
}

func userIDs(n int) []string {
	rng, all := rand.New(rand.NewPCG(1, 1)), make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("user-%016x", rng.Uint64())
	}
	return all
}

func BenchmarkIssue(b *testing.B) {
	for _, issued := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint("issued=", issued), func(b *testing.B) {
			l, before, next := newBenchMachine(), userIDs(issued+1_000_000), 0
			before, more := before[:issued], before[issued:]
			l.submit("admin", "demo", coupons.Create{Name: "n", Stock: coupons.MaxStock, PerUserLimit: coupons.MaxPerUserLimit})
			for _, user := range before {
				l.submit(user, "demo", coupons.Issue{})
			}
			for b.Loop() {
				l.submit(more[next%len(more)], "demo", coupons.Issue{})
				next++
			}
		})
	}
}

// BenchmarkIssue_Repeated rejects users who have a coupon already.
func BenchmarkIssue_Repeated(b *testing.B) {
	l, all := newBenchMachine(), userIDs(100_000)
	l.submit("admin", "demo", coupons.Create{Name: "n", Stock: coupons.MaxStock, PerUserLimit: 1})
	for _, user := range all {
		l.submit(user, "demo", coupons.Issue{})
	}
	for b.Loop() {
		l.submit(all[l.command.Sequence%100_000], "demo", coupons.Issue{})
	}
}

// heapBytes is the live heap.
func heapBytes() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// BenchmarkMachine_Memory measures memory per coupon, and per hold before and after it expires.
func BenchmarkMachine_Memory(b *testing.B) {
	for b.Loop() {
		l, all := newBenchMachine(), userIDs(500_000)
		l.submit("admin", "demo", coupons.Create{Name: "n", Stock: coupons.MaxStock, PerUserLimit: 1})
		createSchedule(l, seats.MaxSeats, 1)
		start := heapBytes()
		for _, user := range all {
			l.submit(user, "demo", coupons.Issue{})
		}
		issued := heapBytes()
		for i := range seats.MaxSeats {
			l.submit(all[i], "hall", seats.Hold{ScheduleSeatIDs: []int{i + 1}})
		}
		held := heapBytes()
		l.command.At, _ = l.NextDeadline()
		for l.submit("", domain.SystemEntity, domain.Tick{}) != nil {
		}
		b.ReportMetric((issued-start)/float64(len(all)), "B/coupon")
		b.ReportMetric((held-issued)/seats.MaxSeats, "B/hold")
		b.ReportMetric((heapBytes()-issued)/seats.MaxSeats, "B/endedhold")
		runtime.KeepAlive(l)
		runtime.KeepAlive(all)
	}
}

// BenchmarkOffer_Accept revokes a coupon and accepts the offer of its unit, with a long waiting list.
func BenchmarkOffer_Accept(b *testing.B) {
	for _, waiting := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint("waiting=", waiting), func(b *testing.B) {
			l, all := newBenchMachine(), userIDs(waiting)
			l.submit("admin", "demo", coupons.Create{Name: "n", Stock: 1, PerUserLimit: coupons.MaxPerUserLimit})
			l.submit("kim", "demo", coupons.Issue{})
			for _, user := range all {
				l.submit(user, "demo", coupons.Join{Quantity: 1})
			}
			p := l.Coupons.Promotion("demo")
			for b.Loop() {
				last := p.IssuedEver
				l.submit("admin", "demo", coupons.Revoke{Number: last, ReturnStock: true})
				for sequence, o := range p.Offers() { // exactly one
					l.submit(o.User, "demo", coupons.Accept{WaitingID: coupons.WaitingID("demo", sequence)})
					l.submit(o.User, "demo", coupons.Join{Quantity: 1})
				}
			}
			if p.WaitingCount() != waiting {
				b.Errorf("%d wait", p.WaitingCount())
			}
		})
	}
}

// BenchmarkWaitlist_NoFit issues units of a promotion where all waiting users want more than there is.
func BenchmarkWaitlist_NoFit(b *testing.B) {
	l := newBenchMachine()
	l.submit("admin", "demo", coupons.Create{Name: "n", PerUserLimit: coupons.MaxPerUserLimit})
	for i, user := range userIDs(100_000) {
		l.submit(user, "demo", coupons.Join{Quantity: 2 + i%3})
	}
	for b.Loop() {
		l.submit("admin", "demo", coupons.ChangeStock{Delta: 1})
		l.submit("kim", "demo", coupons.Issue{})
		l.submit("admin", "demo", coupons.Revoke{Number: l.Coupons.Promotion("demo").IssuedEver})
	}
}

func createSchedule(l *benchMachine, total, perUser int) {
	l.submit("admin", "hall", seats.Create{Title: "t", HoldSeconds: 600, MaxSeatsPerUser: perUser,
		Sections: []seats.Section{{Name: "A", Price: 1, Rows: []seats.Row{{Name: "1", Seats: total}}}}})
}

// BenchmarkHoldRelease holds and releases the last two seats of a schedule.
func BenchmarkHoldRelease(b *testing.B) {
	for _, size := range []int{200, 50_000} {
		b.Run(fmt.Sprint("seats=", size), func(b *testing.B) {
			l := newBenchMachine()
			createSchedule(l, size, 4)
			for i, user := range userIDs(size/2 - 1) {
				l.submit(user, "hall", seats.Hold{ScheduleSeatIDs: []int{2*i + 1, 2*i + 2}})
			}
			pair := []int{size - 1, size}
			for b.Loop() {
				l.submit("kim", "hall", seats.Hold{ScheduleSeatIDs: pair})
				l.submit("kim", "hall", seats.Release{ScheduleSeatIDs: pair})
			}
		})
	}
}

// BenchmarkHold_Expire expires 100,000 holds, tick by tick. Per hold.
func BenchmarkHold_Expire(b *testing.B) {
	const holds = 100_000
	for b.Loop() {
		b.StopTimer()
		l := newBenchMachine()
		createSchedule(l, holds, 1)
		for i, user := range userIDs(holds) {
			l.submit(user, "hall", seats.Hold{ScheduleSeatIDs: []int{i + 1}})
		}
		l.command.At, _ = l.NextDeadline()
		l.command.Request = domain.RequestID{}
		b.StartTimer()
		for events := []domain.Event{{}}; len(events) > 0; {
			l.command.Sequence++
			l.command.Body = domain.Tick{}
			events, _ = l.Execute(l.command)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/holds, "ns/hold")
}

// BenchmarkBest holds the best two of 20,000 seats and releases them: in an empty schedule, in one that is sold out but for the
// last pair of the last row, in ones where only single seats or only threes are free, and in one long row.
func BenchmarkBest(b *testing.B) {
	const all = 20_000
	for _, layout := range []struct {
		name  string
		row   int
		taken func(id int) bool
	}{
		{"empty", 50, func(int) bool { return false }},
		{"full", 50, func(id int) bool { return id <= all-2 }},
		{"singles", 50, func(id int) bool { return id%2 == 0 }},
		{"threes", 50, func(id int) bool { return id%4 == 0 }},
		{"onerow", all, func(int) bool { return false }},
	} {
		b.Run(layout.name, func(b *testing.B) {
			l := newBenchMachine()
			rows := rowsOf(all/layout.row, layout.row)
			l.submit("admin", "hall", seats.Create{Title: "t", HoldSeconds: 600, MaxSeatsPerUser: 4,
				Sections: []seats.Section{{Name: "A", Price: 1, Rows: rows}}})
			var taken []int
			for id := 1; id <= all; id++ {
				if layout.taken(id) {
					taken = append(taken, id)
				}
			}
			for len(taken) > 0 {
				n := min(len(taken), seats.MaxSeatsPerCommand)
				l.submit("admin", "hall", seats.Block{ScheduleSeatIDs: taken[:n]})
				taken = taken[n:]
			}
			for b.Loop() {
				events := l.submit("kim", "hall", seats.Hold{BestAvailable: &seats.BestAvailable{Count: 2}})
				if held, ok := events[0].Body.(seats.Held); ok {
					l.submit("kim", "hall", seats.Release{HoldID: held.HoldID})
				}
			}
		})
	}
}

// placeOrder places an order and records its payment.
func (l *benchMachine) placeOrder(user, payment string) {
	placed := l.submit(user, payment, orders.Place{ProductID: "tee", Count: 1, Amount: 20_000, Terms: orders.Terms{Currency: "KRW", PaySeconds: 1800}})
	l.command.Request = domain.RequestID{}
	l.command.Sequence++
	l.command.User, l.command.Body = "", orders.RecordPayment{LastEvent: placed[0].Number, Payment: orders.Payment{
		State: orders.PaymentPaid, MerchantUID: user, Amount: 20_000, Currency: "KRW"}}
	if events, _ := l.Execute(l.command); len(events) != 1 {
		panic("payment was not recorded")
	}
}

// BenchmarkOrder is an order from Place to Succeeded. B/order is the memory per order before it, with its request.
func BenchmarkOrder(b *testing.B) {
	for _, before := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint("orders=", before), func(b *testing.B) {
			l, all, next := newBenchMachine(), userIDs(before+1_000_000), 0
			payments := make([]string, len(all))
			for i := range payments {
				payments[i] = fmt.Sprintf("imp_%012d", i)
			}
			l.submit("admin", "tee", orders.Create{Name: "n", Price: 20_000, Stock: orders.MaxStock})
			start := heapBytes()
			for i := range before {
				l.placeOrder(all[i], payments[i])
			}
			bytesPerOrder := (heapBytes() - start) / float64(before)
			for b.Loop() {
				l.placeOrder(all[before+next], payments[before+next])
				next++
			}
			b.ReportMetric(bytesPerOrder, "B/order")
			runtime.KeepAlive(l)
		})
	}
}
