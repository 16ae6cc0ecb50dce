// A shop that starts from a store knows of its seats what one knows that has seen every event.
package shop_test

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"onsale/domain"
	"onsale/domain/seats"
)

// TestSeatsFromStore lets a day go by, and puts what a store would have kept into a fresh state, in a store's order.
func TestSeatsFromStore(t *testing.T) {
	rng := chanceOf(t)
	for range 8 {
		d := newDouble(t, rng.IntN)
		d.careful, d.pure = false, false
		for range 600 {
			d.arrive(d.chance.message())
			d.next()
		}
		fresh := seats.New()
		for _, id := range d.Seats.IDs() {
			store(fresh, d.Seats.Schedule(id))
		}
		var got, want bytes.Buffer
		fresh.Dump(&got)
		d.Seats.Dump(&want)
		if got.String() != want.String() {
			t.Fatalf("got %s\nwant %s", got.String(), want.String())
		}
	}
}

func store(s *seats.State, from *seats.Schedule) {
	sc := s.Put(from.Created, from.Sequence)
	sc.Closed = from.Closed
	maps.Copy(sc.Ended, from.Ended)
	for _, sequence := range slices.Sorted(maps.Keys(from.Reservations)) {
		s.PutReservation(sc, sequence, from.Reservations[sequence])
	}
	for _, sequence := range slices.Sorted(maps.Keys(from.Holdings)) {
		s.PutHolding(sc, *from.Holdings[sequence])
	}
	returning := map[domain.Time][]int{}
	for i, seat := range from.Seats {
		if seat.Status() == seats.StatusBlocked {
			s.PutBlocked(sc, []int{i + 1})
		}
		if at := seat.FreeAt(); at != 0 {
			returning[at] = append(returning[at], i+1)
		}
	}
	for at, ids := range returning {
		s.PutReturning(sc, at, ids)
	}
	for _, sequence := range slices.Sorted(maps.Keys(from.Waiting)) {
		s.PutWaiting(sc, from.Waiting[sequence])
	}
}
