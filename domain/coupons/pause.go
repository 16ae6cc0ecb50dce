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

// running is the promotion that command c steers, or the event that says why it cannot be steered.
func (s *State) running(c domain.Command, shape error, now domain.Time) (*Promotion, domain.Event) {
	p := s.promotions[c.Entity]
	if shape != nil {
		return nil, domain.Reject(c, domain.InvalidBody, domain.Facts{})
	}
	if p == nil {
		return nil, domain.Reject(c, domain.PromotionNotFound, domain.Facts{})
	}
	if closed, byClock := p.Closed(now); closed {
		return nil, domain.Reject(c, domain.Closed, domain.Facts{ClosesAt: byClock})
	}
	return p, domain.Event{}
}

// steer is done to whatever is not closed: pausing what is paused, or resuming what is not, is as good as done.
func (s *State) steer(c domain.Command, shape error, now domain.Time, done domain.Body) domain.Event {
	if p, refusal := s.running(c, shape, now); p == nil {
		return refusal
	}
	return domain.Outcome(c, done)
}

// changeStock leaves those units alone that somebody has or is offered.
func (s *State) changeStock(c domain.Command, body ChangeStock, now domain.Time) domain.Event {
	p, refusal := s.running(c, body.Check(), now)
	if p == nil {
		return refusal
	}
	stock, gone := p.Stock+body.Delta, p.Issued()+p.Offered
	if stock > MaxStock {
		return domain.Reject(c, domain.InvalidBody, domain.Facts{})
	}
	if stock < gone {
		return domain.Reject(c, domain.StockBelowIssued, domain.Facts{Issued: gone})
	}
	return domain.Outcome(c, Restocked{PromotionID: c.Entity, Delta: body.Delta, Stock: stock, Reason: body.Reason})
}
