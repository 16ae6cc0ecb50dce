// What a decision costs, with its Apply, when the shop is small and when it is large: it should be the same.
package shop_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
	"onsale/domain/shop"
)

// line numbers commands as the log does.
type line struct {
	*shop.Shop
	command domain.Command
}

func (l *line) ask(user, entity string, body domain.Body) []domain.Event {
	l.command.Sequence++
	l.command.User, l.command.Entity, l.command.Body = user, entity, body
	for i, n := 0, l.command.Sequence; i < 22; i, n = i+1, n/26 {
		l.command.Request[i] = 'a' + byte(n%26)
	}
	events, _ := l.Decide(l.command)
	for _, e := range events {
		l.Apply(e)
	}
	return events
}

func newLine() *line {
	return &line{Shop: shop.New(), command: domain.Command{Sequence: 1000, At: 1000}}
}

func users(n int) []string {
	rng, all := rand.New(rand.NewPCG(1, 1)), make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("user-%016x", rng.Uint64())
	}
	return all
}

func BenchmarkIssue(b *testing.B) {
	for _, issued := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint("issued=", issued), func(b *testing.B) {
			l, before, fresh := newLine(), users(issued+1_000_000), 0
			before, more := before[:issued], before[issued:]
			l.ask("admin", "demo", coupons.Create{Name: "n", Stock: coupons.MaxStock, PerUserLimit: coupons.MaxPerUserLimit})
			for _, user := range before {
				l.ask(user, "demo", coupons.Issue{})
			}
			for b.Loop() {
				l.ask(more[fresh%len(more)], "demo", coupons.Issue{})
				fresh++
			}
		})
	}
}

// BenchmarkIssueAgain is somebody who clicks.
func BenchmarkIssueAgain(b *testing.B) {
	l, all := newLine(), users(100_000)
	l.ask("admin", "demo", coupons.Create{Name: "n", Stock: coupons.MaxStock, PerUserLimit: 1})
	for _, user := range all {
		l.ask(user, "demo", coupons.Issue{})
	}
	for b.Loop() {
		l.ask(all[l.command.Sequence%100_000], "demo", coupons.Issue{})
	}
}

func hall(l *line, seatsInAll, each int) {
	l.ask("admin", "hall", seats.Create{Title: "t", HoldSeconds: 600, MaxSeatsPerUser: each,
		Sections: []seats.Section{{Name: "A", Price: 1, Rows: []seats.Row{{Name: "1", Seats: seatsInAll}}}}})
}

// BenchmarkHoldRelease holds two seats of an otherwise sold-out house and gives them back.
func BenchmarkHoldRelease(b *testing.B) {
	for _, size := range []int{200, 50_000} {
		b.Run(fmt.Sprint("seats=", size), func(b *testing.B) {
			l := newLine()
			hall(l, size, 4)
			for i, user := range users(size/2 - 1) {
				l.ask(user, "hall", seats.Hold{ScheduleSeatIDs: []int{2*i + 1, 2*i + 2}})
			}
			pair := []int{size - 1, size}
			for b.Loop() {
				l.ask("kim", "hall", seats.Hold{ScheduleSeatIDs: pair})
				l.ask("kim", "hall", seats.Release{ScheduleSeatIDs: pair})
			}
		})
	}
}

// BenchmarkExpire is what every command pays for 100,000 holdings, and what one pays that finds many of them due.
func BenchmarkExpire(b *testing.B) {
	const holdings = 100_000
	l := newLine()
	hall(l, holdings, 1)
	for i, user := range users(holdings) {
		l.command.At = domain.Time(1000 + i)
		l.ask(user, "hall", seats.Hold{ScheduleSeatIDs: []int{i + 1}})
	}
	end, _ := l.NextDeadline()
	for _, due := range []int{0, 1, 500, 501, holdings} {
		b.Run(fmt.Sprint("due=", due), func(b *testing.B) {
			for b.Loop() {
				if got, want := len(l.Seats.Expire(end+domain.Time(due-1), shop.MaxExpired)), min(due, shop.MaxExpired); got != want {
					b.Fatalf("got %d ends, want %d", got, want)
				}
			}
		})
	}
}

// BenchmarkEnding lets 100,000 holds end at once and tells all of it, clock by clock. Per hold.
func BenchmarkEnding(b *testing.B) {
	const holdings = 100_000
	for b.Loop() {
		b.StopTimer()
		l := newLine()
		hall(l, holdings, 1)
		for i, user := range users(holdings) {
			l.ask(user, "hall", seats.Hold{ScheduleSeatIDs: []int{i + 1}})
		}
		l.command.At, _ = l.NextDeadline()
		l.command.Request = domain.RequestID{}
		b.StartTimer()
		for events := []domain.Event{{}}; len(events) > 0; {
			l.command.Sequence++
			l.command.Body = domain.Clock{}
			events, _ = l.Decide(l.command)
			for _, e := range events {
				l.Apply(e)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/holdings, "ns/hold")
}

// BenchmarkMemory is what a shop keeps for ever for each coupon, and for each hold until it ends and after.
func BenchmarkMemory(b *testing.B) {
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	for b.Loop() {
		l, all := newLine(), users(500_000)
		l.ask("admin", "demo", coupons.Create{Name: "n", Stock: coupons.MaxStock, PerUserLimit: 1})
		hall(l, seats.MaxSeats, 1)
		start := heap()
		for _, user := range all {
			l.ask(user, "demo", coupons.Issue{})
		}
		issued := heap()
		for i := range seats.MaxSeats {
			l.ask(all[i], "hall", seats.Hold{ScheduleSeatIDs: []int{i + 1}})
		}
		held := heap()
		l.command.At, _ = l.NextDeadline()
		for l.ask("", domain.SystemEntity, domain.Clock{}) != nil {
		}
		b.ReportMetric((issued-start)/float64(len(all)), "B/coupon")
		b.ReportMetric((held-issued)/seats.MaxSeats, "B/hold")
		b.ReportMetric((heap()-issued)/seats.MaxSeats, "B/endedhold")
		runtime.KeepAlive(l)
		runtime.KeepAlive(all)
	}
}
