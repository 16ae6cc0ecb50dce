// Promotions and their coupons. Defaults and generated ids are written into the command here, so that every node reads the
// same.

package http

import (
	"net/http"
	"net/url"

	"onsale/domain"
	"onsale/domain/coupons"
	"onsale/projections/store"
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

// createPromotion reads POST /api/v1/admin/promotions.
func createPromotion(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	return createCommand(w, r, "promotionId", func(o *object) validatedBody {
		return coupons.Create{
			Name: textField(o, "name"), Stock: int(o.Integer("stock", -1)), PerUserLimit: int(o.Integer("perUserLimit", 1)),
			OpensAt: timeField(o, "opensAt"), ClosesAt: timeField(o, "closesAt"), DiscountTerms: decodeWorth(o), SoldOut: soldOutField(o),
		}
	})
}

// decodeWorth reads what the coupons of a promotion are worth.
func decodeWorth(o *object) coupons.DiscountTerms {
	w := coupons.DiscountTerms{MinAmount: o.Integer("minAmount", 0)}
	o.Object("discount", func(o *object) {
		w.Discount = &coupons.Discount{
			Kind: o.Text("kind"), Amount: o.Integer("amount", 0), Percent: int(o.Integer("percent", 0)), MaxAmount: o.Integer("maxAmount", 0),
		}
	})
	o.Object("appliesTo", func(o *object) {
		w.AppliesTo = &coupons.AppliesTo{
			ProductIDs: idList(o, "salePostIds", maxEntityID), ScheduleIDs: idList(o, "scheduleIds", maxEntityID),
		}
	})
	return w
}

var (
	changeStock = adminCommand(entityCommand("promotionId", func(o *object) validatedBody {
		return coupons.ChangeStock{Delta: int(o.Integer("delta", 0)), Reason: textField(o, "reason")}
	}))
	pausePromotion  = adminCommand(entityCommand("promotionId", func(o *object) validatedBody { return coupons.Pause{Reason: textField(o, "reason")} }))
	resumePromotion = adminCommand(entityCommand("promotionId", func(o *object) validatedBody { return coupons.Resume{Reason: textField(o, "reason")} }))
	closePromotion  = adminCommand(entityCommand("promotionId", func(o *object) validatedBody { return coupons.Close{Reason: textField(o, "reason")} }))
)

// revokeCoupon reads POST /api/v1/admin/coupons/:couponId/revoke. The unit returns to stock by default.
func revokeCoupon(w http.ResponseWriter, r *http.Request) (commandRequest, error) {
	id, err := generatedID(r, "couponId")
	if err != nil {
		return commandRequest{}, err
	}
	promotion, number := splitID(id, "-")
	body, canonical, err := decodeBody(w, r, func(o *object) validatedBody {
		return coupons.Revoke{Number: number, ReturnStock: o.Bool("returnStock", true), Reason: textField(o, "reason")}
	})
	return commandRequest{entity: promotion, body: body, canonical: canonical, admin: true}, err
}

type promotionView struct {
	PromotionID  string                  `json:"promotionId"`
	Name         string                  `json:"name"`
	Stock        int                     `json:"stock"`
	Issued       int                     `json:"issued"`
	Remaining    int                     `json:"remaining"`
	Status       coupons.PromotionStatus `json:"status"`
	OpensAt      domain.Time             `json:"opensAt"`
	ClosesAt     domain.Time             `json:"closesAt"`
	PerUserLimit int                     `json:"perUserLimit"`
	coupons.DiscountTerms
	SoldOut string `json:"soldOut,omitempty"` // answer; "": record
}

// viewPromotion shows p as of now. While nothing happens the log's time does not advance, so the later of the two clocks
// counts.
func (s *Server) viewPromotion(p coupons.Promotion, logTime domain.Time) promotionView {
	status, _ := p.Status(max(logTime, domain.At(s.now())))
	return promotionView{
		PromotionID: p.PromotionID, Name: p.Name, Stock: p.Stock, Issued: p.Issued(), Remaining: p.Remaining(),
		Status: status, OpensAt: p.OpensAt, ClosesAt: p.ClosesAt, PerUserLimit: p.PerUserLimit, DiscountTerms: p.DiscountTerms,
		SoldOut: p.SoldOut,
	}
}

func (s *Server) promotions(_ *http.Request, query url.Values, v *store.View) (any, error) {
	page, err := pageByID(query)
	if err != nil {
		return nil, err
	}
	found, err := v.Promotions(page.after, page.limit+1)
	return listByID(found, page, func(p coupons.Promotion) promotionView { return s.viewPromotion(p, v.Now()) },
		func(p coupons.Promotion) string { return p.PromotionID }), err
}

func (s *Server) promotion(r *http.Request, _ url.Values, v *store.View) (any, error) {
	p, err := findByPath(r, "promotionId", domain.PromotionNotFound, v.Promotion)
	return s.viewPromotion(p, v.Now()), err
}

type couponView struct {
	CouponID    string      `json:"couponId"`
	PromotionID string      `json:"promotionId"`
	Number      int         `json:"number"`
	Status      string      `json:"status"`
	IssuedAt    domain.Time `json:"issuedAt"`
	ImpUID      string      `json:"imp_uid,omitempty"` // of the order that it is in, or was used for
	coupons.DiscountTerms
}

var myCoupons = userList((*store.View).Coupons, func(c store.Coupon) couponView {
	return couponView{c.CouponID, c.PromotionID, c.Number, c.Status.String(), c.IssuedAt, c.PaymentID, c.DiscountTerms}
})
