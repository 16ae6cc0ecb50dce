// The model of promotions' waiting lists and offers.

package machine_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"onsale/domain"
	"onsale/domain/coupons"
)

func (s *promotionModel) waitingID(p waitingModel) string {
	return fmt.Sprintf("%s-wc%d", s.id, p.sequence)
}

// dequeue removes an entry from the waiting list.
func (s *promotionModel) dequeue(entry waitingModel) {
	s.waitlist = slices.DeleteFunc(s.waitlist, func(w waitingModel) bool { return w.sequence == entry.sequence })
}

func (s *promotionModel) expireOffer(p waitingModel) string {
	s.dequeue(p)
	s.expiredOffers = append(s.expiredOffers, p)
	return fmt.Sprintf("expired %s of %s: %d at %s", s.waitingID(p), p.user, p.quantity, p.until)
}

// offerCoupons makes the next offer and returns its lines; "" when there is none.
func (w *model) offerCoupons(now domain.Time) string {
	for _, id := range slices.Sorted(maps.Keys(w.promotions)) {
		s := w.promotions[id]
		if s.paused || s.closedReason(now) != "" {
			continue
		}
		for i, p := range s.waitlist {
			if p.until == 0 && p.quantity <= s.remaining() && s.limitProblem(p.user, p.quantity) == "" {
				s.waitlist[i].until = now + 600_000
				return fmt.Sprintf("offered %s to %s: %d until %s\nalarm offer for %s", s.waitingID(p), p.user, p.quantity, now+600_000, p.user)
			}
		}
	}
	return ""
}

func (w *model) join(s *promotionModel, c domain.Command, quantity int, now domain.Time) (text string) {
	if closed := s.windowProblem(now); closed != "" {
		return closed
	}
	own, count := waitingModel{}, 0
	for _, p := range s.waitlist {
		if p.user == c.User && (p.until == 0 || p.until > now) {
			return "already_waiting " + s.waitingID(p)
		}
		if p.user == c.User {
			own = p
		}
		if p.until == 0 {
			count++
		}
	}
	if problem := s.limitProblem(c.User, quantity); problem != "" {
		return problem
	}
	if own.until != 0 { // the offer is due, without an event yet
		text = s.expireOffer(own) + "\n"
	}
	p := waitingModel{sequence: c.Sequence, user: c.User, quantity: quantity}
	s.waitlist = append(s.waitlist, p)
	return text + fmt.Sprintf("joined %s for %d at %d", s.waitingID(p), quantity, count+1)
}

func (w *model) decideWaiting(c domain.Command, id string, now domain.Time) string {
	if id == "" || strings.Contains(id, "!") {
		return "invalid_body"
	}
	s := w.promotions[c.Entity]
	if s == nil {
		return "waiting_not_found"
	}
	_, leave := c.Body.(coupons.Leave)
	for _, p := range slices.Concat(s.waitlist, s.expiredOffers) {
		expired := p.until != 0 && p.until <= now
		switch {
		case s.waitingID(p) != id:
			continue
		case p.user != c.User:
			return "not_owner"
		case leave && expired:
			return "waiting_not_found"
		case leave:
			s.dequeue(p)
			return "left " + id
		case p.until == 0:
			return "no_offer"
		case expired:
			return fmt.Sprint("offer_expired ", p.until)
		}
		if _, decline := c.Body.(coupons.Decline); decline {
			s.dequeue(p)
			return "declined " + id + ": " + strconv.Itoa(p.quantity)
		}
		if problem := s.limitProblem(c.User, p.quantity); problem != "" {
			return problem
		}
		s.dequeue(p)
		first := len(s.coupons) + 1
		for range p.quantity {
			s.coupons = append(s.coupons, couponModel{owner: c.User})
		}
		return fmt.Sprintf("accepted %s: %d from %s-%d on, number %d", id, p.quantity, s.id, first, first)
	}
	return "waiting_not_found"
}
