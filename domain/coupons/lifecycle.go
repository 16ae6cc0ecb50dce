// Pausing, resuming and closing a promotion, and changing its stock: what the shop does while a sale is on.

package coupons

import (
	"fmt"

	"onsale/domain"
)

// MaxReason bounds what the shop says beside an action, in bytes.
const MaxReason = 200

func checkReason(reason string) error {
	if len(reason) > MaxReason {
		return &domain.FieldError{Field: "reason", Problem: fmt.Sprintf("at most %d bytes", MaxReason)}
	}
	return nil
}

// Check says which field has a wrong shape, as a *domain.FieldError.
func (p Pause) Check() error { return checkReason(p.Reason) }

// Check says which field has a wrong shape, as a *domain.FieldError.
func (r Resume) Check() error { return checkReason(r.Reason) }

// Check says which field has a wrong shape, as a *domain.FieldError.
func (c Close) Check() error { return checkReason(c.Reason) }

// Check says which field has a wrong shape, as a *domain.FieldError.
func (c ChangeStock) Check() error {
	if c.Delta == 0 || c.Delta < -MaxStock || c.Delta > MaxStock {
		return &domain.FieldError{Field: "delta", Problem: fmt.Sprintf("-%d to %d, and not 0", MaxStock, MaxStock)}
	}
	return checkReason(c.Reason)
}

// openPromotion is the promotion that command c steers, or the event that says why it cannot be steered.
func (s *State) openPromotion(c domain.Command, bodyErr error, now domain.Time) (*Promotion, domain.Event) {
	p := s.promotions[c.Entity]
	if bodyErr != nil {
		return nil, domain.Reject(c, domain.InvalidBody, domain.Details{})
	}
	if p == nil {
		return nil, domain.Reject(c, domain.PromotionNotFound, domain.Details{})
	}
	if closed, closesAt := p.Closed(now); closed {
		return nil, domain.Reject(c, domain.Closed, domain.Details{ClosesAt: closesAt})
	}
	return p, domain.Event{}
}

// transition is done to whatever is not closed: pausing what is paused, or resuming what is not, is as good as done.
func (s *State) transition(c domain.Command, bodyErr error, now domain.Time, outcome domain.Body) domain.Event {
	if p, rejection := s.openPromotion(c, bodyErr, now); p == nil {
		return rejection
	}
	return domain.NewOutcome(c, outcome)
}

// changeStock leaves those units alone that somebody has or is offered.
func (s *State) changeStock(c domain.Command, body ChangeStock, now domain.Time) domain.Event {
	p, rejection := s.openPromotion(c, body.Check(), now)
	if p == nil {
		return rejection
	}
	stock, committed := p.Stock+body.Delta, p.Issued()+p.Offered
	if stock > MaxStock {
		return domain.Reject(c, domain.InvalidBody, domain.Details{})
	}
	if stock < committed {
		return domain.Reject(c, domain.StockBelowIssued, domain.Details{Issued: committed})
	}
	return domain.NewOutcome(c, StockChanged{PromotionID: c.Entity, Delta: body.Delta, Stock: stock, Reason: body.Reason})
}
