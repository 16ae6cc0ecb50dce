// What a decision about seats costs, small and large.
package shop_test

import (
	"fmt"
	"testing"

	"onsale/domain"
	"onsale/domain/seats"
)

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
			events, _ = l.Do(l.command)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/holdings, "ns/hold")
}
