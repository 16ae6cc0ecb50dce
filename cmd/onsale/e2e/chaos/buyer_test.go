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
	coupons      []ownedCoupon
	seatOrders   []string // imp_uids of orders on holds
}

// buyerActions are what a buyer does with a basket, and how often.
var buyerActions = []struct {
	weight int
	do     func(*buyer, basket)
}{
	{50, (*buyer).pay},
	{6, (*buyer).underpay},
	{6, (*buyer).orderWrongAmount},
	{6, (*buyer).orderBeforePaying},
	{7, (*buyer).payByTransfer},
	{3, (*buyer).orderUnknownPayment},
	{5, (*buyer).orderFailedPayment},
	{8, (*buyer).payPrepared},
	{6, (*buyer).payPreparedAndLeave},
	{5, (*buyer).racePrepared},
	{4, (*buyer).raceUnprepared},
	{5, (*buyer).cancelAtConsole},
	{8, (*buyer).cancelByAdmin},
	{4, (*buyer).payAgain},
	{4, (*buyer).payLate},
	{3, (*buyer).leave},
	{1, (*buyer).loseSeats},
}

// act does something with a basket. One that costs nothing is ordered without a payment.
func (b *buyer) act() {
	if b.rng.IntN(10) == 0 {
		b.cancelReservation()
		return
	}
	want := b.chooseBasket()
	if want.amount == 0 {
		b.placeFree(want)
		return
	}
	sum := 0
	for _, h := range buyerActions {
		sum += h.weight
	}
	at := b.rng.IntN(sum)
	for _, h := range buyerActions {
		if at -= h.weight; at < 0 {
			h.do(b, want)
			return
		}
	}
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

func (b *buyer) pay(want basket) {
	b.placeOrder(b.startPayment(fakeportone.Payment{Amount: want.amount}), want)
}

func (b *buyer) underpay(want basket) {
	b.placeOrder(b.startPayment(fakeportone.Payment{Amount: want.amount - 100}), want)
}

func (b *buyer) orderWrongAmount(want basket) {
	want.amount -= 100
	b.placeOrder(b.startPayment(fakeportone.Payment{Amount: want.amount}), want)
}

// orderBeforePaying orders first; the payment is made, or fails, later.
func (b *buyer) orderBeforePaying(want basket) {
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
func (b *buyer) payByTransfer(want basket) {
	impUID := b.startPayment(fakeportone.Payment{Amount: want.amount, Status: "ready", Method: "vbank"})
	b.placeOrder(impUID, want)
	if b.rng.IntN(4) > 0 {
		b.doLater(b.workload.paymentTimeout*3/2, func() { b.checkProvider(b.workload.provider.Deposit(impUID)) })
	}
}

func (b *buyer) orderUnknownPayment(want basket) {
	b.paymentCount++
	b.placeOrder(fmt.Sprintf("imp_invented_%s_%d", b.User, b.paymentCount), want)
}

// orderFailedPayment orders with a failed payment, which may succeed later.
func (b *buyer) orderFailedPayment(want basket) {
	impUID := b.startPayment(fakeportone.Payment{Amount: want.amount, Status: "failed"})
	b.placeOrder(impUID, want)
	if b.rng.IntN(2) == 0 {
		b.doLater(2*time.Second, func() { b.checkProvider(b.workload.provider.SucceedLate(impUID)) })
	}
}

// preparePayment prepares an order and pays it as prepared; false: it is sold out or closed, or the hold or the coupon is gone.
func (b *buyer) preparePayment(want basket) (impUID string, ok bool) {
	a, ok := b.execute(b.workload.ctx, "/api/v1/orders/prepare", want.body())
	if !ok {
		return "", false
	}
	var prepared struct {
		MerchantUID                  string `json:"merchant_uid"`
		Amount, ListAmount, Discount int64
	}
	err := json.Unmarshal(a.response.Result, &prepared)
	if err != nil || prepared.Amount != want.amount || prepared.ListAmount != want.list || prepared.Discount != want.list-want.amount {
		b.t.Errorf("%s: %v, want %+v", a.response.Result, err, want)
	}
	return b.startPayment(fakeportone.Payment{MerchantUID: prepared.MerchantUID, Amount: want.amount}), true
}

func (b *buyer) payPrepared(want basket) {
	if impUID, ok := b.preparePayment(want); ok {
		b.placeOrder(impUID, want)
	}
}

// racePrepared: another user orders with a prepared payment at the same time. In any order it becomes the buyer's, who repeats the
// order until the other one's has failed.
func (b *buyer) racePrepared(want basket) {
	impUID, ok := b.preparePayment(want)
	if !ok {
		return
	}
	var group sync.WaitGroup
	group.Go(func() { b.workload.placeOrder(b.other, impUID, want, true) })
	b.rememberOrder(impUID, want)
	delay := 50 * time.Millisecond
	for b.workload.placeOrder(b.chaosUser, impUID, want, true) == "payment_already_used" && harness.Sleep(b.workload.ctx, delay) {
		delay = min(2*delay, 5*time.Second)
	}
	group.Wait()
}

// raceUnprepared: an unprepared payment belongs to the user who orders with it first.
func (b *buyer) raceUnprepared(want basket) {
	impUID := b.startPayment(fakeportone.Payment{Amount: want.amount})
	var group sync.WaitGroup
	group.Go(func() { b.workload.placeOrder(b.other, impUID, want, true) })
	b.workload.placeOrder(b.chaosUser, impUID, want, true)
	group.Wait()
}

// cancelAtConsole refunds a part before the order, or everything at some time, at the provider's console.
func (b *buyer) cancelAtConsole(want basket) {
	impUID := b.startPayment(fakeportone.Payment{Amount: want.amount})
	if b.rng.IntN(3) == 0 {
		b.checkProvider(b.workload.provider.CancelAtConsole(impUID, 1000))
	} else {
		b.workload.markConsole(impUID)
		b.doLater(2*time.Second, func() { // onsale may have done it before
			_ = b.workload.provider.CancelAtConsole(impUID, 0)
		})
	}
	b.placeOrder(impUID, want)
}

// cancelByAdmin has an admin cancel the order soon, in whole or in part.
func (b *buyer) cancelByAdmin(want basket) {
	impUID := b.startPayment(fakeportone.Payment{Amount: want.amount})
	b.placeOrder(impUID, want)
	body := map[string]any{"reason": "cancelled by the test"}
	if percent := harness.Pick(b.rng, -1, 0, 33, 50, 100); percent >= 0 {
		body["percent"] = percent
	}
	b.doLater(time.Second, func() {
		b.workload.adminCommands <- adminCommand{"/api/v1/admin/orders/" + impUID + "/cancel", body}
	})
}
