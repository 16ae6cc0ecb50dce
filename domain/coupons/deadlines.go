// What time changes in promotions by itself: it opens and closes them, and ends offers. Decisions look at the times, told or
// not; telling is for those who watch, and for those who wait.

package coupons

import (
	"onsale/domain"
	"onsale/domain/deadline"
)

// promotionDeadline is a change with its time. Its place in line is that of the command that made the promotion, or that joined the
// waiting list: offers that end together end in the order of the line.
type promotionDeadline = deadline.Deadline[deadlineTarget]

type deadlineTarget struct {
	promotion *Promotion
	kind      deadlineKind
}

type deadlineKind string

const (
	kindOpens        deadlineKind = "opens"
	kindCloses       deadlineKind = "closes"
	kindOfferExpires deadlineKind = "expiry"
)

// isActive says that the change is still to come.
func isActive(d promotionDeadline) bool {
	p := d.Value.promotion
	switch d.Value.kind {
	case kindOpens:
		return !p.Opened && p.ClosedAt == 0
	case kindCloses:
		return p.ClosedAt == 0
	}
	_, offered := p.offers[d.Sequence]
	return offered
}

// NextDeadline is when the next thing is due, and the place in line of the command that set it; false when nothing is.
func (s *State) NextDeadline() (at domain.Time, sequence uint64, ok bool) {
	d, ok := s.deadlines.First()
	return d.At, d.Sequence, ok
}

// DueEvent is what NextDeadline names.
func (s *State) DueEvent() domain.Event {
	d, _ := s.deadlines.First()
	p := d.Value.promotion
	switch d.Value.kind {
	case kindOpens:
		return domain.Event{Entity: p.PromotionID, Body: Opened{PromotionID: p.PromotionID}}
	case kindCloses:
		return domain.Event{Entity: p.PromotionID, Body: Closed{PromotionID: p.PromotionID}}
	}
	return p.offerExpired(p.offers[d.Sequence])
}

// offerExpired is the end of an offer that nobody accepted in time.
func (p *Promotion) offerExpired(o Offer) domain.Event {
	return domain.Event{Entity: p.PromotionID, User: o.User, Body: OfferExpired{
		PromotionID: p.PromotionID, WaitingID: WaitingID(p.PromotionID, o.Sequence), Quantity: o.Quantity, ExpiresAt: o.ExpiresAt,
	}}
}
