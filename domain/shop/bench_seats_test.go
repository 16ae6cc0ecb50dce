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

// BenchmarkBest finds two seats side by side among 20,000 and gives them back: in an empty house, in one that is sold out but
// for the last pair of the last row, in one where only single seats are free and nobody can be served, and in one long row.
func BenchmarkBest(b *testing.B) {
	const all = 20_000
	for _, house := range []struct {
		name string
		row  int
		take func(id int) bool
	}{
		{"empty", 50, func(int) bool { return false }},
		{"full", 50, func(id int) bool { return id <= all-2 }},
		{"singles", 50, func(id int) bool { return id%2 == 0 }},
		{"threes", 50, func(id int) bool { return id%4 == 0 }},
		{"onerow", all, func(int) bool { return false }},
	} {
		b.Run(house.name, func(b *testing.B) {
			l := newLine()
			rows := make([]seats.Row, all/house.row)
			for i := range rows {
				rows[i] = seats.Row{Name: fmt.Sprint(i + 1), Seats: house.row}
			}
			l.ask("admin", "hall", seats.Create{Title: "t", HoldSeconds: 600, MaxSeatsPerUser: 4,
				Sections: []seats.Section{{Name: "A", Price: 1, Rows: rows}}})
			var taken []int
			for id := 1; id <= all; id++ {
				if house.take(id) {
					taken = append(taken, id)
				}
			}
			for len(taken) > 0 {
				n := min(len(taken), seats.MaxCommand)
				l.ask("admin", "hall", seats.Block{ScheduleSeatIDs: taken[:n]})
				taken = taken[n:]
			}
			for b.Loop() {
				events := l.ask("kim", "hall", seats.Hold{BestAvailable: &seats.Best{Count: 2}})
				if held, ok := events[0].Body.(seats.Held); ok {
					l.ask("kim", "hall", seats.Release{HoldID: held.HoldID})
				}
			}
		})
	}
}
