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
	events, _ := l.Do(l.command)
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

// heap is what the program keeps, in bytes.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// BenchmarkMemory is what a shop keeps for ever for each coupon, and for each hold until it ends and after.
func BenchmarkMemory(b *testing.B) {
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
