// What people do with their money and their orders: mostly what they should.

package main

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"onsale/http/portone/fake"
)

// buyer is one who buys, and another who gets at their payments.
type buyer struct {
	*person
	other  *person
	market *market
	bought int
}

// habits are what a buyer may do, and how often.
var habits = []struct {
	weight int
	do     func(*buyer)
}{
	{50, (*buyer).pays},
	{6, (*buyer).paysTooLittle},
	{6, (*buyer).believesAnotherPrice},
	{6, (*buyer).ordersFirst},
	{7, (*buyer).transfersLater},
	{3, (*buyer).inventsAPayment},
	{5, (*buyer).isRefused},
	{8, (*buyer).prepares},
	{5, (*buyer).isRobbed},
	{4, (*buyer).sharesAPayment},
	{5, (*buyer).cancelsAtTheConsole},
	{5, (*buyer).isCancelledByTheShop},
}

func (b *buyer) buys() {
	sum := 0
	for _, h := range habits {
		sum += h.weight
	}
	at := b.dice.IntN(sum)
	for _, h := range habits {
		if at -= h.weight; at < 0 {
			h.do(b)
			return
		}
	}
}

// basket is what is wanted, and what it costs.
type basket struct {
	product string
	count   int
	amount  int64
}

func (b *buyer) chooses() basket {
	product := pick(b.dice, "tee", "tee", "tee", "tee", "tee", "tee", "tee", "lamp", "lamp", "print")
	count := 1 + b.dice.IntN(3)
	return basket{product, count, price[product] * int64(count)}
}

// begins begins a payment at the provider, and gives its imp_uid.
func (b *buyer) begins(p fake.Payment) string {
	if p.MerchantUID == "" {
		b.bought++
		p.MerchantUID = fmt.Sprintf("%s-%d", b.User, b.bought)
	}
	made, err := b.market.provider.Create(p)
	b.happens(err)
	return made.ImpUID
}

// happens is for what the provider has done.
func (b *buyer) happens(err error) {
	if err != nil {
		b.t.Errorf("%s: %v", b.User, err)
	}
}

// afterwards does something within d, whether or not the buyer is still there.
func (b *buyer) afterwards(d time.Duration, do func()) {
	wait := some(b.dice, d)
	b.market.later.Go(func() {
		if pause(b.market.ctx, wait) {
			do()
		}
	})
}

func (b *buyer) pays() {
	want := b.chooses()
	b.orders(b.begins(fake.Payment{Amount: want.amount}), want)
}

func (b *buyer) paysTooLittle() {
	want := b.chooses()
	b.orders(b.begins(fake.Payment{Amount: want.amount - 100}), want)
}

func (b *buyer) believesAnotherPrice() {
	want := b.chooses()
	want.amount -= 100
	b.orders(b.begins(fake.Payment{Amount: want.amount}), want)
}

// ordersFirst pays, or fails to, what is ordered already.
func (b *buyer) ordersFirst() {
	want := b.chooses()
	b.bought++
	impUID := fmt.Sprintf("imp_%s_%d", b.User, b.bought)
	b.orders(impUID, want)
	status := pick(b.dice, "paid", "paid", "failed")
	b.afterwards(b.market.payBy*3/2, func() {
		_, err := b.market.provider.Create(fake.Payment{ImpUID: impUID, MerchantUID: impUID, Amount: want.amount, Status: status})
		b.happens(err)
	})
}

// transfersLater pays into a virtual account: in time, too late, or never.
func (b *buyer) transfersLater() {
	want := b.chooses()
	impUID := b.begins(fake.Payment{Amount: want.amount, Status: "ready", Method: "vbank"})
	b.orders(impUID, want)
	if b.dice.IntN(4) > 0 {
		b.afterwards(b.market.payBy*3/2, func() { b.happens(b.market.provider.Deposit(impUID)) })
	}
}

func (b *buyer) inventsAPayment() {
	b.bought++
	b.orders(fmt.Sprintf("imp_invented_%s_%d", b.User, b.bought), b.chooses())
}

// isRefused by the bank, which may think better of it.
func (b *buyer) isRefused() {
	want := b.chooses()
	impUID := b.begins(fake.Payment{Amount: want.amount, Status: "failed"})
	b.orders(impUID, want)
	if b.dice.IntN(2) == 0 {
		b.afterwards(2*time.Second, func() { b.happens(b.market.provider.SucceedLate(impUID)) })
	}
}

// prepare is a payment that is prepared, and made as it was prepared; false when there is nothing to pay for any more.
func (b *buyer) prepare(want basket) (impUID string, ok bool) {
	a, ok := b.wish(b.market.ctx, "/api/v1/orders/prepare", map[string]any{"salePostId": want.product, "count": want.count})
	if !ok {
		return "", false
	}
	var prepared struct {
		MerchantUID string `json:"merchant_uid"`
		Amount      int64
	}
	if err := json.Unmarshal(a.answer.Result, &prepared); err != nil || prepared.Amount != want.amount {
		b.t.Errorf("%s: %v, want %d", a.answer.Result, err, want.amount)
	}
	return b.begins(fake.Payment{MerchantUID: prepared.MerchantUID, Amount: want.amount}), true
}

func (b *buyer) prepares() {
	want := b.chooses()
	if impUID, ok := b.prepare(want); ok {
		b.orders(impUID, want)
	}
}

// isRobbed of a payment that was prepared: another names it at the same time. Whoever was faster, in the end it is the
// buyer's, who asks until the other has been told that it is not theirs.
func (b *buyer) isRobbed() {
	want := b.chooses()
	impUID, ok := b.prepare(want)
	if !ok {
		return
	}
	var robbing sync.WaitGroup
	robbing.Go(func() { b.market.place(b.other, impUID, want, true) })
	wait := 50 * time.Millisecond
	for b.market.place(b.person, impUID, want, true) == "payment_already_used" && pause(b.market.ctx, wait) {
		wait = min(2*wait, 5*time.Second)
	}
	robbing.Wait()
}

// sharesAPayment that was not prepared: it is of whoever names it first.
func (b *buyer) sharesAPayment() {
	want := b.chooses()
	impUID := b.begins(fake.Payment{Amount: want.amount})
	var sharing sync.WaitGroup
	sharing.Go(func() { b.market.place(b.other, impUID, want, true) })
	b.market.place(b.person, impUID, want, true)
	sharing.Wait()
}

// cancelsAtTheConsole a part before it is ordered, or everything at any time.
func (b *buyer) cancelsAtTheConsole() {
	want := b.chooses()
	impUID := b.begins(fake.Payment{Amount: want.amount})
	if b.dice.IntN(3) == 0 {
		b.happens(b.market.provider.CancelAtConsole(impUID, 1000))
	} else {
		b.afterwards(2*time.Second, func() { // onsale may have done it before
			_ = b.market.provider.CancelAtConsole(impUID, 0)
		})
	}
	b.orders(impUID, want)
}

func (b *buyer) isCancelledByTheShop() {
	want := b.chooses()
	impUID := b.begins(fake.Payment{Amount: want.amount})
	b.orders(impUID, want)
	b.afterwards(time.Second, func() { b.market.clerk <- "/api/v1/admin/orders/" + impUID + "/cancel" })
}
