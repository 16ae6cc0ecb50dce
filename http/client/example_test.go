package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"onsale/http/client"
)

// A coupon is requested, and its outcome awaited. If the connection breaks, the command is sent again with the same key.
func ExampleClient_Issue() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := client.Client{URL: demo, User: "kim"}
	accepted, err := c.Issue(ctx, "demo", client.Options{Key: "kim-wants-one"})
	if err != nil {
		fmt.Println("whether it was accepted is unknown; the same key finds out:", err)
		return
	}
	outcome, err := c.Await(ctx, accepted)
	if err != nil {
		fmt.Println("it is not decided yet:", err)
		return
	}
	var coupon struct {
		CouponID string
		Number   int
	}
	if err := outcome.Decode(&coupon); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(outcome.Status, coupon.CouponID, coupon.Number)
	// Output: SUCCEEDED demo-1 1
}

// Seats are held, all or none. A rejection is a *Problem with a code and facts.
func ExampleProblem() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	kim, lee := client.Client{URL: demo, User: "kim"}, client.Client{URL: demo, User: "lee"}
	held, err := kim.Hold(ctx, "demo", []int{1, 2}, client.Options{})
	fmt.Println(held.Status, err)

	late, err := lee.Hold(ctx, "demo", []int{2, 3}, client.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	var problem *client.Problem
	if err := late.Err(); errors.As(err, &problem) && problem.Code == "seat_unavailable" {
		var facts struct{ ScheduleSeatIDs []int }
		fmt.Println(problem.Code, problem.Facts(&facts), facts.ScheduleSeatIDs)
	}
	// Output:
	// SUCCEEDED <nil>
	// seat_unavailable <nil> [2]
}

// A stream is followed over restarts and broken connections. Each event arrives once, in order; a program that stores the ID of
// the last event that it has processed goes on there after its own restart.
func ExampleClient_Events() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := client.Client{URL: demo, User: "park"}
	accepted, err := c.Issue(ctx, "demo", client.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for event, err := range c.Events(ctx, "/api/v1/me/events?lang=en", accepted.LastEventID) {
		if err != nil {
			fmt.Println("the stream ended:", err)
			return
		}
		if event.Name == "issue-complete" {
			var issued struct{ RequestID string }
			fmt.Println(event.Name, event.Decode(&issued), issued.RequestID == accepted.RequestID)
			return
		}
	}
	// Output: issue-complete <nil> true
}

// Seats that are paid for: hold, see what they cost with a coupon, and order. Here the coupon pays for all, so there is no payment;
// else the buyer pays p.Amount under p.MerchantUID, and the order names the payment.
func ExampleClient_OrderPurchase() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	wait := 30 * time.Second
	c, admin := client.Client{URL: demo, User: "choi"}, client.Client{URL: demo, User: "admin"}
	for path, body := range map[string]any{
		"promotions": map[string]any{"promotionId": "free", "name": "Free seats", "stock": 9, "discount": map[string]any{"kind": "percent", "percent": 100}},
		"schedules": map[string]any{"scheduleId": "opera", "title": "Opera", "payment": "required", "sections": []any{
			map[string]any{"name": "A", "price": 50_000, "rows": []any{map[string]any{"name": "1", "seats": 9}}},
		}},
	} {
		if created, err := admin.Command(ctx, "/api/v1/admin/"+path, body, client.Options{Wait: &wait}); err != nil || created.Err() != nil {
			fmt.Println(err, created.Err())
		}
	}
	var hold struct{ HoldID string }
	var coupon struct{ CouponID string }
	var p client.Preparation
	var order struct {
		ID string `json:"imp_uid"`
	}
	for _, step := range []struct {
		send   func() (client.Response, error)
		result any
	}{
		{func() (client.Response, error) { return c.Hold(ctx, "opera", []int{4, 5}, client.Options{Wait: &wait}) }, &hold},
		{func() (client.Response, error) { return c.Issue(ctx, "free", client.Options{Wait: &wait}) }, &coupon},
		{func() (client.Response, error) {
			return c.PreparePurchase(ctx, client.Purchase{Hold: hold.HoldID, Coupon: coupon.CouponID}, client.Options{Wait: &wait})
		}, &p},
		{func() (client.Response, error) {
			return c.OrderPurchase(ctx, "", client.Purchase{Hold: hold.HoldID, Coupon: coupon.CouponID}, p.Amount, client.Options{Wait: &wait})
		}, &order},
	} {
		r, err := step.send()
		if err = errors.Join(err, r.Err()); err == nil {
			err = r.Decode(step.result)
		}
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	off, err := admin.CancelSchedule(ctx, "opera", "the singer is ill", client.Options{Wait: &wait})
	fmt.Println(p.ListAmount, p.Discount, p.Amount, strings.HasPrefix(order.ID, "free-"), off.Status, err)
	// Output: 100000 100000 0 true SUCCEEDED <nil>
}
