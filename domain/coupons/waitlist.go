// The waiting list of a promotion: joining, leaving, and offers. Units that come back are offered to the waiting list in its
// order. A unit on offer is not part of the remaining stock; it returns to it when OfferExpired is emitted, so that the next in
// the list comes before everybody else. After leaving, declining or an expired offer, a user may join again, at the end.

package coupons

import (
	"iter"
	"maps"
	"slices"
	"strconv"
	"time"

	"onsale/domain"
	"onsale/domain/waitlist"
)

// OfferSeconds is how long an offer can be accepted.
const OfferSeconds = 600

// WaitingID returns the id of the waiting entry that the command at sequence made.
func WaitingID(promotion string, sequence uint64) string {
	return promotion + "-wc" + strconv.FormatUint(sequence, 10)
}

// WaitingSequence is the reverse of WaitingID; 0 for any other id.
func WaitingSequence(promotion, id string) uint64 { return domain.SequenceAfter(promotion+"-wc", id) }

// Waiting returns the entries without an offer, in their order.
func (p *Promotion) Waiting() []waitlist.Entry { return p.waiting.All() }

// WaitingCount returns the number of entries without an offer.
func (p *Promotion) WaitingCount() int { return p.waiting.Len() }

// WaitingEntry returns an entry without an offer.
func (p *Promotion) WaitingEntry(sequence uint64) (waitlist.Entry, bool) {
	return p.waiting.Entry(sequence)
}

// Offers yields the offers that are not over, by the sequence in their waiting id.
func (p *Promotion) Offers() iter.Seq2[uint64, waitlist.Offer] { return maps.All(p.offers) }

// OfferCount returns the number of offers that are not over.
func (p *Promotion) OfferCount() int { return len(p.offers) }

// Offer returns an offer that is not over.
func (p *Promotion) Offer(sequence uint64) (waitlist.Offer, bool) {
	o, ok := p.offers[sequence]
	return o, ok
}

// ExpiredOffers yields the offers that expired, by the sequence in their waiting id.
func (p *Promotion) ExpiredOffers() iter.Seq2[uint64, waitlist.Offer] {
	return maps.All(p.expiredOffers)
}

// ExpiredOffer returns an offer that expired.
func (p *Promotion) ExpiredOffer(sequence uint64) (waitlist.Offer, bool) {
	o, ok := p.expiredOffers[sequence]
	return o, ok
}

// RestoreWaiting adds an entry without an offer.
func (s *State) RestoreWaiting(p *Promotion, e waitlist.Entry) {
	p.waiting.Add(e)
	p.updatePassedOver(e.User)
	s.updateOfferable(p)
}

// RestoreOffer adds an offer that is not over. Its entry is no longer among Waiting.
func (s *State) RestoreOffer(p *Promotion, o waitlist.Offer) {
	p.offers[o.Sequence], p.offerOf[o.User] = o, o.Sequence
	s.deadlines.Add(promotionDeadline{At: o.ExpiresAt, Sequence: o.Sequence, Value: deadlineTarget{p, kindOfferExpires}})
}

// RestoreExpired adds an offer that expired.
func (p *Promotion) RestoreExpired(o waitlist.Offer) { p.expiredOffers[o.Sequence] = o }

// join does not look at the stock: where there is some, an offer follows at once in the ordinary way. An offer of the user that
// is due is expired first, so that a user never has two entries.
func (s *State) join(c domain.Command, body Join, now domain.Time) []domain.Event {
	p := s.promotions[c.Entity]
	if p == nil {
		return domain.Reject(c, domain.PromotionNotFound, domain.Details{})
	}
	if code, details := p.checkWindow(now); code != "" {
		return domain.Reject(c, code, details)
	}
	e, isWaiting := p.waiting.ByUser(c.User)
	o, offered := p.offers[p.offerOf[c.User]]
	switch {
	case isWaiting:
		return domain.Reject(c, domain.AlreadyWaiting, domain.Details{WaitingID: WaitingID(c.Entity, e.Sequence)})
	case offered && o.ExpiresAt > now:
		return domain.Reject(c, domain.AlreadyWaiting, domain.Details{WaitingID: WaitingID(c.Entity, o.Sequence)})
	}
	if code, details := p.checkUserLimit(c.User, body.Quantity); code != "" {
		return domain.Reject(c, code, details)
	}
	var events []domain.Event
	if offered {
		events = append(events, p.offerExpired(o))
	}
	return append(events, domain.NewOutcome(c, Joined{
		PromotionID: c.Entity, WaitingID: WaitingID(c.Entity, c.Sequence), Quantity: body.Quantity, Position: p.waiting.Len() + 1,
	})...)
}

func (s *State) leave(c domain.Command, body Leave, now domain.Time) []domain.Event {
	if _, _, rejection := s.findWaiting(c, body.WaitingID, now, checkLeave); rejection != nil {
		return rejection
	}
	return domain.NewOutcome(c, Left{PromotionID: c.Entity, WaitingID: body.WaitingID})
}

