// Creating, pausing, resuming and closing a promotion, and changing its stock: commands of admins.

package coupons

import "onsale/domain"

func (s *State) create(c domain.Command, body Create) []domain.Event {
	if s.promotions[c.Entity] != nil {
		return domain.Reject(c, domain.PromotionExists, domain.Details{})
	}
	return domain.NewOutcome(c, Created{
		PromotionID: c.Entity, Name: body.Name, Stock: body.Stock, PerUserLimit: body.PerUserLimit,
		OpensAt: body.OpensAt, ClosesAt: body.ClosesAt, DiscountTerms: body.DiscountTerms, SoldOut: body.SoldOut,
	})
}

// openPromotion returns the promotion that an admin's command changes, or its rejection.
func (s *State) openPromotion(c domain.Command, now domain.Time) (*Promotion, []domain.Event) {
	p := s.promotions[c.Entity]
	if p == nil {
		return nil, domain.Reject(c, domain.PromotionNotFound, domain.Details{})
	}
	if closed, closesAt := p.Closed(now); closed {
		return nil, domain.Reject(c, domain.Closed, domain.Details{ClosesAt: closesAt})
	}
	return p, nil
}

// transition pauses, resumes or closes. Pausing a paused promotion and resuming a running one succeed.
func (s *State) transition(c domain.Command, now domain.Time, outcome domain.Body) []domain.Event {
	if _, rejection := s.openPromotion(c, now); rejection != nil {
		return rejection
	}
	return domain.NewOutcome(c, outcome)
}

func (s *State) changeStock(c domain.Command, body ChangeStock, now domain.Time) []domain.Event {
	p, rejection := s.openPromotion(c, now)
	if rejection != nil {
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
