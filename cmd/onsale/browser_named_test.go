// Somebody names a payment in an order of theirs before the one who pays comes back from the window.

package main

import (
	"context"
	"slices"
	"testing"

	"onsale/http/portone/fake"
)

func TestBrowser_namedBefore(t *testing.T) {
	browser := startChromium(t)
	for name, test := range map[string]func(*testing.T, context.Context){
		"by another": testNamedByAnother, "by themselves": testOrderedElsewhere,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, browser)
		})
	}
}

const named = "imp_named"

// named has this user order what the buyer pays, while the provider answers nobody; then the buyer comes back from the window.
func (t *till) named(page *tab, user string) {
	page.tb.Helper()
	if err := t.provider.Fail("get", fake.Fault{Kind: fake.Error}, 0); err != nil {
		page.tb.Fatal(err)
	}
	if user == "" {
		page.value(`document.querySelector('#user').value`, &user)
	}
	page.click("#buy")
	page.appears(`button[value="paid"]`)
	var merchantUID string
	page.value(`new URLSearchParams(location.search).get('merchant_uid')`, &merchantUID)
	if _, err := t.provider.Create(fake.Payment{ImpUID: named, MerchantUID: merchantUID, Amount: 25_000, Status: "paid"}); err != nil {
		page.tb.Fatal(err)
	}
	order := `{"imp_uid":"` + named + `","salePostId":"demo","count":1,"amount":25000}`
	if status, _ := send(page.ctx, t.front, user, "/api/v1/orders", order); status/100 != 2 {
		page.tb.Fatal("the order of ", user, " is answered ", status)
	}
	page.open(t.front + "/?imp_uid=" + named + "&merchant_uid=" + merchantUID)
}

// Their order fails when the provider is asked, and with another key the order is that of who paid.
func testNamedByAnother(t *testing.T, browser context.Context) {
	shop := newTill(t)
	page := newProfile(t, browser).shops(shop.front)
	shop.named(page, "mallory")
	key := "order-" + named
	shop.wait("it is ordered twice", func() bool { return slices.Contains(shop.asked, key+".1") })
	page.want(`document.querySelector('#order-state').dataset.kind`, "wait")
	shop.provider.Behave()
	page.appears(`#orders [data-status="PAID"]`)
	page.until(`document.querySelector('#order-state').dataset.kind === 'good'`)
	page.want(`Object.keys(localStorage).filter((slot) => slot.startsWith('onsale.paid')).length`, 0)
	t.Log(shop.keys())
	shop.paid(t, 25_000, 0)
}

func testOrderedElsewhere(t *testing.T, browser context.Context) {
	shop := newTill(t)
	page := newProfile(t, browser).shops(shop.front)
	shop.named(page, "")
	page.until(orderSays + ` === '결제를 확인하는 중…'`)
	shop.provider.Behave()
	page.until(`document.querySelector('#order-state').dataset.kind === 'good'`)
	page.until(orderUnits + ` === '99'`)
	if slices.Contains(shop.keys(), "order-"+named+".1") {
		t.Errorf("it was ordered again: %q", shop.keys())
	}
	shop.paid(t, 25_000, 0)
}
