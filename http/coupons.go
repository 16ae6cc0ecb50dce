// Coupons and their promotions on the wire.

package http

import (
	"net/http"
	"net/url"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/projections"
)

// issueCoupon reads POST /api/v1/promotions/:promotionId/coupons.
var issueCoupon = pathCommand(func(r *http.Request) (string, domain.Body, error) {
	promotion, err := pathID(r, "promotionId")
	return promotion, coupons.Issue{}, err
})

// useCoupon reads POST /api/v1/coupons/:couponId/use.
var useCoupon = pathCommand(func(r *http.Request) (string, domain.Body, error) {
	id, err := generatedID(r, "couponId")
	promotion, number := splitID(id, "-")
	return promotion, coupons.Use{Number: number}, err
})

type promotionView struct {
	PromotionID  string      `json:"promotionId"`
	Name         string      `json:"name"`
	Stock        int         `json:"stock"`
	Issued       int         `json:"issued"`
	Remaining    int         `json:"remaining"`
	Status       string      `json:"status"`
	OpensAt      domain.Time `json:"opensAt"`
	ClosesAt     domain.Time `json:"closesAt"`
	PerUserLimit int         `json:"perUserLimit"`
}

// viewPromotion shows p as a command that is sent now would find it. Log time stands still when nothing happens, so the
// clock on the wall may be ahead of it.
func (s *Server) viewPromotion(p coupons.Promotion, logTime domain.Time) promotionView {
	status, _ := PromotionStatus(p, max(logTime, domain.At(s.now())))
	return promotionView{
		PromotionID: p.PromotionID, Name: p.Name, Stock: p.Stock, Issued: p.Issued(), Remaining: p.Remaining(),
		Status: status, OpensAt: p.OpensAt, ClosesAt: p.ClosesAt, PerUserLimit: p.PerUserLimit,
	}
}

// PromotionStatus is how p stands at a time, and when that changes by itself; 0: never.
func PromotionStatus(p coupons.Promotion, now domain.Time) (status string, until domain.Time) {
	closed, _ := p.Closed(now)
	switch {
	case closed:
		return "CLOSED", 0
	case now < p.OpensAt:
		return "SCHEDULED", p.OpensAt
	case p.Paused:
		return "PAUSED", p.ClosesAt
	case p.Remaining() == 0:
		return "SOLD_OUT", p.ClosesAt
	}
	return "OPEN", p.ClosesAt
}

func (s *Server) promotions(_ *http.Request, query url.Values, v *projections.View) (any, error) {
	page, err := pageByID(query)
	if err != nil {
		return nil, err
	}
	found, err := v.Promotions(page.after, page.limit+1)
	return listByID(found, page, func(p coupons.Promotion) promotionView { return s.viewPromotion(p, v.Now()) },
		func(p coupons.Promotion) string { return p.PromotionID }), err
}

func (s *Server) promotion(r *http.Request, _ url.Values, v *projections.View) (any, error) {
	id, err := pathID(r, "promotionId")
	if err != nil {
		return nil, err
	}
	p, found, err := v.Promotion(id)
	if err == nil && !found {
		err = problemf(domain.PromotionNotFound, "")
	}
	return s.viewPromotion(p, v.Now()), err
}
