// Package coupons holds the rules of first-come promotions. A promotion has units of stock; each user may get a limited number of
// them between an opening and a closing time. Coupons are numbered in the order of the commands. A user who finds the stock
// sold out may join the waiting list: units that come back are offered to it, in its order, before others can get them.
package coupons

import (
	"maps"
	"slices"

	"onsale/domain"
	"onsale/domain/deadline"
	"onsale/domain/waitlist"
)

// State is all promotions and their deadlines. Only Apply and the Restore methods change it.
type State struct {
	promotions map[string]*Promotion
	deadlines  *deadline.Queue[deadlineTarget]
	offerable  []string // ids of promotions that can make an offer now, in alphabetical order; see updateOfferable
}

// Promotion is one promotion. After every event, Stock = Remaining + Offered + IssuedEver - Returned. Its JSON is a row of the
// store: everything but coupons and the waiting list, which have rows of their own.
type Promotion struct {
	Created
	Sequence        uint64      `json:"sequence"`                  // of the command that created it; orders its deadlines
	IssuedEver      int         `json:"issuedEver"`                // coupons issued so far; the next number is one more
	Returned        int         `json:"returned,omitempty"`        // units of revoked coupons that were returned to the stock
	Offered         int         `json:"offered,omitempty"`         // units in offers
	SoldOutSequence uint64      `json:"soldOutSequence,omitempty"` // the command that took the last unit; 0 while there is one
	SoldOutEvent    uint64      `json:"soldOutEvent,omitempty"`    // the event after which nothing was left, of promotions that answer; 0 while there is something
	Opened          bool        `json:"opened,omitempty"`          // Opened was emitted, or opensAt was in the past
	Paused          bool        `json:"paused,omitempty"`
	ClosedAt        domain.Time `json:"closedAt,omitzero"` // when Closed was emitted, by an admin or by time

	issued        issuedCoupons
	waiting       waitlist.List             // entries without an offer
	offers        map[uint64]waitlist.Offer // by the sequence in their waiting id
	expiredOffers map[uint64]waitlist.Offer // kept, so that a late answer gets offer_expired
	offerOf       map[string]uint64         // by user
}

// New returns an empty state.
func New() *State {
	return &State{promotions: map[string]*Promotion{}, deadlines: deadline.NewQueue(isActive)}
}

// Promotion returns the promotion with this id, or nil.
func (s *State) Promotion(id string) *Promotion { return s.promotions[id] }

// IDs returns the ids of all promotions, in alphabetical order.
func (s *State) IDs() []string { return slices.Sorted(maps.Keys(s.promotions)) }

// Restore adds a promotion with its counters and flags, as JSON has them. RestoreCoupon, RestoreWaiting, RestoreOffer and
// RestoreExpired add the rest; they do not count.
func (s *State) Restore(p Promotion) *Promotion {
	p.issued, p.waiting = issuedCoupons{}, waitlist.List{}
	p.offers, p.expiredOffers, p.offerOf = map[uint64]waitlist.Offer{}, map[uint64]waitlist.Offer{}, map[string]uint64{}
	s.promotions[p.PromotionID] = &p
	if !p.Opened {
		s.deadlines.Add(promotionDeadline{At: p.OpensAt, Sequence: p.Sequence, Value: deadlineTarget{&p, kindOpens}})
	}
	if p.ClosesAt != 0 {
		s.deadlines.Add(promotionDeadline{At: p.ClosesAt, Sequence: p.Sequence, Value: deadlineTarget{&p, kindCloses}})
	}
	return &p
}

// Issued returns the units that were issued and not returned.
func (p *Promotion) Issued() int { return p.IssuedEver - p.Returned }

// Remaining returns the units that are neither issued nor on offer.
func (p *Promotion) Remaining() int { return p.Stock - p.Issued() - p.Offered }

// Closed says whether the promotion is closed at now, whether or not that was emitted. closesAt is set when time closed it.
func (p *Promotion) Closed(now domain.Time) (closed bool, closesAt domain.Time) {
	switch {
	case p.ClosedAt != 0 && (p.ClosesAt == 0 || p.ClosedAt < p.ClosesAt):
		return true, 0
	case p.ClosesAt != 0 && now >= p.ClosesAt:
		return true, p.ClosesAt
	}
	return false, 0
}

// PromotionStatus is the status of a promotion as clients see it.
type PromotionStatus string

const (
	StatusScheduled PromotionStatus = "SCHEDULED" // not open yet
	StatusOpen      PromotionStatus = "OPEN"
	StatusPaused    PromotionStatus = "PAUSED"
	StatusSoldOut   PromotionStatus = "SOLD_OUT"
	StatusClosed    PromotionStatus = "CLOSED"
)

// Status returns the status at now, and when time changes it; 0: never.
func (p *Promotion) Status(now domain.Time) (status PromotionStatus, until domain.Time) {
	closed, _ := p.Closed(now)
	switch {
	case closed:
		return StatusClosed, 0
	case now < p.OpensAt:
		return StatusScheduled, p.OpensAt
	case p.Paused:
		return StatusPaused, p.ClosesAt
	case p.Remaining() == 0:
		return StatusSoldOut, p.ClosesAt
	}
	return StatusOpen, p.ClosesAt
}
