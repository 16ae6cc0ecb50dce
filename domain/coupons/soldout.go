// Promotions that answer when they are sold out: the API may refuse requests for a coupon without a command, once EVENTS has it that
// nothing is left. The rules are the same for both kinds; they only note which event that is.

package coupons

import "onsale/domain"

// SoldOutAnswer is a promotion of which requests are answered with sold_out, and not recorded, while nothing is left.
const SoldOutAnswer = "answer"

// noteSoldOut notes the event after which nothing is left, which was so already unless anyLeft.
func (p *Promotion) noteSoldOut(event uint64, anyLeft bool) {
	switch {
	case p.SoldOut != SoldOutAnswer:
	case p.Remaining() > 0:
		p.SoldOutEvent = 0
	case anyLeft:
		p.SoldOutEvent = event
	}
}

// Refusal is the answer to requests for a coupon from OpensAt to ClosesAt; 0: without end. Before and after, rules reject them with
// another code.
type Refusal struct {
	EventNumber       uint64 // after which nothing was left
	SoldOutSequence   uint64
	Offered           int
	OpensAt, ClosesAt domain.Time
}

// Refusal returns the answer to requests of users who could get a coupon, see AtLimit; false: they have to be decided.
func (p *Promotion) Refusal() (Refusal, bool) {
	if p.SoldOutEvent == 0 || p.Paused || p.ClosedAt != 0 {
		return Refusal{}, false
	}
	return Refusal{p.SoldOutEvent, p.SoldOutSequence, p.Offered, p.OpensAt, p.ClosesAt}, true
}

// AtLimit says that the user has as many coupons as a user may have, and gets no more even if there are any.
func (p *Promotion) AtLimit(user string) bool {
	code, _ := p.checkUserLimit(user, 1)
	return code != ""
}
