// The commands of buyers and admins. Any other is sent with Command.

package client

import (
	"context"
	"net/url"
	"time"
)

// Issue requests a coupon.
func (c *Client) Issue(ctx context.Context, promotion string, opts Options) (Response, error) {
	return c.Command(ctx, "/api/v1/promotions/"+url.PathEscape(promotion)+"/coupons", nil, opts)
}

// Hold holds seats, all or none.
func (c *Client) Hold(ctx context.Context, schedule string, seats []int, opts Options) (Response, error) {
	return c.seats(ctx, schedule, "hold", map[string]any{"scheduleSeatIds": seats}, opts)
}

// Release releases a hold.
func (c *Client) Release(ctx context.Context, schedule, hold string, opts Options) (Response, error) {
	return c.seats(ctx, schedule, "release", map[string]any{"holdId": hold}, opts)
}

// Reserve reserves the seats of a hold. Those of a schedule that needs payments are ordered instead.
func (c *Client) Reserve(ctx context.Context, schedule, hold string, opts Options) (Response, error) {
	return c.seats(ctx, schedule, "reserve", map[string]any{"holdId": hold}, opts)
}

func (c *Client) seats(ctx context.Context, schedule, verb string, body any, opts Options) (Response, error) {
	return c.Command(ctx, "/api/v1/schedules/"+url.PathEscape(schedule)+"/seats/"+verb, body, opts)
}

// CancelReservation gives the seats of a reservation back. A paid one is refunded as far as the schedule's refund tiers say; where none
// applies any more the code is cancel_closed. The result is a Cancellation.
func (c *Client) CancelReservation(ctx context.Context, reservation string, opts Options) (Response, error) {
	return c.Command(ctx, "/api/v1/reservations/"+url.PathEscape(reservation)+"/cancel", nil, opts)
}

// Cancellation is the result of CancelReservation. Without a payment PaymentID is "".
type Cancellation struct {
	ReservationID string `json:"reservationId"`
	PaymentID     string `json:"imp_uid"`
	RefundAmount  int64  `json:"refundAmount"`
	RefundPercent int    `json:"refundPercent"`
}

// Purchase is what an order buys: Count units of Product, or the seats of Hold. Coupon is one of the user's, or "".
type Purchase struct {
	Product string `json:"salePostId,omitempty"`
	Count   int    `json:"count,omitempty"`
	Hold    string `json:"holdId,omitempty"`
	Coupon  string `json:"couponId,omitempty"`
}

// Preparation is the result of Prepare and PreparePurchase.
type Preparation struct {
	MerchantUID string    `json:"merchant_uid"` // to pay with
	Hold        string    `json:"holdId"`
	Amount      int64     `json:"amount"`     // to be paid; where it is 0, order at once and without a payment
	ListAmount  int64     `json:"listAmount"` // without the coupon
	Discount    int64     `json:"discount"`
	PayBy       time.Time `json:"payBy"`
}

// Prepare gets a merchant_uid for paying count units of a product.
func (c *Client) Prepare(ctx context.Context, product string, count int, opts Options) (Response, error) {
	return c.PreparePurchase(ctx, Purchase{Product: product, Count: count}, opts)
}

// PreparePurchase gets a merchant_uid for paying a purchase, and what it costs. The result is a Preparation.
func (c *Client) PreparePurchase(ctx context.Context, p Purchase, opts Options) (Response, error) {
	return c.Command(ctx, "/api/v1/orders/prepare", p, opts)
}

// Order orders count units of a product with the payment impUID. Whether it was paid is verified later.
func (c *Client) Order(ctx context.Context, impUID, product string, count int, amount int64, opts Options) (Response, error) {
	return c.OrderPurchase(ctx, impUID, Purchase{Product: product, Count: count}, amount, opts)
}

// OrderPurchase orders a purchase with the payment impUID, which is "" where the amount is 0. Whether it was paid is verified later.
func (c *Client) OrderPurchase(ctx context.Context, impUID string, p Purchase, amount int64, opts Options) (Response, error) {
	return c.Command(ctx, "/api/v1/orders", struct {
		PaymentID string `json:"imp_uid,omitempty"`
		Purchase
		Amount int64 `json:"amount"`
	}{impUID, p, amount}, opts)
}

// CancelOrder cancels an order as an admin, and refunds so many percent of its amount. Its seats go back in any case.
func (c *Client) CancelOrder(ctx context.Context, impUID, reason string, percent int, opts Options) (Response, error) {
	body := map[string]any{"reason": reason, "percent": percent}
	return c.Command(ctx, "/api/v1/admin/orders/"+url.PathEscape(impUID)+"/cancel", body, opts)
}

// CancelSchedule calls a performance off as an admin: all that was paid for it is refunded.
func (c *Client) CancelSchedule(ctx context.Context, schedule, reason string, opts Options) (Response, error) {
	return c.Command(ctx, "/api/v1/admin/schedules/"+url.PathEscape(schedule)+"/cancel", map[string]any{"reason": reason}, opts)
}

// Reclaim takes seats from their users as an admin; with refund paid ones too, and each of their orders ends with all of its seats.
func (c *Client) Reclaim(ctx context.Context, schedule string, seats []int, reason string, refund bool, opts Options) (Response, error) {
	body := map[string]any{"scheduleSeatIds": seats, "reason": reason, "refund": refund}
	return c.Command(ctx, "/api/v1/admin/schedules/"+url.PathEscape(schedule)+"/release", body, opts)
}
