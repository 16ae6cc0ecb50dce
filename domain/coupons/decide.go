// Which rule decides which command, and how each event changes the state.

package coupons

import (
	"onsale/domain"
	"onsale/domain/waitlist"
)

// Decide returns the events that command c leads to at log time now. It changes nothing.
func (s *State) Decide(c domain.Command, now domain.Time) []domain.Event {
	switch body := c.Body.(type) {
	case Create:
		return s.create(c, body)
	case Issue:
		return s.issue(c, now)
	case Use:
		return s.use(c, body)
	case Pause:
		return s.transition(c, now, Paused{PromotionID: c.Entity, Reason: body.Reason})
	case Resume:
		return s.transition(c, now, Resumed{PromotionID: c.Entity, Reason: body.Reason})
	case Close:
		return s.transition(c, now, Closed{PromotionID: c.Entity, Reason: body.Reason})
	case ChangeStock:
		return s.changeStock(c, body, now)
	case Revoke:
		return s.revoke(c, body)
	case Join:
		return s.join(c, body, now)
	case Leave:
		return s.leave(c, body, now)
	case Accept:
		return s.accept(c, body, now)
	case Decline:
		return s.decline(c, body, now)
	}
	panic("coupons: no rule for this command")
}

// Apply changes the state as e says.
func (s *State) Apply(e domain.Event) {
	switch body := e.Body.(type) {
	case domain.Rejection:
	case Created:
		p := s.Restore(Promotion{Created: body, Sequence: e.Sequence, Opened: body.OpensAt <= e.Now})
		p.noteSoldOut(e.Number, true)
	default:
		p := s.promotions[e.Entity]
		before := p.Remaining()
		s.apply(p, e)
		if left := p.Remaining(); left > 0 {
			p.SoldOutSequence = 0
		} else if before > 0 {
			p.SoldOutSequence = e.Sequence
		}
		p.noteSoldOut(e.Number, before > 0)
		s.updateOfferable(p)
	}
}

func (s *State) apply(p *Promotion, e domain.Event) {
	switch body := e.Body.(type) {
	case Issued:
		p.addCoupons(e.User, 1)
	case Used:
		*p.issued.statuses.At(body.Number - 1) = StatusUsed
	case Bound:
		*p.issued.statuses.At(body.Number - 1) = StatusInOrder
	case GivenBack:
		*p.issued.statuses.At(body.Number - 1) = StatusIssued
	case Revoked:
		p.revokeCoupon(body.Number, body.Returned)
	case Opened:
		p.Opened = true
	case Paused:
		p.Paused = true
	case Resumed:
		p.Paused = false
	case Closed:
		p.ClosedAt = e.Now
	case StockChanged:
		p.Stock = body.Stock
	case Joined:
		p.waiting.Add(waitlist.Entry{Sequence: e.Sequence, User: e.User, Quantity: body.Quantity})
	case Left:
		p.removeWaiting(body.WaitingID)
	case Offered:
		p.Offered += body.Quantity
		sequence := WaitingSequence(e.Entity, body.WaitingID)
		p.waiting.Remove(sequence)
		entry := waitlist.Entry{Sequence: sequence, User: e.User, Quantity: body.Quantity}
		s.RestoreOffer(p, waitlist.Offer{Entry: entry, ExpiresAt: body.ExpiresAt})
	case Accepted:
		p.removeWaiting(body.WaitingID)
		p.addCoupons(e.User, body.Quantity)
	case Declined:
		p.removeWaiting(body.WaitingID)
	case OfferExpired:
		p.RestoreExpired(p.removeWaiting(body.WaitingID))
	}
}

// addCoupons issues the next numbers to the user.
func (p *Promotion) addCoupons(user string, quantity int) {
	for range quantity {
		p.RestoreCoupon(Coupon{Owner: user})
	}
	p.IssuedEver += quantity
}

func (p *Promotion) revokeCoupon(number int, returned bool) {
	p.issued.revoke(number, p.PerUserLimit)
	c, _ := p.Coupon(number)
	p.updatePassedOver(c.Owner)
	if returned {
		p.Returned++
	}
}
