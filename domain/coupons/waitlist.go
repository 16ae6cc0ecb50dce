// The waiting list of a promotion: joining it and leaving it. Who leaves, declines or lets an offer run out may join again, at
// the end.

package coupons

import (
	"fmt"
	"strconv"

	"onsale/domain"
	"onsale/domain/waitlist"
)

// WaitingID is the id of the waiting entry that the command at sequence made.
func WaitingID(promotion string, sequence uint64) string {
	return promotion + "-wc" + strconv.FormatUint(sequence, 10)
}

// WaitingSequence is the reverse of WaitingID; 0 for any other id.
func WaitingSequence(promotion, id string) uint64 { return domain.SequenceAfter(promotion+"-wc", id) }

// Check says which field of j has a wrong shape, as a *domain.FieldError.
func (j Join) Check() error {
	if j.Quantity < 1 || j.Quantity > MaxPerUserLimit {
		return &domain.FieldError{Field: "quantity", Problem: fmt.Sprintf("1 to %d", MaxPerUserLimit)}
	}
	return nil
}

// RestoreWaiting adds somebody who waits and has no offer.
func (s *State) RestoreWaiting(p *Promotion, e waitlist.Entry) {
	p.waiting.Add(e)
	s.updateOfferable(p)
}

// join asks for no free units: where there are some, the offer follows at once, by the one way in which offers are made.
// An offer of the user that is due is told first, where that is not done yet; so everybody waits in one place.
func (s *State) join(c domain.Command, body Join, now domain.Time) []domain.Event {
	reject := func(code string, details domain.Details) []domain.Event {
		return []domain.Event{domain.Reject(c, code, details)}
	}
	p := s.promotions[c.Entity]
	if body.Check() != nil {
		return reject(domain.InvalidBody, domain.Details{})
	}
	if p == nil {
		return reject(domain.PromotionNotFound, domain.Details{})
	}
	if code, details := p.checkWindow(now); code != "" {
		return reject(code, details)
	}
	e, isWaiting := p.waiting.ByUser(c.User)
	o, offered := p.offers[p.offerOf[c.User]]
	if isWaiting {
		return reject(domain.AlreadyWaiting, domain.Details{WaitingID: WaitingID(c.Entity, e.Sequence)})
	}
	if offered && o.ExpiresAt > now {
		return reject(domain.AlreadyWaiting, domain.Details{WaitingID: WaitingID(c.Entity, o.Sequence)})
	}
	if code, details := p.checkUserLimit(c.User, body.Quantity); code != "" {
		return reject(code, details)
	}
	var events []domain.Event
	if offered {
		events = append(events, p.offerExpired(o))
	}
	return append(events, domain.NewOutcome(c, Joined{
		PromotionID: c.Entity, WaitingID: WaitingID(c.Entity, c.Sequence), Quantity: body.Quantity, Position: p.waiting.Len() + 1,
	}))
}

// Check says which field of l has a wrong shape, as a *domain.FieldError.
func (l Leave) Check() error { return checkWaitingID(l.WaitingID) }

func checkWaitingID(id string) error {
	if err := domain.CheckID(id); err != nil {
		return &domain.FieldError{Field: "waitingId", Problem: err.Error()}
	}
	return nil
}

// leave finds nothing to leave where an offer has run out: that ended the waiting.
func (s *State) leave(c domain.Command, body Leave, now domain.Time) domain.Event {
	p, o, rejection := s.findWaiting(c, body.WaitingID)
	if p == nil {
		return rejection
	}
	if o.ExpiresAt != 0 && o.ExpiresAt <= now {
		return domain.Reject(c, domain.WaitingNotFound, domain.Details{})
	}
	return domain.NewOutcome(c, Left{PromotionID: c.Entity, WaitingID: body.WaitingID})
}
