// What people do with one payment and one order of it.
package payments_test

import (
	"context"

	"onsale/domain/orders"
	"onsale/http/portone/fake"
)

// scenario is a story in acts. Each act is over when everybody has done what they can without the clock; a minute lies
// behind the third, all the time there is to pay behind the fourth.
type scenario struct {
	name   string
	units  int  // that the product has, less one
	async  bool // V2 gives money back later
	bound  bool // payments must have been prepared
	keeps  bool // we give nothing back
	before act
	order  act // the payment, and the order
	then   act
	late   act // after a minute
	after  act // after the time to pay
}

type act func(*trial)

// acts are what happens in order; nil is nothing.
func (s scenario) acts() []act { return []act{s.before, s.order, s.then, s.late, s.after} }

func pays(amount int64) act {
	return func(t *trial) { t.create(fake.Payment{Amount: amount}) }
}

func begins(status string) act {
	return func(t *trial) { t.create(fake.Payment{Amount: price, Status: status, Method: "vbank"}) }
}

func orders1(t *trial) { t.n.put(t.user, t.ref(), t.place()) }

func claims(amount int64) act {
	return func(t *trial) {
		order := t.place()
		order.Amount = amount
		t.n.put(t.user, t.ref(), order)
	}
}

func deposits(t *trial)     { t.done(t.fake.Deposit(t.impUID)) }
func succeedsLate(t *trial) { t.done(t.fake.SucceedLate(t.impUID)) }
func shopCancels(t *trial)  { t.n.put("shop", t.ref(), orders.Cancel{Reason: "broken"}) }
func shopCloses(t *trial)   { t.n.put("shop", t.product, orders.Close{}) }
func prepares(t *trial)     { t.n.put(t.user, t.product, orders.Prepare{Count: 1}) }

func otherPrepares(t *trial) { t.n.put(t.other(), t.product, orders.Prepare{Count: 1}) }
func otherOrders(t *trial)   { t.n.put(t.other(), t.ref(), t.place()) }

func console(amount int64) act {
	return func(t *trial) { t.done(t.fake.CancelAtConsole(t.impUID, amount)) }
}

func settles(well bool) act {
	return func(t *trial) { t.done(t.fake.Settle(t.impUID, well)) }
}

func tampers(do func(*fake.Payment)) act {
	return func(t *trial) { t.done(t.fake.Tamper(t.impUID, do)) }
}

// hint is what anybody can do: they say that something happened.
func hint(t *trial) { t.worker.Look(t.ref()) }

func all(acts ...act) act {
	return func(t *trial) {
		for _, a := range acts {
			a(t)
		}
	}
}

var scenarios = []scenario{
	{name: "pays right", keeps: true, order: all(pays(price), orders1)},
	{name: "pays right, prepared", keeps: true, before: prepares, order: all(pays(price), orders1), bound: true},
	{name: "pays too little", order: all(pays(700), orders1)},
	{name: "pays too much", order: all(pays(1300), orders1)},
	{name: "claims too little", order: all(pays(700), claims(700))},
	{name: "pays and is sold out", units: -1, order: all(pays(price), orders1)},
	{name: "pays what is closed", before: shopCloses, order: all(pays(price), orders1)},
	{name: "pays another's", keeps: true, before: otherPrepares, order: all(pays(price), orders1), late: otherOrders},
	{name: "pays, not prepared", keeps: true, order: all(pays(price), orders1), bound: true},
	{name: "never pays", keeps: true, order: orders1},
	{name: "names it, then pays", keeps: true, order: orders1, then: all(pays(price), hint)},
	{name: "cancelled, then orders", keeps: true, order: all(pays(price), console(0), orders1)},
	{name: "partly cancelled, then orders", order: all(pays(price), console(400), orders1)},
	{name: "cancelled after the verdict", keeps: true, order: all(pays(price), orders1), then: console(0)},
	{name: "partly cancelled after it", keeps: true, order: all(pays(price), orders1), then: console(400)},
	{name: "partly, then all of it", keeps: true, order: all(pays(price), orders1), then: console(400), late: console(0)},
	{name: "waits, then pays", keeps: true, order: all(begins("ready"), orders1), then: deposits},
	{name: "waits, then pays too late", order: all(begins("ready"), orders1), after: deposits},
	{name: "waits for ever", keeps: true, order: all(begins("ready"), orders1)},
	{name: "fails", keeps: true, order: all(begins("failed"), orders1)},
	{name: "fails, then pays after all", order: all(begins("failed"), orders1), then: succeedsLate},
	{name: "the amount is changed", order: all(pays(price), tampers(func(p *fake.Payment) { p.Amount = 900 }), orders1)},
	{name: "the amount is changed after it", keeps: true, order: all(pays(price), orders1),
		then: all(tampers(func(p *fake.Payment) { p.Amount = 900 }), hint)},
	{name: "the currency is changed", order: all(pays(price), tampers(func(p *fake.Payment) { p.Currency = "USD" }), orders1)},
	{name: "the merchant_uid is changed", keeps: true, before: prepares, bound: true,
		order: all(pays(price), tampers(func(p *fake.Payment) { p.MerchantUID += "x" }), orders1)},
	{name: "test money", order: all(pays(price), tampers(func(p *fake.Payment) { p.Test = true }), orders1)},
	{name: "the shop cancels", order: all(pays(price), orders1), then: shopCancels},
	{name: "the shop cancels who waits", order: all(begins("ready"), orders1), then: shopCancels, late: deposits},
	{name: "the shop cancels, so does the console", order: all(pays(price), orders1), then: all(console(400), shopCancels)},
	{name: "goes back later", async: true, order: all(pays(700), orders1), then: settles(true)},
	{name: "goes back at the second try", async: true, order: all(pays(700), orders1), then: settles(false), late: settles(true)},
	{name: "goes back in part meanwhile", async: true, order: all(pays(700), orders1),
		then: all(settles(false), console(300)), late: settles(true)},
}

// fits says that a scenario can be played with an API: V1 gives money back at once.
func (s scenario) fits(api string) bool { return !s.async || api == "v2" }

// create begins a payment at the fake.
func (t *trial) create(p fake.Payment) {
	p.ImpUID, p.MerchantUID = t.impUID, t.merchantUID
	_, err := t.fake.Create(p)
	t.done(err)
}

func (t *trial) place() orders.Place {
	order := place(t.product)
	order.RequirePrepare = t.bound
	return order
}

func (t *trial) other() string { return "other-" + t.user }

// ref is what the API calls the payment.
func (t *trial) ref() string {
	if t.api == "v1" {
		return t.impUID
	}
	return t.merchantUID
}

func (t *trial) done(err error) {
	if err != nil {
		t.n.tb.Errorf("%s: %v", t, err)
	}
}

// do has the worker do what an event asks for, and again as often as it says, but at once.
func (t *trial) do(ctx context.Context, e told) {
	for given := uint64(1); t.worker.Do(ctx, e, given) > 0; given++ {
	}
}
