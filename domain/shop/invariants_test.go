// The conservation laws: what must hold of a shop after every single event.
package shop_test

import (
	"fmt"
	"slices"
	"strings"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/domain/seats"
	"onsale/domain/shop"
)

func checkState(s *shop.Shop) error {
	for id, decided := range s.Requests {
		if decided.Event == 0 || decided.Event > s.Events {
			return fmt.Errorf("request %s: decided by event %d of %d", id, decided.Event, s.Events)
		}
	}
	for _, id := range s.Coupons.IDs() {
		if err := checkPromotion(s.Coupons.Promotion(id)); err != nil {
			return fmt.Errorf("promotion %s: %w", id, err)
		}
	}
	var ends []string
	for _, id := range s.Seats.IDs() {
		sc := s.Seats.Schedule(id)
		if err := checkSchedule(sc, s.Now); err != nil {
			return fmt.Errorf("schedule %s: %w", id, err)
		}
		for _, h := range sc.Holdings {
			ends = append(ends, fmt.Sprintf("%020d %020d %s", h.ExpiresAt, h.Sequence, id))
		}
	}
	return checkDeadlines(s, ends)
}

// checkDeadlines proves that exactly the holdings that stand will end, the first of them first.
func checkDeadlines(s *shop.Shop, want []string) error {
	var got []string
	for _, line := range strings.Split(dump(s), "\n") {
		if f := strings.Fields(line); len(f) == 5 && f[0] == "deadline" {
			at, _ := domain.ParseTime(f[1])
			got = append(got, fmt.Sprintf("%020d %020d %s", at, seats.HoldSequence(f[2]), f[4]))
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("holds will end as %q, but stand as %q", got, want)
	}
	next, any := s.NextDeadline()
	if any != (len(want) > 0) || any && fmt.Sprintf("%020d", next) != want[0][:20] {
		return fmt.Errorf("next deadline %s, %t of %q", next, any, want)
	}
	return nil
}

func checkPromotion(p *coupons.Promotion) error {
	held := 0
	for user, h := range p.Holders {
		if h.Count < 1 || int(h.Count) > p.PerUserLimit || h.First < 1 || int(h.First) > p.Issued {
			return fmt.Errorf("%s has %+v", user, h)
		}
		held += int(h.Count)
	}
	if p.Issued != held || p.Issued > p.Stock || p.Remaining() != p.Stock-p.Issued {
		return fmt.Errorf("%d of %d issued, %d held, %d remain", p.Issued, p.Stock, held, p.Remaining())
	}
	if got, want := p.SoldOutSequence != 0, p.Stock > 0 && p.Remaining() == 0; got != want {
		return fmt.Errorf("sold out by %d with %d left", p.SoldOutSequence, p.Remaining())
	}
	return nil
}

func checkSchedule(sc *seats.Schedule, now domain.Time) error {
	owner := map[int]seats.Seat{} // seats that are in a holding or a reservation
	taken, due := map[string]int{}, map[string]int{}
	take := func(user string, ids []int, as seats.Seat) error {
		for _, id := range ids {
			if other, twice := owner[id]; twice {
				return fmt.Errorf("seat %d is in %v and in %v", id, other, as)
			}
			owner[id] = as
		}
		if taken[user] += len(ids); taken[user] == 0 {
			delete(taken, user)
		}
		return nil
	}
	for sequence, h := range sc.Holdings {
		if _, over := sc.Ended[sequence]; over || h.Sequence != sequence {
			return fmt.Errorf("hold %d stands as %+v, over %t", sequence, h, over)
		}
		if err := take(h.User, h.ScheduleSeatIDs, seats.Seat{Status: seats.StatusHeld, Ref: sequence}); err != nil {
			return err
		}
		if h.ExpiresAt <= now {
			due[h.User] += len(h.ScheduleSeatIDs)
		} else if len(h.ScheduleSeatIDs) == 0 {
			return fmt.Errorf("hold %d holds nothing", sequence)
		}
	}
	for sequence, r := range sc.Reservations {
		if err := take(r.User, r.ScheduleSeatIDs, seats.Seat{Status: seats.StatusReserved, Ref: sequence}); err != nil {
			return err
		}
	}
	for i, seat := range sc.Seats {
		want, ok := owner[i+1]
		if !ok {
			want.Status = seats.StatusAvailable
		}
		if seat != want {
			return fmt.Errorf("seat %d is %v, but its owner says %v", i+1, seat, want)
		}
		delete(owner, i+1)
	}
	if len(owner) > 0 || fmt.Sprint(sc.Taken) != fmt.Sprint(taken) {
		return fmt.Errorf("taken %v, but by holdings and reservations %v; no seats: %v", sc.Taken, taken, owner)
	}
	for user, n := range taken {
		if n-due[user] > sc.MaxSeatsPerUser {
			return fmt.Errorf("%s has %d seats of %d", user, n-due[user], sc.MaxSeatsPerUser)
		}
	}
	return nil
}
