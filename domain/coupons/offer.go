// Units that come back are offered to those who wait, in the order of their line. A unit on offer is nobody's yet, and not to
// be had by others; it is free again when the end of the offer is told, so that those who wait come first.

package coupons

import (
	"slices"
	"time"

	"onsale/domain"
	"onsale/domain/waitlist"
)

// OfferSeconds is how long an offer stands.
const OfferSeconds = 600

// Offer is units kept for one who waits, until ExpiresAt; 0: none are kept yet.
type Offer struct {
	waitlist.Entry
	ExpiresAt domain.Time `json:"expiresAt"`
}

// RestoreOffer adds an offer that stands. Its user is no longer in Waiting.
func (s *State) RestoreOffer(p *Promotion, o Offer) {
	p.offers[o.Sequence], p.offerOf[o.User] = o, o.Sequence
	s.deadlines.Add(promotionDeadline{At: o.ExpiresAt, Sequence: o.Sequence, Value: deadlineTarget{p, kindOfferExpires}})
}

// RestoreExpired adds an offer that ran out.
func (p *Promotion) RestoreExpired(o Offer) { p.expiredOffers[o.Sequence] = o }

// NextOffer is the next offer to somebody who waits; false when there is none to be made at now.
func (s *State) NextOffer(now domain.Time) (domain.Event, bool) {
	for _, id := range s.offerable {
		p := s.promotions[id]
		if closed, _ := p.Closed(now); closed {
			continue // and soon told
		}
		e, _ := p.nextWaiting()
		return domain.Event{Entity: id, User: e.User, Body: Offered{
			PromotionID: id, WaitingID: WaitingID(id, e.Sequence), Quantity: e.Quantity, ExpiresAt: now.Add(OfferSeconds * time.Second),
		}}, true
	}
	return domain.Event{}, false
}

// nextWaiting is whom the next offer is for.
func (p *Promotion) nextWaiting() (waitlist.Entry, bool) {
	free := p.Remaining()
	if p.waiting.Len() == 0 || free == 0 || p.Paused || p.ClosedAt != 0 {
		return waitlist.Entry{}, false
	}
	return p.waiting.FirstFit(func(quantity int) bool { return quantity <= free })
}

// updateOfferable notes whether p has something to offer, so that nobody has to look while nothing has changed.
func (s *State) updateOfferable(p *Promotion) {
	if p.waiting.Len() == 0 && len(s.offerable) == 0 {
		return // as mostly in a rush
	}
	_, hasOffer := p.nextWaiting()
	i, listed := slices.BinarySearch(s.offerable, p.PromotionID)
	if hasOffer && !listed {
		s.offerable = slices.Insert(s.offerable, i, p.PromotionID)
	} else if !hasOffer && listed {
		s.offerable = slices.Delete(s.offerable, i, i+1)
	}
}

// removeWaiting takes somebody out of the waiting list. What was offered to them is there again.
func (p *Promotion) removeWaiting(waitingID string) Offer {
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
