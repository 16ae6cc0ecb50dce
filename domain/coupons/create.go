// Opening a promotion.

package coupons

import (
	"fmt"

	"onsale/domain"
)

// Most units of a promotion, and most of them for one user: figures that a number in a coupon id and a screen can carry.
const (
	MaxStock        = 1_000_000_000
	MaxPerUserLimit = 1_000
	MaxName         = 200 // bytes
)

// Check says which field of c has a wrong shape, as a *domain.FieldError.
func (c Create) Check() error {
	switch {
	case c.Name == "" || len(c.Name) > MaxName:
		return &domain.FieldError{Field: "name", Problem: fmt.Sprintf("1 to %d bytes", MaxName)}
	case c.Stock < 0 || c.Stock > MaxStock:
		return &domain.FieldError{Field: "stock", Problem: fmt.Sprintf("0 to %d", MaxStock)}
	case c.PerUserLimit < 1 || c.PerUserLimit > MaxPerUserLimit:
		return &domain.FieldError{Field: "perUserLimit", Problem: fmt.Sprintf("1 to %d", MaxPerUserLimit)}
	case c.OpensAt != 0 && c.ClosesAt != 0 && c.ClosesAt <= c.OpensAt:
		return &domain.FieldError{Field: "closesAt", Problem: "must be later than opensAt"}
	}
	return nil
}

func (s *State) create(c domain.Command, body Create) domain.Event {
	if body.Check() != nil {
		return domain.Reject(c, domain.InvalidBody, domain.Details{})
	}
	if s.promotions[c.Entity] != nil {
		return domain.Reject(c, domain.PromotionExists, domain.Details{})
	}
	return domain.NewOutcome(c, Created{
		PromotionID: c.Entity, Name: body.Name, Stock: body.Stock, PerUserLimit: body.PerUserLimit,
		OpensAt: body.OpensAt, ClosesAt: body.ClosesAt,
	})
}
