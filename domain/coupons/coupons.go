// Package coupons holds the rules of first-come promotions: a promotion has units, each user may have so many of them,
// between an opening and a closing time. Units are numbered in the order of the line. Who finds none may wait: what comes
// back is offered to those who wait, in their order, before anybody else can ask for it.
package coupons

import (
	"iter"
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

	coupons       []Coupon               // number n at n-1
	holders       map[string]UserCoupons // by user: coupons that are not revoked
	waiting       waitlist.List          // users who wait and have no offer yet
	offers        map[uint64]Offer       // by the sequence in their waiting id
	expiredOffers map[uint64]Offer       // kept so that a late answer gets offer_expired
	offerOf       map[string]uint64      // by user
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
	p.coupons, p.holders, p.waiting = nil, map[string]UserCoupons{}, waitlist.List{}
	p.offers, p.expiredOffers, p.offerOf = map[uint64]Offer{}, map[uint64]Offer{}, map[string]uint64{}
	s.promotions[p.PromotionID] = &p
	if !p.Opened {
		s.deadlines.Add(promotionDeadline{At: p.OpensAt, Sequence: p.Sequence, Value: deadlineTarget{&p, kindOpens}})
	}
	if p.ClosesAt != 0 {
		s.deadlines.Add(promotionDeadline{At: p.ClosesAt, Sequence: p.Sequence, Value: deadlineTarget{&p, kindCloses}})
	}
	return &p
}

// Holders yields the coupons of each user who has any that is not revoked.
func (p *Promotion) Holders() iter.Seq2[string, UserCoupons] { return maps.All(p.holders) }

// Waiting returns the users who wait and have no offer, in their order.
func (p *Promotion) Waiting() []waitlist.Entry { return p.waiting.All() }

// WaitingCount returns how many users wait and have no offer.
func (p *Promotion) WaitingCount() int { return p.waiting.Len() }

// WaitingEntry returns the entry of a user who waits and has no offer.
func (p *Promotion) WaitingEntry(sequence uint64) (waitlist.Entry, bool) {
	return p.waiting.Entry(sequence)
}

// Offers yields the offers that are neither accepted nor over, by the sequence in their waiting id.
func (p *Promotion) Offers() iter.Seq2[uint64, Offer] { return maps.All(p.offers) }

// OfferCount returns how many Offers there are.
func (p *Promotion) OfferCount() int { return len(p.offers) }

// Offer returns one of Offers.
func (p *Promotion) Offer(sequence uint64) (Offer, bool) {
	o, ok := p.offers[sequence]
	return o, ok
}

// ExpiredOffers yields the offers that ran out.
func (p *Promotion) ExpiredOffers() iter.Seq2[uint64, Offer] { return maps.All(p.expiredOffers) }

// ExpiredOffer returns one of ExpiredOffers.
func (p *Promotion) ExpiredOffer(sequence uint64) (Offer, bool) {
	o, ok := p.expiredOffers[sequence]
	return o, ok
}

// PromotionStatus is what a promotion looks like to clients.
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
	if number < 1 || number > len(p.coupons) {
		return Coupon{}, false
	}
	return p.coupons[number-1], true
}

// RestoreCoupon adds the next coupon: they come in the order of their numbers, revoked ones too.
func (p *Promotion) RestoreCoupon(c Coupon) {
	p.coupons = append(p.coupons, c)
	if c.Status == StatusRevoked {
		return
	}
	h := p.holders[c.Owner]
	h.Count++
	if p.PerUserLimit == 1 {
		h.Number = int32(len(p.coupons))
	}
	p.holders[c.Owner] = h
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
	c := &p.coupons[number-1]
	c.Status = StatusRevoked
	if h := p.holders[c.Owner]; h.Count == 1 {
		delete(p.holders, c.Owner)
	} else {
		h.Count--
		p.holders[c.Owner] = h
	}
	if returned {
		p.Returned++
	}
}
