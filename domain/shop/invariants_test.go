// The conservation laws: what must hold of a shop after every single event.
package shop_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/shop"
)

func checkState(s *shop.Shop) error {
	for id, decided := range s.Requests {
		if decided.Event == 0 || decided.Event > s.Events {
			return fmt.Errorf("request %s: decided by event %d of %d", id, decided.Event, s.Events)
		}
	}
	var dues []string // "<time> <place in line> …", so that their order as text is theirs
	for _, id := range s.Coupons.IDs() {
		p := s.Coupons.Promotion(id)
		if err := checkPromotion(p, s.Now); err != nil {
			return fmt.Errorf("promotion %s: %w", id, err)
		}
		dues = append(dues, duesOf(p)...)
	}
	for _, id := range s.Seats.IDs() {
		sc := s.Seats.Schedule(id)
		if err := checkSchedule(sc, s.Now); err != nil {
			return fmt.Errorf("schedule %s: %w", id, err)
		}
		dues = append(dues, duesOfSchedule(sc)...)
	}
	if err := checkOrders(s.Orders); err != nil {
		return err
	}
	return checkDeadlines(s, append(dues, duesOfOrders(s.Orders)...))
}

// checkDeadlines proves that exactly those changes are still to come that must, the first of them first.
func checkDeadlines(s *shop.Shop, want []string) error {
	var text bytes.Buffer
	s.Coupons.Dump(&text)
	s.Seats.Dump(&text)
	s.Orders.Dump(&text)
	var got []string
	for line := range strings.Lines(text.String()) {
		f := strings.Fields(line)
		switch {
		case len(f) == 5 && f[0] == "deadline":
		case len(f) == 4 && f[0] == "recheck":
			f = []string{"", f[1], f[2], f[0], f[3]}
		default:
			continue
		}
		at, _ := domain.ParseTime(f[1])
		sequence, _ := strconv.ParseUint(f[2], 10, 64)
		got = append(got, fmt.Sprintf("%020d %020d %s %s", at, sequence, f[3], f[4]))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("due will be %q, but must be %q", got, want)
	}
	next, any := s.NextDeadline()
	_, offer := s.Coupons.Offer(s.Now)
	if _, more := s.Seats.Offer(s.Now); more {
		offer = true
	}
	if offer && (!any || next != s.Now) {
		return fmt.Errorf("next deadline %s, %t, but there is something to offer", next, any)
	}
	if !offer && (any != (len(want) > 0) || any && fmt.Sprintf("%020d", next) != want[0][:20]) {
		return fmt.Errorf("next deadline %s, %t of %q", next, any, want)
	}
	return nil
}
