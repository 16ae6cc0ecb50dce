// What time changes in promotions by itself: it opens and closes them, and ends offers. Decisions look at the times, told or
// not; telling is for those who watch, and for those who wait.
package coupons

import (
	"onsale/domain"
	"onsale/domain/due"
)

// deadline is a change with its time. Its place in line is that of the command that made the promotion, or that joined the
// waiting list: offers that end together end in the order of the line.
type deadline = due.Deadline[change]

type change struct {
	promotion *Promotion
	kind      kind
}

type kind string

const (
	opening kind = "opens"
	closing kind = "closes"
	expiry  kind = "expiry"
)

// stands says that the change is still to come.
func stands(d deadline) bool {
	p := d.What.promotion
	switch d.What.kind {
	case opening:
		return !p.Opened && p.ClosedAt == 0
	case closing:
		return p.ClosedAt == 0
	}
	_, offered := p.Offers[d.Sequence]
	return offered
}

// NextDeadline is when the next thing is due, and the place in line of the command that set it; false when nothing is.
func (s *State) NextDeadline() (at domain.Time, sequence uint64, ok bool) {
	d, ok := s.deadlines.First()
	return d.At, d.Sequence, ok
}

// Due is what NextDeadline names.
func (s *State) Due() domain.Event {
	d, _ := s.deadlines.First()
	p := d.What.promotion
	switch d.What.kind {
	case opening:
		return domain.Event{Entity: p.PromotionID, Body: Opened{PromotionID: p.PromotionID}}
	case closing:
		return domain.Event{Entity: p.PromotionID, Body: Closed{PromotionID: p.PromotionID}}
	}
	return p.expired(p.Offers[d.Sequence])
}

// expired is the end of an offer that nobody accepted in time.
func (p *Promotion) expired(o Offer) domain.Event {
	return domain.Event{Entity: p.PromotionID, User: o.User, Body: OfferExpired{
		PromotionID: p.PromotionID, WaitingID: WaitingID(p.PromotionID, o.Sequence), Quantity: o.Quantity, ExpiresAt: o.ExpiresAt,
	}}
}
