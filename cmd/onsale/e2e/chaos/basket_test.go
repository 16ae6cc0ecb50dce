// What buyers buy: units of products and seats of paid schedules, with and without coupons.

package chaos

import (
	"encoding/json"
	"time"

	"onsale/cmd/onsale/e2e/harness"
)

var prices = map[string]int64{"tee": 10_000, "lamp": 45_000, "print": 7_500}

const seatPrice = 30_000

// hall is a schedule whose seats are paid for.
type hall struct {
	startsIn time.Duration
	percent  int64 // that a user gets back who cancels now; -1: none, it is too late
}

// halls are the paid schedules by id. "off" is called off halfway.
var halls = map[string]hall{
	"opera": {30 * 24 * time.Hour, 100}, "ballet": {5 * 24 * time.Hour, 70}, "tonight": {time.Hour, -1}, "off": {30 * 24 * time.Hour, 100},
}

var refundTiers = []any{
	map[string]any{"untilSeconds": 864_000, "percent": 100}, map[string]any{"untilSeconds": 86_400, "percent": 70},
}

// discounts are the promotions by id, and what a coupon of each takes off an amount.
var discounts = map[string]struct {
	body map[string]any // of the command that creates it
	of   func(amount int64) int64
}{
	"tenth": {
		map[string]any{"discount": map[string]any{"kind": "percent", "percent": 13, "maxAmount": 5_001}},
		func(amount int64) int64 { return min(amount*13/100, 5_001) },
	},
	"fixed": {
		map[string]any{"discount": map[string]any{"kind": "fixed", "amount": 3_333}, "minAmount": 20_000},
		func(amount int64) int64 { return min(3_333, amount) },
	},
	"gift": {
		map[string]any{
			"discount":  map[string]any{"kind": "fixed", "amount": 1_000_000},
			"appliesTo": map[string]any{"scheduleIds": []string{"opera", "ballet", "off"}, "salePostIds": []string{"tee"}},
		},
		func(amount int64) int64 { return min(1_000_000, amount) },
	},
}

// basket is a purchase, its list price and what it costs.
type basket struct {
	product      string
	count        int
	hold, hall   string // instead of a product
	coupon       string
	list, amount int64
}

// body is what a request says of the basket.
func (w basket) body() map[string]any {
	body := map[string]any{}
	if w.hold != "" {
		body["holdId"] = w.hold
	} else {
		body["salePostId"], body["count"] = w.product, w.count
	}
	if w.coupon != "" {
		body["couponId"] = w.coupon
	}
	return body
}

// ownedCoupon is a coupon that may be in an order already.
type ownedCoupon struct{ id, promotion string }

// chooseBasket chooses seats or a product, each with a coupon now and then.
func (b *buyer) chooseBasket() basket {
	want, held := basket{}, false
	if b.rng.IntN(2) == 0 {
		want, held = b.holdSeats(1 + b.rng.IntN(3))
	}
	if !held {
		want = b.chooseProduct()
	}
	if b.rng.IntN(3) == 0 {
		b.addCoupon(&want)
	}
	return want
}

func (b *buyer) chooseProduct() basket {
	product := harness.Pick(b.rng, "tee", "tee", "tee", "tee", "tee", "tee", "tee", "lamp", "lamp", "print")
	count := 1 + b.rng.IntN(3)
	amount := prices[product] * int64(count)
	return basket{product: product, count: count, list: amount, amount: amount}
}

// holdSeats holds seats of a paid schedule; false: they are not free, or its sale has ended.
func (b *buyer) holdSeats(count int) (basket, bool) {
	schedule := harness.Pick(b.rng, "opera", "ballet", "tonight", "off")
	body := map[string]any{"bestAvailable": map[string]any{"count": count}}
	if b.rng.IntN(2) == 0 {
		var ids []int
		first := 1 + b.rng.IntN(b.workload.seats-count+1)
		for i := range count {
			ids = append(ids, first+i)
		}
		body = map[string]any{"scheduleSeatIds": ids}
	}
	return b.hold(schedule, count, body)
}

// hold sends one request for a hold of count seats.
func (b *buyer) hold(schedule string, count int, body map[string]any) (basket, bool) {
	a, ok := b.execute(b.workload.ctx, "/api/v1/schedules/"+schedule+"/seats/hold", body)
	if !ok {
		return basket{}, false
	}
	var held struct {
		HoldID     string
		TotalPrice int64
	}
	if err := json.Unmarshal(a.response.Result, &held); err != nil || held.TotalPrice != seatPrice*int64(count) {
		b.t.Errorf("%s: %v, want the price of %d seats", a.response.Result, err, count)
	}
	return basket{hold: held.HoldID, hall: schedule, list: held.TotalPrice, amount: held.TotalPrice}, true
}

// addCoupon gets a coupon, or takes one that the buyer has; it may be used or in another order, and then the order is refused.
func (b *buyer) addCoupon(want *basket) {
	var coupon ownedCoupon
	if len(b.coupons) > 0 && b.rng.IntN(2) == 0 {
		coupon = harness.Pick(b.rng, b.coupons...)
	} else {
		coupon.promotion = harness.Pick(b.rng, "tenth", "tenth", "fixed", "fixed", "gift")
		a, ok := b.execute(b.workload.ctx, "/api/v1/promotions/"+coupon.promotion+"/coupons", nil)
		if !ok {
			return
		}
		var issued struct{ CouponID string }
		if err := json.Unmarshal(a.response.Result, &issued); err != nil || issued.CouponID == "" {
			b.t.Errorf("%s: %v", a.response.Result, err)
		}
		coupon.id = issued.CouponID
		b.coupons = append(b.coupons, coupon)
	}
	want.coupon = coupon.id
	want.amount -= discounts[coupon.promotion].of(want.list)
}
