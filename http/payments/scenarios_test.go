// Scenarios: what happens to one payment and one order on it.

package payments_test

import (
	"cmp"
	"context"
	"fmt"

	"onsale/domain/coupons"
	"onsale/domain/orders"
	"onsale/http/payments/portone"
	"onsale/http/payments/portone/fakeportone"
)

// scenario has five steps. After each, the test waits until nothing is left to do at the present log time; a minute passes
// before late, and the time to pay before after.
type scenario struct {
	name           string
	extraStock     int  // of the product, above 1
	async          bool // V2 refunds later
	requirePrepare bool // payments must have been prepared
	noRefund       bool // onsale refunds nothing
	noRequest      bool // nor asks for anything
	noWebhook      bool // the provider sends none
	seats          bool // the order is on a hold of one seat, with a coupon, and not on a unit
	free           bool // the coupon takes everything off
	holdSeconds    int  // 0: 1,200, longer than the time to pay
	before         step
	order          step // pays and orders
	then           step
	late           step // after a minute
	after          step // after the time to pay
}

type step func(*faultCase)

// steps are in order; nil does nothing.
func (s scenario) steps() []step { return []step{s.before, s.order, s.then, s.late, s.after} }

func pays(amount int64) step {
	return func(fc *faultCase) { fc.createPayment(fakeportone.Payment{Amount: amount}) }
}

func startsPayment(status string) step {
	return func(fc *faultCase) {
		amount := int64(price)
		if fc.seats {
			amount = seatPrice
		}
		fc.createPayment(fakeportone.Payment{Amount: amount, Status: status, Method: "vbank"})
	}
}

func placesOrder(fc *faultCase) {
	if !fc.free {
		fc.n.submit(fc.user, fc.ref(), fc.orderCommand())
		return
	}
	fc.freeRef = fmt.Sprintf("%s-%d", orders.NoPayment, fc.n.submit(fc.user, orders.NoPayment, fc.orderCommand()))
}

func claimsAmount(amount int64) step {
	return func(fc *faultCase) {
		order := fc.orderCommand()
		order.Amount = amount
		fc.n.submit(fc.user, fc.ref(), order)
	}
}

func deposits(fc *faultCase)     { fc.noError(fc.fake.Deposit(fc.impUID)) }
func succeedsLate(fc *faultCase) { fc.noError(fc.fake.SucceedLate(fc.impUID)) }
func adminCancels(fc *faultCase) { fc.n.submit("admin", fc.ref(), orders.Cancel{Reason: "broken"}) }
func adminCloses(fc *faultCase)  { fc.n.submit("admin", fc.product, orders.Close{}) }
func prepares(fc *faultCase)     { fc.prepare(fc.user) }

func otherPrepares(fc *faultCase) { fc.prepare(fc.otherUser()) }
func otherOrders(fc *faultCase)   { fc.n.submit(fc.otherUser(), fc.ref(), fc.orderCommand()) }

func cancelsAtConsole(amount int64) step {
	return func(fc *faultCase) { fc.noError(fc.fake.CancelAtConsole(fc.impUID, amount)) }
}

func completesCancel(succeeded bool) step {
	return func(fc *faultCase) { fc.noError(fc.fake.Settle(fc.impUID, succeeded)) }
}

func tampers(do func(*fakeportone.Payment)) step {
	return func(fc *faultCase) { fc.noError(fc.fake.Tamper(fc.impUID, do)) }
}

// notification is what a webhook does.
func notification(fc *faultCase) { fc.worker.Notify(portone.Webhook{Ref: fc.ref()}) }

// atOnce lets the worker handle no event in between.
func atOnce(steps ...step) step {
	return func(fc *faultCase) {
		fc.stalled.Lock()
		defer fc.stalled.Unlock()
		sequence(steps...)(fc)
	}
}

func sequence(steps ...step) step {
	return func(fc *faultCase) {
		for _, s := range steps {
			s(fc)
		}
	}
}

