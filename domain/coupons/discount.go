// What a coupon is worth: how much less an order costs that names it, and which orders it applies to.

package coupons

import (
	"slices"
	"strconv"

	"onsale/domain"
)

// DiscountTerms is what the coupons of a promotion are worth. The zero value: they change no price.
type DiscountTerms struct {
	Discount  *Discount  `json:"discount,omitempty"`
	MinAmount int64      `json:"minAmount,omitempty"` // list price that an order needs at least, in the currency's minor unit
	AppliesTo *AppliesTo `json:"appliesTo,omitempty"` // nil: every product and schedule
}

// Discount is a fixed amount, or a percentage that is rounded down.
type Discount struct {
	Kind      string `json:"kind"`                // DiscountFixed or DiscountPercent
	Amount    int64  `json:"amount,omitempty"`    // of a fixed one, in the currency's minor unit
	Percent   int    `json:"percent,omitempty"`   // 1 to 100
	MaxAmount int64  `json:"maxAmount,omitempty"` // of a percentage; 0: any
}

// Kinds of discounts.
const (
	DiscountFixed   = "fixed"
	DiscountPercent = "percent"
)

// AppliesTo are the products and schedules whose orders may name a coupon.
type AppliesTo struct {
	ProductIDs  []string `json:"salePostIds,omitempty"`
	ScheduleIDs []string `json:"scheduleIds,omitempty"`
}

// Limits of a discount.
const (
	MaxDiscount  = 1_000_000_000_000_000 // of fixed amounts, maxAmount and minAmount: no order costs more
	MaxAppliesTo = 1_000                 // products and schedules
)

func (w DiscountTerms) check() error {
	d, to := w.Discount, w.AppliesTo
	switch {
	case d == nil && w.MinAmount != 0:
		return domain.InvalidField("minAmount", "needs a discount")
	case d == nil && to != nil:
		return domain.InvalidField("appliesTo", "needs a discount")
	case d == nil:
		return nil
	case w.MinAmount < 0 || w.MinAmount > MaxDiscount:
		return domain.InvalidField("minAmount", "0 to %d", MaxDiscount)
	}
	if err := d.check(); err != nil {
		return err
	}
	if to == nil {
		return nil
	}
	if n := len(to.ProductIDs) + len(to.ScheduleIDs); n < 1 || n > MaxAppliesTo {
		return domain.InvalidField("appliesTo", "1 to %d products and schedules", MaxAppliesTo)
	}
	if err := checkIDs("appliesTo.salePostIds", to.ProductIDs); err != nil {
		return err
	}
	return checkIDs("appliesTo.scheduleIds", to.ScheduleIDs)
}

func checkIDs(field string, ids []string) error {
	for i, id := range ids {
		if err := domain.CheckIDField(field+"["+strconv.Itoa(i)+"]", id); err != nil {
			return err
		}
	}
	return nil
}

func (d Discount) check() error {
	switch {
	case d.Kind != DiscountFixed && d.Kind != DiscountPercent:
		return domain.InvalidField("discount.kind", "%q or %q", DiscountFixed, DiscountPercent)
	case d.Kind == DiscountFixed && (d.Amount < 1 || d.Amount > MaxDiscount):
		return domain.InvalidField("discount.amount", "1 to %d", MaxDiscount)
	case d.Kind == DiscountFixed && d.Percent != 0:
		return domain.InvalidField("discount.percent", "not of a fixed discount")
	case d.Kind == DiscountFixed && d.MaxAmount != 0:
		return domain.InvalidField("discount.maxAmount", "not of a fixed discount")
	case d.Kind == DiscountPercent && d.Amount != 0:
		return domain.InvalidField("discount.amount", "not of a percentage")
	case d.Kind == DiscountPercent && (d.Percent < 1 || d.Percent > 100):
		return domain.InvalidField("discount.percent", "1 to 100")
	case d.MaxAmount < 0 || d.MaxAmount > MaxDiscount:
		return domain.InvalidField("discount.maxAmount", "0 to %d", MaxDiscount)
	}
	return nil
}

// Of returns the discount on an order that costs amount, 0 to 10^15: never more than amount.
func (d Discount) Of(amount int64) int64 {
	if d.Kind == DiscountFixed {
		return min(d.Amount, amount)
	}
	discount := amount * int64(d.Percent) / 100 // rounded down; at most 10^17
	if d.MaxAmount > 0 {
		discount = min(discount, d.MaxAmount)
	}
	return discount
}

// QuoteDiscount returns what the user's coupon takes off an order of a product or of a schedule's seats that costs amount without
// it; or the code that rejects the coupon.
func (s *State) QuoteDiscount(couponID, user, product, schedule string, amount int64) (discount int64, code string, details domain.Details) {
	promotion, number := ParseCouponID(couponID)
	details.CouponID = couponID
	coupon, ok := s.coupon(promotion, number)
	if !ok {
		return 0, domain.CouponNotFound, details
	}
	w := s.promotions[promotion].DiscountTerms
	switch {
	case coupon.Owner != user:
		return 0, domain.NotOwner, details
	case coupon.Status == StatusRevoked:
		return 0, domain.Revoked, details
	case coupon.Status == StatusUsed:
		return 0, domain.AlreadyUsed, details
	case coupon.Status == StatusInOrder:
		return 0, domain.CouponInOrder, details
	case w.Discount == nil || !w.appliesTo(product, schedule):
		return 0, domain.NotApplicable, details
	case amount < w.MinAmount:
		details.MinAmount = w.MinAmount
		return 0, domain.NotApplicable, details
	}
	return w.Discount.Of(amount), "", domain.Details{}
}

// appliesTo says whether the coupons apply to a product, or to the seats of a schedule; the other is "".
func (w DiscountTerms) appliesTo(product, schedule string) bool {
	return w.AppliesTo == nil || product != "" && slices.Contains(w.AppliesTo.ProductIDs, product) ||
		schedule != "" && slices.Contains(w.AppliesTo.ScheduleIDs, schedule)
}

// FollowPlaced, FollowSucceeded and FollowReturned return the coupon's part in what becomes of its order. FollowReturned returns false
// where there is nothing to give back: an admin has revoked the coupon.
func (s *State) FollowPlaced(couponID, paymentID string) Bound {
	promotion, number := ParseCouponID(couponID)
	return Bound{PromotionID: promotion, CouponID: couponID, Number: number, PaymentID: paymentID}
}

func (s *State) FollowSucceeded(couponID, paymentID string) Used {
	promotion, number := ParseCouponID(couponID)
	return Used{PromotionID: promotion, CouponID: couponID, Number: number, PaymentID: paymentID}
}

func (s *State) FollowReturned(couponID, paymentID string) (GivenBack, bool) {
	promotion, number := ParseCouponID(couponID)
	coupon, _ := s.coupon(promotion, number)
	back := GivenBack{PromotionID: promotion, CouponID: couponID, Number: number, PaymentID: paymentID}
	return back, coupon.Status == StatusInOrder || coupon.Status == StatusUsed
}
