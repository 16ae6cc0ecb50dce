// What people do with one payment and one order of it.

package payments_test

import (
	"context"

	"onsale/domain/orders"
	"onsale/http/payments/portone/fakeportone"
)

// scenario is a story in acts. Each act is over when everybody has done what they can without the clock; a minute lies
// behind the third, all the time there is to pay behind the fourth.
type scenario struct {
	name           string
	extraStock     int  // that the product has, less one
	async          bool // V2 gives money back later
	requirePrepare bool // payments must have been prepared
	noRefund       bool // we give nothing back
	before         step
	order          step // the payment, and the order
	then           step
	late           step // after a minute
	after          step // after the time to pay
}

type step func(*faultCase)

// steps are what happens in order; nil is nothing.
func (s scenario) steps() []step { return []step{s.before, s.order, s.then, s.late, s.after} }

func pays(amount int64) step {
	return func(fc *faultCase) { fc.createPayment(fakeportone.Payment{Amount: amount}) }
}

func startsPayment(status string) step {
	return func(fc *faultCase) {
		fc.createPayment(fakeportone.Payment{Amount: price, Status: status, Method: "vbank"})
	}
}

func placesOrder(fc *faultCase) { fc.n.submit(fc.user, fc.ref(), fc.orderCommand()) }

func claimsAmount(amount int64) step {
	return func(fc *faultCase) {
		order := fc.orderCommand()
		order.Amount = amount
		fc.n.submit(fc.user, fc.ref(), order)
	}
}

func deposits(fc *faultCase)     { fc.noError(fc.fake.Deposit(fc.impUID)) }
func succeedsLate(fc *faultCase) { fc.noError(fc.fake.SucceedLate(fc.impUID)) }
func adminCancels(fc *faultCase) { fc.n.submit("shop", fc.ref(), orders.Cancel{Reason: "broken"}) }
func adminCloses(fc *faultCase)  { fc.n.submit("shop", fc.product, orders.Close{}) }
func prepares(fc *faultCase)     { fc.n.submit(fc.user, fc.product, orders.Prepare{Count: 1}) }

func otherPrepares(fc *faultCase) { fc.n.submit(fc.otherUser(), fc.product, orders.Prepare{Count: 1}) }
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

// notification is what anybody can do: they say that something happened.
func notification(fc *faultCase) { fc.worker.Notify(fc.ref()) }

func sequence(steps ...step) step {
	return func(fc *faultCase) {
		for _, s := range steps {
			s(fc)
		}
	}
}

var scenarios = []scenario{
	{name: "pays right", noRefund: true, order: sequence(pays(price), placesOrder)},
	{name: "pays right, prepared", noRefund: true, before: prepares, order: sequence(pays(price), placesOrder), requirePrepare: true},
	{name: "pays too little", order: sequence(pays(700), placesOrder)},
	{name: "pays too much", order: sequence(pays(1300), placesOrder)},
	{name: "claims too little", order: sequence(pays(700), claimsAmount(700))},
	{name: "pays and is sold out", extraStock: -1, order: sequence(pays(price), placesOrder)},
	{name: "pays what is closed", before: adminCloses, order: sequence(pays(price), placesOrder)},
	{name: "pays another's", noRefund: true, before: otherPrepares, order: sequence(pays(price), placesOrder), late: otherOrders},
	{name: "pays, not prepared", noRefund: true, order: sequence(pays(price), placesOrder), requirePrepare: true},
	{name: "never pays", noRefund: true, order: placesOrder},
	{name: "names it, then pays", noRefund: true, order: placesOrder, then: sequence(pays(price), notification)},
	{name: "cancelled, then orders", noRefund: true, order: sequence(pays(price), cancelsAtConsole(0), placesOrder)},
	{name: "partly cancelled, then orders", order: sequence(pays(price), cancelsAtConsole(400), placesOrder)},
	{name: "cancelled after the verdict", noRefund: true, order: sequence(pays(price), placesOrder), then: cancelsAtConsole(0)},
	{name: "partly cancelled after it", noRefund: true, order: sequence(pays(price), placesOrder), then: cancelsAtConsole(400)},
	{name: "partly, then all of it", noRefund: true, order: sequence(pays(price), placesOrder), then: cancelsAtConsole(400), late: cancelsAtConsole(0)},
	{name: "waits, then pays", noRefund: true, order: sequence(startsPayment("ready"), placesOrder), then: deposits},
	{name: "waits, then pays too late", order: sequence(startsPayment("ready"), placesOrder), after: deposits},
	{name: "waits for ever", noRefund: true, order: sequence(startsPayment("ready"), placesOrder)},
	{name: "fails", noRefund: true, order: sequence(startsPayment("failed"), placesOrder)},
	{name: "fails, then pays after all", order: sequence(startsPayment("failed"), placesOrder), then: succeedsLate},
	{name: "the amount is changed", order: sequence(pays(price), tampers(func(p *fakeportone.Payment) { p.Amount = 900 }), placesOrder)},
	{name: "the amount is changed after it", noRefund: true, order: sequence(pays(price), placesOrder),
		then: sequence(tampers(func(p *fakeportone.Payment) { p.Amount = 900 }), notification)},
	{name: "the currency is changed", order: sequence(pays(price), tampers(func(p *fakeportone.Payment) { p.Currency = "USD" }), placesOrder)},
	{name: "the merchant_uid is changed", noRefund: true, before: prepares, requirePrepare: true,
		order: sequence(pays(price), tampers(func(p *fakeportone.Payment) { p.MerchantUID += "x" }), placesOrder)},
	{name: "test money", order: sequence(pays(price), tampers(func(p *fakeportone.Payment) { p.Test = true }), placesOrder)},
	{name: "the shop cancels", order: sequence(pays(price), placesOrder), then: adminCancels},
	{name: "the shop cancels who waits", order: sequence(startsPayment("ready"), placesOrder), then: adminCancels, late: deposits},
	{name: "the shop cancels, so does the console", order: sequence(pays(price), placesOrder), then: sequence(cancelsAtConsole(400), adminCancels)},
	{name: "goes back later", async: true, order: sequence(pays(700), placesOrder), then: completesCancel(true)},
	{name: "goes back at the second try", async: true, order: sequence(pays(700), placesOrder), then: completesCancel(false), late: completesCancel(true)},
	{name: "goes back in part meanwhile", async: true, order: sequence(pays(700), placesOrder),
		then: sequence(completesCancel(false), cancelsAtConsole(300)), late: completesCancel(true)},
}

// supports says that a scenario can be played with an API: V1 gives money back at once.
func (s scenario) supports(api string) bool { return !s.async || api == "v2" }

// createPayment begins a payment at the fake.
func (fc *faultCase) createPayment(p fakeportone.Payment) {
	p.ImpUID, p.MerchantUID = fc.impUID, fc.merchantUID
	_, err := fc.fake.Create(p)
	fc.noError(err)
}

func (fc *faultCase) orderCommand() orders.Place {
	order := orderCommand(fc.product)
	order.RequirePrepare = fc.requirePrepare
	return order
}

func (fc *faultCase) otherUser() string { return "other-" + fc.user }

// ref is what the API calls the payment.
func (fc *faultCase) ref() string {
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

// handle has the worker do what an event asks for, and again as often as it says, but at once.
func (fc *faultCase) handle(ctx context.Context, e event) {
	for attempt := uint64(1); fc.worker.Handle(ctx, e, attempt) > 0; attempt++ {
	}
}
