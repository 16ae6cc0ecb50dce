// Answering an offer. An offer is a promise: it can be accepted when the promotion is paused or closed by then.
package coupons

import "onsale/domain"

// Check says which field of a has a wrong shape, as a *domain.FieldError.
func (a Accept) Check() error { return checkWaiting(a.WaitingID) }

// Check says which field of d has a wrong shape, as a *domain.FieldError.
func (d Decline) Check() error { return checkWaiting(d.WaitingID) }

func (s *State) accept(c domain.Command, body Accept, now domain.Time) domain.Event {
	p, o, refusal := s.offered(c, body.WaitingID, now)
	if p == nil {
		return refusal
	}
	if code, facts := p.limit(c.User, o.Quantity); code != "" {
		return domain.Reject(c, code, facts)
	}
	number := p.IssuedEver + 1
	return domain.Outcome(c, Accepted{
		PromotionID: c.Entity, WaitingID: body.WaitingID, CouponID: CouponID(c.Entity, number), Number: number, Quantity: o.Quantity,
	})
}

func (s *State) decline(c domain.Command, body Decline, now domain.Time) domain.Event {
	p, o, refusal := s.offered(c, body.WaitingID, now)
	if p == nil {
		return refusal
	}
	return domain.Outcome(c, Declined{PromotionID: c.Entity, WaitingID: body.WaitingID, Quantity: o.Quantity})
}

// offered is the offer that stands for the one who asks, or the event that says why there is none.
func (s *State) offered(c domain.Command, id string, now domain.Time) (*Promotion, Offer, domain.Event) {
	p, o, refusal := s.place(c, id)
	switch {
	case p == nil:
		return nil, o, refusal
	case o.ExpiresAt == 0:
		return nil, o, domain.Reject(c, domain.NoOffer, domain.Facts{})
	case o.ExpiresAt <= now:
		return nil, o, domain.Reject(c, domain.OfferExpired, domain.Facts{ExpiredAt: o.ExpiresAt})
	}
	return p, o, domain.Event{}
}

// place is what a waiting id stands for: an offer, one that ran out, or one that is still to come.
func (s *State) place(c domain.Command, id string) (*Promotion, Offer, domain.Event) {
	if checkWaiting(id) != nil {
		return nil, Offer{}, domain.Reject(c, domain.InvalidBody, domain.Facts{})
	}
	promotion, sequence := WaitingSequence(id)
	p := s.promotions[promotion]
	if p == nil || promotion != c.Entity {
		return nil, Offer{}, domain.Reject(c, domain.WaitingNotFound, domain.Facts{})
	}
	o, found := p.Offers[sequence]
	if !found {
		o, found = p.Ended[sequence]
	}
	if !found {
		o.Entry, found = p.Waiting.Entry(sequence)
	}
	switch {
	case !found:
		return nil, o, domain.Reject(c, domain.WaitingNotFound, domain.Facts{})
	case o.User != c.User:
		return nil, o, domain.Reject(c, domain.NotOwner, domain.Facts{})
	}
	return p, o, domain.Event{}
}
