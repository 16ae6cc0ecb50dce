// The dumb twin at the coupons' counter: those who wait, and what is offered to them.
package shop_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/coupons"
)

func (s *twinSale) waitingID(p twinWait) string { return fmt.Sprintf("%s-wc%d", s.id, p.sequence) }

// without takes somebody out of the line.
func (s *twinSale) without(gone twinWait) {
	s.line = slices.DeleteFunc(s.line, func(p twinWait) bool { return p.sequence == gone.sequence })
}

func (s *twinSale) expire(p twinWait) string {
	s.without(p)
	s.gone = append(s.gone, p)
	return fmt.Sprintf("expired %s of %s: %d at %s", s.waitingID(p), p.user, p.quantity, p.until)
}

// offerCoupons makes the next offer; "" when there is none.
func (w *twin) offerCoupons(now domain.Time) string {
	for _, id := range slices.Sorted(maps.Keys(w.sales)) {
		s := w.sales[id]
		if s.paused || s.over(now) != "" {
			continue
		}
		for i, p := range s.line {
			if p.until == 0 && p.quantity <= s.free() {
				s.line[i].until = now + 600_000
				return fmt.Sprintf("offered %s to %s: %d until %s\nalarm offer for %s", s.waitingID(p), p.user, p.quantity, now+600_000, p.user)
			}
		}
	}
	return ""
}

func (w *twin) join(s *twinSale, c domain.Command, quantity int, now domain.Time) (told string) {
	if shut := s.window(now); shut != "" {
		return shut
	}
	mine, waits := twinWait{}, 0
	for _, p := range s.line {
		if p.user == c.User && (p.until == 0 || p.until > now) {
			return "already_waiting " + s.waitingID(p)
		}
		if p.user == c.User {
			mine = p
		}
		if p.until == 0 {
			waits++
		}
	}
	if no := s.limit(c.User, quantity); no != "" {
		return no
	}
	if mine.until != 0 { // is due, and not told yet
		told = s.expire(mine) + "\n"
	}
	p := twinWait{sequence: c.Sequence, user: c.User, quantity: quantity}
	s.line = append(s.line, p)
	return told + fmt.Sprintf("joined %s for %d at %d", s.waitingID(p), quantity, waits+1)
}

func (w *twin) ofPlace(c domain.Command, id string, now domain.Time) string {
	if id == "" || strings.Contains(id, "!") {
		return "invalid_body"
	}
	s := w.sales[c.Entity]
	if s == nil {
		return "waiting_not_found"
	}
	_, leave := c.Body.(coupons.Leave)
	for _, p := range slices.Concat(s.line, s.gone) {
		over := p.until != 0 && p.until <= now
		switch {
		case s.waitingID(p) != id:
			continue
		case p.user != c.User:
			return "not_owner"
		case leave && over:
			return "waiting_not_found"
		case leave:
			s.without(p)
			return "left " + id
		case p.until == 0:
			return "no_offer"
		case over:
			return fmt.Sprint("offer_expired ", p.until)
		}
		if _, decline := c.Body.(coupons.Decline); decline {
			s.without(p)
			return "declined " + id + ": " + strconv.Itoa(p.quantity)
		}
		if no := s.limit(c.User, p.quantity); no != "" {
			return no
		}
		s.without(p)
		first := len(s.coupons) + 1
		for range p.quantity {
			s.coupons = append(s.coupons, twinCoupon{owner: c.User})
		}
		return fmt.Sprintf("accepted %s: %d from %s-%d on, number %d", id, p.quantity, s.id, first, first)
	}
	return "waiting_not_found"
}