var scenarios = []scenario{
	{name: "paid", noRefund: true, order: sequence(pays(price), placesOrder)},
	{name: "paid, prepared", noRefund: true, before: prepares, order: sequence(pays(price), placesOrder), requirePrepare: true},
	{name: "underpaid", order: sequence(pays(700), placesOrder)},
	{name: "overpaid", order: sequence(pays(1300), placesOrder)},
	{name: "order claims a lower amount", order: sequence(pays(700), claimsAmount(700))},
	{name: "paid, sold out", extraStock: -1, order: sequence(pays(price), placesOrder)},
	{name: "paid, product closed", before: adminCloses, order: sequence(pays(price), placesOrder)},
	{name: "prepared by another user", noRefund: true, before: otherPrepares, order: sequence(pays(price), placesOrder), late: otherOrders},
	{name: "paid, not prepared", noRefund: true, order: sequence(pays(price), placesOrder), requirePrepare: true},
	{name: "never paid", noRefund: true, order: placesOrder},
	{name: "ordered before paid", noRefund: true, order: placesOrder, then: sequence(pays(price), notification)},
	{name: "cancelled before the order", noRefund: true, order: sequence(pays(price), cancelsAtConsole(0), placesOrder)},
	{name: "partly cancelled before the order", order: sequence(pays(price), cancelsAtConsole(400), placesOrder)},
	{name: "cancelled after the result", noRefund: true, order: sequence(pays(price), placesOrder), then: cancelsAtConsole(0)},
	{name: "partly cancelled after the result", noRefund: true, order: sequence(pays(price), placesOrder), then: cancelsAtConsole(400)},
	{name: "partly, then fully cancelled after the result", noRefund: true, order: sequence(pays(price), placesOrder), then: cancelsAtConsole(400), late: cancelsAtConsole(0)},
	{name: "transfer in time", noRefund: true, order: sequence(startsPayment("ready"), placesOrder), then: deposits},
	{name: "transfer too late", order: sequence(startsPayment("ready"), placesOrder), after: deposits},
	{name: "transfer never", noRefund: true, order: sequence(startsPayment("ready"), placesOrder)},
	{name: "payment failed", noRefund: true, order: sequence(startsPayment("failed"), placesOrder)},
	{name: "payment failed, then succeeded", order: sequence(startsPayment("failed"), placesOrder), then: succeedsLate},
	{name: "amount changed", order: sequence(pays(price), tampers(func(p *fakeportone.Payment) { p.Amount = 900 }), placesOrder)},
	{name: "amount changed after the result", noRefund: true, order: sequence(pays(price), placesOrder),
		then: sequence(tampers(func(p *fakeportone.Payment) { p.Amount = 900 }), notification)},
	{name: "currency changed", order: sequence(pays(price), tampers(func(p *fakeportone.Payment) { p.Currency = "USD" }), placesOrder)},
	{name: "merchant_uid changed", noRefund: true, before: prepares, requirePrepare: true,
		order: sequence(pays(price), tampers(func(p *fakeportone.Payment) { p.MerchantUID += "x" }), placesOrder)},
	{name: "test payment", order: sequence(pays(price), tampers(func(p *fakeportone.Payment) { p.Test = true }), placesOrder)},
	{name: "admin cancels", order: sequence(pays(price), placesOrder), then: adminCancels},
	{name: "admin cancels before the transfer", order: sequence(startsPayment("ready"), placesOrder), then: adminCancels, late: deposits},
	{name: "admin and console cancel", order: sequence(pays(price), placesOrder), then: sequence(cancelsAtConsole(400), adminCancels)},
	{name: "refund pending", async: true, order: sequence(pays(700), placesOrder), then: completesCancel(true)},
	{name: "refund fails, then succeeds", async: true, order: sequence(pays(700), placesOrder), then: completesCancel(false), late: completesCancel(true)},
	{name: "refund fails, partly cancelled meanwhile", async: true, order: sequence(pays(700), placesOrder),
		then: sequence(completesCancel(false), cancelsAtConsole(300)), late: completesCancel(true)},
}

// supports: V1 has no asynchronous refunds.
func (s scenario) supports(api string) bool { return !s.async || api == "v2" }

func (fc *faultCase) createPayment(p fakeportone.Payment) {
	p.ImpUID, p.MerchantUID = fc.impUID, fc.merchantUID
	_, err := fc.fake.Create(p)
	fc.noError(err)
}

func (fc *faultCase) orderCommand() orders.Place {
	order := orderCommand(fc.product)
	order.RequirePrepare = fc.requirePrepare
	if fc.seats {
		order.ProductID, order.Count, order.HoldID, order.CouponID = "", 0, fc.holdID, coupons.CouponID(fc.promotion(), 1)
		order.Amount = seatPrice
		if fc.free {
			order.Amount = 0
		}
	}
	return order
}

// prepare is what the API does for a user.
func (fc *faultCase) prepare(user string) {
	order := fc.orderCommand()
	fc.n.submit(user, cmp.Or(order.ProductID, order.HoldID), orders.Prepare{
		Count: order.Count, HoldID: order.HoldID, CouponID: order.CouponID, Terms: &order.Terms,
	})
}

func (fc *faultCase) otherUser() string { return "other-" + fc.user }

// ref is the payment's name in the API.
func (fc *faultCase) ref() string {
	if fc.free {
		return fc.freeRef
	}
	if fc.api == "v1" {
		return fc.impUID
	}
	return fc.merchantUID
}

func (fc *faultCase) noError(err error) {
	if err != nil {
		fc.n.tb.Errorf("%s: %v", fc, err)
	}
}

// handle retries as often as the worker asks for, without delay.
func (fc *faultCase) handle(ctx context.Context, e event) {
	fc.stalled.RLock()
	defer fc.stalled.RUnlock()
	handle(ctx, fc.worker, e)
}
