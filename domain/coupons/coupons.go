// Package coupons holds the rules of first-come promotions: a promotion has units, each user may have so many of them,
// between an opening and a closing time. Units are numbered in the order of the line.
package coupons

import (
	"maps"
	"slices"
	"strconv"

	"onsale/domain"
)

// State is all promotions. It changes only by Apply.
type State struct{ promotions map[string]*Promotion }

// Promotion is what the rules know of one. At every event: Stock = Remaining + Issued.
type Promotion struct {
	Created
	Issued          int                `json:"issued"`                    // units given out so far; the next number is one more
	SoldOutSequence uint64             `json:"soldOutSequence,omitempty"` // the command that took the last unit
	Holders         map[string]Holding `json:"-"`                         // by user
}

// Holding is what one user has of one promotion.
type Holding struct {
	Count int32
	First int32 // the number of their first coupon
}

// New is a world without promotions.
func New() *State { return &State{promotions: map[string]*Promotion{}} }

// Promotion is the one with this id, or nil.
func (s *State) Promotion(id string) *Promotion { return s.promotions[id] }

// IDs are those of all promotions, in alphabetical order.
func (s *State) IDs() []string { return slices.Sorted(maps.Keys(s.promotions)) }

// Put takes a promotion from a store at start-up. Its Holders are filled by Hold.
func (s *State) Put(p Promotion) *Promotion {
	p.Holders = map[string]Holding{}
	s.promotions[p.PromotionID] = &p
	return &p
}

// Hold notes that user has the coupon with this number.
func (p *Promotion) Hold(user string, number int) {
	h := p.Holders[user]
	if h.Count == 0 {
		h.First = int32(number)
	}
	h.Count++
	p.Holders[user] = h
}

// Remaining is how many units nobody has.
func (p *Promotion) Remaining() int { return p.Stock - p.Issued }

// CouponID is the id of the promotion's coupon with this number.
func CouponID(promotion string, number int) string { return promotion + "-" + strconv.Itoa(number) }

// Decide says what command c leads to when the log's time is now. It changes nothing.
func (s *State) Decide(c domain.Command, now domain.Time) []domain.Event {
	return []domain.Event{s.decide(c, now)}
}

func (s *State) decide(c domain.Command, now domain.Time) domain.Event {
	switch body := c.Body.(type) {
	case Create:
		return s.create(c, body)
	case Issue:
		return s.issue(c, now)
	}
	panic("coupons: no rule for this command")
}

// Apply makes e so.
func (s *State) Apply(e domain.Event) {
	switch body := e.Body.(type) {
	case Created:
		s.Put(Promotion{Created: body})
	case Issued:
		p := s.promotions[body.PromotionID]
		p.Issued++
		p.Hold(e.User, body.Number)
		if p.Remaining() == 0 {
			p.SoldOutSequence = e.Sequence
		}
	}
}
