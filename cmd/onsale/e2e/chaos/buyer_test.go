package chaos

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"onsale/cmd/onsale/e2e/harness"
	"onsale/http/payments/portone/fakeportone"
)

// buyer is a user who buys, and another one who tries to use the buyer's payments.
type buyer struct {
	*chaosUser
	other        *chaosUser
	workload     *orderWorkload
	paymentCount int
}

// buyerActions are a buyer's actions and their frequencies.
var buyerActions = []struct {
	weight int
	do     func(*buyer)
}{
	{50, (*buyer).pay},
	{6, (*buyer).underpay},
	{6, (*buyer).orderWrongAmount},
	{6, (*buyer).orderBeforePaying},
	{7, (*buyer).payByTransfer},
	{3, (*buyer).orderUnknownPayment},
	{5, (*buyer).orderFailedPayment},
	{8, (*buyer).payPrepared},
	{5, (*buyer).racePrepared},
	{4, (*buyer).raceUnprepared},
	{5, (*buyer).cancelAtConsole},
	{5, (*buyer).cancelByAdmin},
}

func (b *buyer) act() {
	sum := 0
	for _, h := range buyerActions {
		sum += h.weight
	}
	at := b.rng.IntN(sum)
	for _, h := range buyerActions {
		if at -= h.weight; at < 0 {
			h.do(b)
			return
		}
	}
}

// basket is a purchase and its price.
type basket struct {
	product string
	count   int
	amount  int64
}

func (b *buyer) chooseBasket() basket {
	product := harness.Pick(b.rng, "tee", "tee", "tee", "tee", "tee", "tee", "tee", "lamp", "lamp", "print")
	count := 1 + b.rng.IntN(3)
	return basket{product, count, prices[product] * int64(count)}
}

// startPayment creates a payment at the provider, and returns its imp_uid.
func (b *buyer) startPayment(p fakeportone.Payment) string {
	if p.MerchantUID == "" {
		b.paymentCount++
		p.MerchantUID = fmt.Sprintf("%s-%d", b.User, b.paymentCount)
	}
	made, err := b.workload.provider.Create(p)
	b.checkProvider(err)
	return made.ImpUID
}

// checkProvider reports an error of the provider.
func (b *buyer) checkProvider(err error) {
	if err != nil {
		b.t.Errorf("%s: %v", b.User, err)
	}
}

// doLater does something within d, in the background.
func (b *buyer) doLater(d time.Duration, do func()) {
	wait := harness.RandomDuration(b.rng, d)
	b.workload.delayed.Go(func() {
		if harness.Sleep(b.workload.ctx, wait) {
			do()
		}
	})
}

func (b *buyer) pay() {
	want := b.chooseBasket()
	b.placeOrder(b.startPayment(fakeportone.Payment{Amount: want.amount}), want)
}

func (b *buyer) underpay() {
	want := b.chooseBasket()
	b.placeOrder(b.startPayment(fakeportone.Payment{Amount: want.amount - 100}), want)
}

func (b *buyer) orderWrongAmount() {
	want := b.chooseBasket()
	want.amount -= 100
	b.placeOrder(b.startPayment(fakeportone.Payment{Amount: want.amount}), want)
}

// orderBeforePaying orders first; the payment is made, or fails, later.
func (b *buyer) orderBeforePaying() {
	want := b.chooseBasket()
	b.paymentCount++
	impUID := fmt.Sprintf("imp_%s_%d", b.User, b.paymentCount)
	b.placeOrder(impUID, want)
	status := harness.Pick(b.rng, "paid", "paid", "failed")
	b.doLater(b.workload.paymentTimeout*3/2, func() {
		_, err := b.workload.provider.Create(fakeportone.Payment{ImpUID: impUID, MerchantUID: impUID, Amount: want.amount, Status: status})
		b.checkProvider(err)
	})
}