// checkLeave answers waiting_not_found after an offer expired: that ended the waiting.
func checkLeave(o waitlist.Offer, user string, now domain.Time) (code string, details domain.Details) {
	if code, _ = waitlist.CheckLeave(o, user, now); code == domain.OfferExpired {
		code = domain.WaitingNotFound
	}
	return code, details
}

// accept works also while the promotion is paused, and after it closed.
func (s *State) accept(c domain.Command, body Accept, now domain.Time) []domain.Event {
	p, o, rejection := s.findWaiting(c, body.WaitingID, now, waitlist.CheckAnswer)
	if rejection != nil {
		return rejection
	}
	if code, details := p.checkUserLimit(c.User, o.Quantity); code != "" {
		return domain.Reject(c, code, details)
	}
	number := p.IssuedEver + 1
	return domain.NewOutcome(c, Accepted{
		PromotionID: c.Entity, WaitingID: body.WaitingID, CouponID: CouponID(c.Entity, number), Number: number, Quantity: o.Quantity,
	})
}

func (s *State) decline(c domain.Command, body Decline, now domain.Time) []domain.Event {
	_, o, rejection := s.findWaiting(c, body.WaitingID, now, waitlist.CheckAnswer)
	if rejection != nil {
		return rejection
	}
	return domain.NewOutcome(c, Declined{PromotionID: c.Entity, WaitingID: body.WaitingID, Quantity: o.Quantity})
}

// findWaiting returns the promotion and the entry with this id, with its offer if any; or the command's rejection, where check
// rejects the entry.
func (s *State) findWaiting(c domain.Command, id string, now domain.Time, check waitlist.Check) (
	*Promotion, waitlist.Offer, []domain.Event,
) {
	p := s.promotions[c.Entity]
	if p == nil {
		return nil, waitlist.Offer{}, domain.Reject(c, domain.WaitingNotFound, domain.Details{})
	}
	sequence := WaitingSequence(c.Entity, id)
	o, found := p.offers[sequence]
	if !found {
		o, found = p.expiredOffers[sequence]
	}
	if !found {
		o.Entry, _ = p.waiting.Entry(sequence)
	}
	if code, details := check(o, c.User, now); code != "" {
		return nil, o, domain.Reject(c, code, details)
	}
	return p, o, nil
}

// NextOffer returns the next offer to be made at now; false when there is none.
func (s *State) NextOffer(now domain.Time) (domain.Event, bool) {
	for _, id := range s.offerable {
		p := s.promotions[id]
		if closed, _ := p.Closed(now); closed {
			continue // Closed will be emitted soon
		}
		e, _ := p.nextWaiting()
		return domain.Event{Entity: id, User: e.User, Body: Offered{
			PromotionID: id, WaitingID: WaitingID(id, e.Sequence), Quantity: e.Quantity, ExpiresAt: now.Add(OfferSeconds * time.Second),
		}}, true
	}
	return domain.Event{}, false
}

// updatePassedOver passes over the user's entry while it is for more coupons than the user may still have.
func (p *Promotion) updatePassedOver(user string) {
	if e, waiting := p.waiting.ByUser(user); waiting {
		code, _ := p.checkUserLimit(user, e.Quantity)
		p.waiting.PassOver(e.Sequence, code != "")
	}
}

// nextWaiting returns the entry that gets the next offer.
func (p *Promotion) nextWaiting() (waitlist.Entry, bool) {
	free := p.Remaining()
	if p.waiting.Len() == 0 || free == 0 || p.Paused || p.ClosedAt != 0 {
		return waitlist.Entry{}, false
	}
	return p.waiting.FirstFit(func(quantity int) bool { return quantity <= free })
}

// updateOfferable notes whether p can make an offer, so that NextOffer does not look at every promotion.
func (s *State) updateOfferable(p *Promotion) {
	if p.waiting.Len() == 0 && len(s.offerable) == 0 {
		return // the usual case in a rush
	}
	_, hasOffer := p.nextWaiting()
	i, listed := slices.BinarySearch(s.offerable, p.PromotionID)
	switch {
	case hasOffer && !listed:
		s.offerable = slices.Insert(s.offerable, i, p.PromotionID)
	case !hasOffer && listed:
		s.offerable = slices.Delete(s.offerable, i, i+1)
	}
}

// removeWaiting removes an entry and its offer, whose units return to the remaining stock.
func (p *Promotion) removeWaiting(waitingID string) waitlist.Offer {
	sequence := WaitingSequence(p.PromotionID, waitingID)
	p.waiting.Remove(sequence)
	o, offered := p.offers[sequence]
	if offered {
		p.Offered -= o.Quantity
		delete(p.offers, sequence)
		delete(p.offerOf, o.User)
	}
	return o
}
