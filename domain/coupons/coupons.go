// Package coupons holds the rules of first-come promotions: a promotion has units, each user may have so many of them,
// between an opening and a closing time. Units are numbered in the order of the line. Who finds none may wait: what comes
// back is offered to those who wait, in their order, before anybody else can ask for it.
package coupons

import (
	"maps"
	"slices"

	"onsale/domain"
	"onsale/domain/due"
	"onsale/domain/waiting"
)

// State is all promotions and what time will change in them. It changes only by Apply.
type State struct {
	promotions map[string]*Promotion
	deadlines  *due.Line[change]
	offering   []string // promotions with something for somebody who waits, in alphabetical order: see stir
}

// Promotion is what the rules know of one. At every event: Stock = Remaining + Offered + IssuedEver - Returned. In JSON it
// is all but its coupons and those who wait.
type Promotion struct {
	Created
	Sequence        uint64      `json:"sequence"`                  // of the command that made it: the place of its deadlines
	IssuedEver      int         `json:"issuedEver"`                // coupons made so far; the next number is one more
	Returned        int         `json:"returned,omitempty"`        // units of revoked coupons that were given back
	Offered         int         `json:"offered,omitempty"`         // units in Offers
	SoldOutSequence uint64      `json:"soldOutSequence,omitempty"` // the command that took the last unit; 0 while there is one
	Opened          bool        `json:"opened,omitempty"`          // opensAt has come and was told, or lay in the past
	Paused          bool        `json:"paused,omitempty"`
	ClosedAt        domain.Time `json:"closedAt,omitzero"` // when it was closed, by somebody or the clock

	Coupons []Coupon           `json:"-"` // number n at n-1
	Holders map[string]Holding `json:"-"` // by user: who has a coupon that is not revoked
	Waiting waiting.Line       `json:"-"` // who waits and has no offer yet
	Offers  map[uint64]Offer   `json:"-"` // by the sequence in their waiting id
	Ended   map[uint64]Offer   `json:"-"` // offers that ran out, so that a late comer hears why

	offerOf map[string]uint64 // by user
}

// New is a world without promotions.
func New() *State { return &State{promotions: map[string]*Promotion{}, deadlines: due.NewLine(stands)} }

// Promotion is the one with this id, or nil.
func (s *State) Promotion(id string) *Promotion { return s.promotions[id] }

// IDs are those of all promotions, in alphabetical order.
func (s *State) IDs() []string { return slices.Sorted(maps.Keys(s.promotions)) }

// Put takes a promotion with its counters and flags, as JSON has them, from a store at start-up. PutCoupon, PutWaiting,
// PutOffer and PutEnded fill the rest; none of them counts.
func (s *State) Put(p Promotion) *Promotion {
	p.Coupons, p.Holders, p.Waiting = nil, map[string]Holding{}, waiting.Line{}
	p.Offers, p.Ended, p.offerOf = map[uint64]Offer{}, map[uint64]Offer{}, map[string]uint64{}
	s.promotions[p.PromotionID] = &p
	if !p.Opened {
		s.deadlines.Add(deadline{At: p.OpensAt, Sequence: p.Sequence, What: change{&p, opening}})
	}
	if p.ClosesAt != 0 {
		s.deadlines.Add(deadline{At: p.ClosesAt, Sequence: p.Sequence, What: change{&p, closing}})
	}
	return &p
}

// Issued is how many units have been given out and not been given back.
func (p *Promotion) Issued() int { return p.IssuedEver - p.Returned }

// Remaining is how many units nobody has, and nobody is offered.
func (p *Promotion) Remaining() int { return p.Stock - p.Issued() - p.Offered }

// Closed says whether the promotion is over at now, told or not; byClock is its closesAt when that is why.
func (p *Promotion) Closed(now domain.Time) (closed bool, byClock domain.Time) {
	switch {
	case p.ClosedAt != 0 && (p.ClosesAt == 0 || p.ClosedAt < p.ClosesAt):
		return true, 0
	case p.ClosesAt != 0 && now >= p.ClosesAt:
		return true, p.ClosesAt
	}
	return false, 0
}
