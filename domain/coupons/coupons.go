// Package coupons holds the rules of first-come promotions: a promotion has units, each user may have so many of them,
// between an opening and a closing time. Units are numbered in the order of the line. Who finds none may wait: what comes
// back is offered to those who wait, in their order, before anybody else can ask for it.
package coupons

import (
	"maps"
	"slices"
	"strconv"

	"onsale/domain"
	"onsale/domain/deadline"
	"onsale/domain/waitlist"
)

// State is all promotions and what time will change in them. It changes only by Apply.
type State struct {
	promotions map[string]*Promotion
	deadlines  *deadline.Queue[deadlineTarget]
	offerable  []string // promotions with something for somebody who waits, in alphabetical order: see stir
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

	Coupons       []Coupon               `json:"-"` // number n at n-1
	Holders       map[string]UserCoupons `json:"-"` // by user: who has a coupon that is not revoked
	Waiting       waitlist.List          `json:"-"` // who waits and has no offer yet
	Offers        map[uint64]Offer       `json:"-"` // by the sequence in their waiting id
	ExpiredOffers map[uint64]Offer       `json:"-"` // offers that ran out, so that a late comer hears why

	offerOf map[string]uint64 // by user
}

// New is a world without promotions.
func New() *State {
	return &State{promotions: map[string]*Promotion{}, deadlines: deadline.NewQueue(isActive)}
}

// Promotion is the one with this id, or nil.
func (s *State) Promotion(id string) *Promotion { return s.promotions[id] }

// IDs are those of all promotions, in alphabetical order.
func (s *State) IDs() []string { return slices.Sorted(maps.Keys(s.promotions)) }

// Restore takes a promotion with its counters and flags, as JSON has them, from a store at start-up. RestoreCoupon, RestoreWaiting,
// RestoreOffer and RestoreExpired fill the rest; none of them counts.
func (s *State) Restore(p Promotion) *Promotion {
	p.Coupons, p.Holders, p.Waiting = nil, map[string]UserCoupons{}, waitlist.List{}
	p.Offers, p.ExpiredOffers, p.offerOf = map[uint64]Offer{}, map[uint64]Offer{}, map[string]uint64{}
	s.promotions[p.PromotionID] = &p
	if !p.Opened {
		s.deadlines.Add(promotionDeadline{At: p.OpensAt, Sequence: p.Sequence, Value: deadlineTarget{&p, kindOpens}})
	}
	if p.ClosesAt != 0 {
		s.deadlines.Add(promotionDeadline{At: p.ClosesAt, Sequence: p.Sequence, Value: deadlineTarget{&p, kindCloses}})
	}
	return &p
}

// Issued is how many units have been given out and not been given back.
func (p *Promotion) Issued() int { return p.IssuedEver - p.Returned }

// Remaining is how many units nobody has, and nobody is offered.
func (p *Promotion) Remaining() int { return p.Stock - p.Issued() - p.Offered }

// Closed says whether the promotion is over at now, told or not; byClock is its closesAt when that is why.
func (p *Promotion) Closed(now domain.Time) (closed bool, closesAt domain.Time) {
	switch {
	case p.ClosedAt != 0 && (p.ClosesAt == 0 || p.ClosedAt < p.ClosesAt):
		return true, 0
	case p.ClosesAt != 0 && now >= p.ClosesAt:
		return true, p.ClosesAt
	}
	return false, 0
}

// Single coupons: whose they are, and what became of them.

// Coupon is one unit that was given out. It stays for ever, with the last who had it.
type Coupon struct {
	Owner  string
	Status Status
}

// Status of a coupon; the zero value is ISSUED.
type Status uint8

const (
	StatusIssued Status = iota
	StatusUsed
	StatusRevoked
)

// String is how the wire spells it.
func (s Status) String() string { return [...]string{"ISSUED", "USED", "REVOKED"}[s] }

// UserCoupons is what one user has of one promotion: coupons issued or used, not those revoked.
type UserCoupons struct {
	Count  int32
	Number int32 // the number of their coupon, where the limit is one; else 0
}

// CouponID is the id of the promotion's coupon with this number.
func CouponID(promotion string, number int) string { return promotion + "-" + strconv.Itoa(number) }

// Coupon is the one with this number; false when there is none.
func (p *Promotion) Coupon(number int) (Coupon, bool) {
	if number < 1 || number > len(p.Coupons) {
		return Coupon{}, false
	}
	return p.Coupons[number-1], true
}

// RestoreCoupon adds the next coupon: they come in the order of their numbers, revoked ones too.
func (p *Promotion) RestoreCoupon(c Coupon) {
	p.Coupons = append(p.Coupons, c)
	if c.Status == StatusRevoked {
		return
	}
	h := p.Holders[c.Owner]
	h.Count++
	if p.PerUserLimit == 1 {
		h.Number = int32(len(p.Coupons))
	}
	p.Holders[c.Owner] = h
}

// issue makes the next quantity of coupons the user's.
func (p *Promotion) issue(user string, quantity int) {
	for range quantity {
		p.RestoreCoupon(Coupon{Owner: user})
	}
	p.IssuedEver += quantity
}

// revokeCoupon revokes a coupon.
func (p *Promotion) revokeCoupon(number int, returned bool) {
	c := &p.Coupons[number-1]
	c.Status = StatusRevoked
	if h := p.Holders[c.Owner]; h.Count == 1 {
		delete(p.Holders, c.Owner)
	} else {
		h.Count--
		p.Holders[c.Owner] = h
	}
	if returned {
		p.Returned++
	}
}
