// What time changes in a promotion: it opens, it closes, and offers expire. Rules compare times themselves and do not depend on
// these events; they are emitted for watchers and for the waiting list.

package coupons

import (
	"onsale/domain"
	"onsale/domain/deadline"
	"onsale/domain/waitlist"
)

// promotionDeadline has the sequence of the command that created the promotion, or that joined the waiting list: offers that
// expire together do so in the order of the list.
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

// NextDeadline returns the time and sequence of the next deadline; false when there is none.
func (s *State) NextDeadline() (at domain.Time, sequence uint64, ok bool) {
	d, ok := s.deadlines.First()
	return d.At, d.Sequence, ok
}

// DueEvent returns the event of the next deadline.
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

func (p *Promotion) offerExpired(o waitlist.Offer) domain.Event {
	return domain.Event{Entity: p.PromotionID, User: o.User, Body: OfferExpired{
		PromotionID: p.PromotionID, WaitingID: WaitingID(p.PromotionID, o.Sequence), Quantity: o.Quantity, ExpiresAt: o.ExpiresAt,
	}}
}