// payByTransfer pays into a virtual account: in time, too late, or never.
func (b *buyer) payByTransfer() {
	want := b.chooseBasket()
	impUID := b.startPayment(fakeportone.Payment{Amount: want.amount, Status: "ready", Method: "vbank"})
	b.placeOrder(impUID, want)
	if b.rng.IntN(4) > 0 {
		b.doLater(b.workload.paymentTimeout*3/2, func() { b.checkProvider(b.workload.provider.Deposit(impUID)) })
	}
}

func (b *buyer) orderUnknownPayment() {
	b.paymentCount++
	b.placeOrder(fmt.Sprintf("imp_invented_%s_%d", b.User, b.paymentCount), b.chooseBasket())
}

// orderFailedPayment orders with a failed payment, which may succeed later.
func (b *buyer) orderFailedPayment() {
	want := b.chooseBasket()
	impUID := b.startPayment(fakeportone.Payment{Amount: want.amount, Status: "failed"})
	b.placeOrder(impUID, want)
	if b.rng.IntN(2) == 0 {
		b.doLater(2*time.Second, func() { b.checkProvider(b.workload.provider.SucceedLate(impUID)) })
	}
}

// preparePayment prepares an order and pays it as prepared; false: it is sold out or closed.
func (b *buyer) preparePayment(want basket) (impUID string, ok bool) {
	a, ok := b.execute(b.workload.ctx, "/api/v1/orders/prepare", map[string]any{"salePostId": want.product, "count": want.count})
	if !ok {
		return "", false
	}
	var prepared struct {
		MerchantUID string `json:"merchant_uid"`
		Amount      int64
	}
	if err := json.Unmarshal(a.response.Result, &prepared); err != nil || prepared.Amount != want.amount {
		b.t.Errorf("%s: %v, want %d", a.response.Result, err, want.amount)
	}
	return b.startPayment(fakeportone.Payment{MerchantUID: prepared.MerchantUID, Amount: want.amount}), true
}

func (b *buyer) payPrepared() {
	want := b.chooseBasket()
	if impUID, ok := b.preparePayment(want); ok {
		b.placeOrder(impUID, want)
	}
}

// racePrepared: another user orders with a prepared payment at the same time. In any order it becomes the buyer's, who repeats the
// order until the other one's has failed.
func (b *buyer) racePrepared() {
	want := b.chooseBasket()
	impUID, ok := b.preparePayment(want)
	if !ok {
		return
	}
	var group sync.WaitGroup
	group.Go(func() { b.workload.placeOrder(b.other, impUID, want, true) })
	delay := 50 * time.Millisecond
	for b.workload.placeOrder(b.chaosUser, impUID, want, true) == "payment_already_used" && harness.Sleep(b.workload.ctx, delay) {
		delay = min(2*delay, 5*time.Second)
	}
	group.Wait()
}

// raceUnprepared: an unprepared payment belongs to the user who orders with it first.
func (b *buyer) raceUnprepared() {
	want := b.chooseBasket()
	impUID := b.startPayment(fakeportone.Payment{Amount: want.amount})
	var group sync.WaitGroup
	group.Go(func() { b.workload.placeOrder(b.other, impUID, want, true) })
	b.workload.placeOrder(b.chaosUser, impUID, want, true)
	group.Wait()
}

// cancelAtConsole refunds a part before the order, or everything at some time, at the provider's console.
func (b *buyer) cancelAtConsole() {
	want := b.chooseBasket()
	impUID := b.startPayment(fakeportone.Payment{Amount: want.amount})
	if b.rng.IntN(3) == 0 {
		b.checkProvider(b.workload.provider.CancelAtConsole(impUID, 1000))
	} else {
		b.doLater(2*time.Second, func() { // onsale may have done it before
			_ = b.workload.provider.CancelAtConsole(impUID, 0)
		})
	}
	b.placeOrder(impUID, want)
}

func (b *buyer) cancelByAdmin() {
	want := b.chooseBasket()
	impUID := b.startPayment(fakeportone.Payment{Amount: want.amount})
	b.placeOrder(impUID, want)
	b.doLater(time.Second, func() { b.workload.adminPaths <- "/api/v1/admin/orders/" + impUID + "/cancel" })
}
