// Answering an offer. An offer is a promise: it can be accepted when the promotion is paused or closed by then.

package coupons

import "onsale/domain"

// Check says which field of a has a wrong shape, as a *domain.FieldError.
func (a Accept) Check() error { return checkWaitingID(a.WaitingID) }

// Check says which field of d has a wrong shape, as a *domain.FieldError.
func (d Decline) Check() error { return checkWaitingID(d.WaitingID) }

func (s *State) accept(c domain.Command, body Accept, now domain.Time) domain.Event {
	p, o, rejection := s.activeOffer(c, body.WaitingID, now)
	if p == nil {
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

func (s *State) decline(c domain.Command, body Decline, now domain.Time) domain.Event {
	p, o, rejection := s.activeOffer(c, body.WaitingID, now)
	if p == nil {
		return rejection
	}
	return domain.NewOutcome(c, Declined{PromotionID: c.Entity, WaitingID: body.WaitingID, Quantity: o.Quantity})
}

// activeOffer is the offer that stands for the one who asks, or the event that says why there is none.
func (s *State) activeOffer(c domain.Command, id string, now domain.Time) (*Promotion, Offer, domain.Event) {
	p, o, rejection := s.findWaiting(c, id)
	switch {
	case p == nil:
		return nil, o, rejection
	case o.ExpiresAt == 0:
		return nil, o, domain.Reject(c, domain.NoOffer, domain.Details{})
	case o.ExpiresAt <= now:
		return nil, o, domain.Reject(c, domain.OfferExpired, domain.Details{ExpiredAt: o.ExpiresAt})
	}
	return p, o, domain.Event{}
}

// findWaiting is what a waiting id stands for: an offer, one that ran out, or one that is still to come.
func (s *State) findWaiting(c domain.Command, id string) (*Promotion, Offer, domain.Event) {
	if checkWaitingID(id) != nil {
		return nil, Offer{}, domain.Reject(c, domain.InvalidBody, domain.Details{})
	}
	p, sequence := s.promotions[c.Entity], WaitingSequence(c.Entity, id)
	if p == nil {
		return nil, Offer{}, domain.Reject(c, domain.WaitingNotFound, domain.Details{})
	}
	o, found := p.offers[sequence]
	if !found {
		o, found = p.expiredOffers[sequence]
	}
	if !found {
		o.Entry, found = p.waiting.Entry(sequence)
	}
	switch {
	case !found:
		return nil, o, domain.Reject(c, domain.WaitingNotFound, domain.Details{})
	case o.User != c.User:
		return nil, o, domain.Reject(c, domain.NotOwner, domain.Details{})
	}
	return p, o, domain.Event{}
}
