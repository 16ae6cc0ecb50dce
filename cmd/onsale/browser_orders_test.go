// Somebody buys on the demo page, in a real browser: what they pay, what somebody else makes them pay, and what breaks in
// between.

package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"onsale/http/portone/fake"
)

func TestBrowser_orders(t *testing.T) {
	browser := startChromium(t)
	for name, test := range map[string]func(*testing.T, context.Context){
		"every way to pay": testPaying, "another amount": testTampered, "reloaded before the order": testReloadedBeforeOrder,
		"killed before the verdict": testKilledBeforeVerdict,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, browser)
		})
	}
}

// appears waits until something is to be seen, on whatever page comes next.
func (page *tab) appears(selector string) {
	page.tb.Helper()
	ctx, cancel := context.WithTimeout(page.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS(selector))); err != nil {
		page.tb.Fatalf("%s does not appear: %v", selector, err)
	}
}

// shops opens the page, when there is something to buy.
func (p *profile) shops(url string) *tab {
	p.tb.Helper()
	page := p.tab()
	page.open(url + "/")
	page.until(`document.querySelector('#units').textContent === '100'`)
	return page
}

// pays goes from the page to the window, and clicks what is to be clicked there.
func (page *tab) pays(button string) {
	page.tb.Helper()
	page.click("#buy")
	page.click(`button[value="` + button + `"]`)
}

const (
	orderSays  = `document.querySelector('#order-state').textContent`
	orderUnits = `document.querySelector('#units').textContent`
	orderList  = `[...document.querySelectorAll('#orders li')].map((li) => li.textContent).join()`
)

func testPaying(t *testing.T, browser context.Context) {
	b := newBox(t, "--demo")
	node := b.startDemo()
	page := newProfile(t, browser).shops(b.url())
	page.run(`document.querySelector('#count').value = '2'; document.querySelector('#count').dispatchEvent(new Event('input'))`)
	page.want(`document.querySelector('#buy').textContent`, "50,000원 결제하기")
	page.pays("paid")
	page.appears(`#orders [data-status="PAID"]`)
	page.appears(`#order-state[data-kind="good"]`)
	page.until(orderSays + ` === '주문이 완료되었습니다. (결제 번호: ' + document.querySelector('#orders li').dataset.impUid + ')'`)
	page.want(`location.search + `+orderUnits, "98")
	page.want(orderList, "결제 완료 2개, 50,000원 ")

	page.pays("ready")
	page.appears(`#orders [data-status="PENDING_PAYMENT"] a`)
	page.open(b.url() + "/") // and is found again
	page.until(orderSays + ` === '입금 대기'`)
	page.click(`#orders [data-status="PENDING_PAYMENT"] a`)
	page.click(`button[value="paid"]`)
	page.appears(`#orders li:nth-child(2)`)
	page.until(orderList + ` === '결제 완료 1개, 25,000원 ,결제 완료 2개, 50,000원 '`)
	page.until(`document.querySelector('#order-state').dataset.kind === 'good'`)

	page.pays("closed")
	page.appears(`#order-state[data-kind="bad"]`)
	page.want(orderSays, "결제하지 않고 돌아왔습니다.")
	page.pays("failed")
	page.appears(`#orders [data-status="FAILED"]`)
	page.until(orderSays + ` === '주문이 완료되지 않았습니다. 결제가 승인되지 않았습니다.'`)
	page.until(orderUnits + ` === '97'`)

	page.open(b.url() + "/?imp_uid=imp_1&merchant_uid=m1&imp_success=true") // a link that somebody sent
	page.until(orderSays + ` === '이 브라우저에서 시작한 결제가 아니어서 주문하지 않았습니다. (결제 번호: imp_1)'`)
	page.click("#language")
	page.until(orderList + ` === 'Failed 1 for ₩25,000 The payment did not go through.,Paid 1 for ₩25,000 ,Paid 2 for ₩50,000 '`)
	page.want(`Object.keys(localStorage).filter((slot) => slot.startsWith('onsale.paid')).length`, 0)

	node.end(t)
	b.args = nil // no demo any more, and nobody to pay
	b.start()
	page.open(b.url() + "/")
	page.click("#language")
	page.click("#buy")
	page.until(orderSays + ` === '결제가 설정되지 않았습니다. (onsale serve --demo)'`)
}

// till is a node, and its payment provider, which lives on when the node dies. A browser finds both at one address.
type till struct {
	*box
	*gate
	life     *life
	provider *fake.Server
	front    string
}

func newTill(t *testing.T) *till {
	t.Helper()
	provider := fake.New()
	outside := httptest.NewServer(provider)
	t.Cleanup(outside.Close)
	b := newBox(t, "--demo", "--payments-provider", "portone", "--payments-url", outside.URL,
		"--payments-key", provider.Key, "--payments-secret", provider.Secret)
	life := b.startDemo()
	g := newGate(t, b.url())
	mux := http.NewServeMux()
	mux.Handle("/fakepay/", http.StripPrefix("/fakepay", provider))
	mux.Handle("/", g.Config.Handler)
	front := httptest.NewServer(mux)
	t.Cleanup(func() {
		g.cut()
		front.CloseClientConnections()
		front.Close()
	})
	return &till{b, g, life, provider, front.URL}
}

// paid wants one payment of this amount at the provider, with so much of it given back.
func (t *till) paid(tb testing.TB, amount, back int64) {
	tb.Helper()
	paid, refunded := t.provider.Sums()
	if n := len(t.provider.Payments()); n != 1 || paid != amount || refunded != back {
		tb.Errorf("%d payments of %d, and %d went back; want one of %d, and %d", n, paid, refunded, amount, back)
	}
	for _, v := range t.provider.Violations() {
		tb.Errorf("the provider complains: %s", v)
	}
}

// The provider was told of no amount beforehand, and somebody pays less than the page asks for. They get their money back.
func testTampered(t *testing.T, browser context.Context) {
	shop := newTill(t)
	if err := shop.provider.Fail("prepare", fake.Fault{Kind: fake.Refuse}, 0); err != nil {
		t.Fatal(err)
	}
	page := newProfile(t, browser).shops(shop.front)
	page.click("#buy")
	page.appears(`button[value="paid"]`)
	page.run(`document.querySelector('[name="amount"]').value = '1000'`)
	page.click(`button[value="paid"]`)
	page.appears(`#orders [data-status="REFUNDED"]`)
	page.until(orderSays + ` === '주문이 완료되지 않아 결제하신 금액이 환불되었습니다. 결제 금액이 주문 금액과 다릅니다.'`)
	page.want(orderList, "환불 완료 1개, 25,000원 결제 금액이 주문 금액과 다릅니다.")
	page.until(orderUnits + ` === '100'`)
	shop.paid(t, 1000, 1000)
}

// The order arrives, and no answer does; then somebody loads the page again. It is the same order.
func testReloadedBeforeOrder(t *testing.T, browser context.Context) {
	shop := newTill(t)
	page := newProfile(t, browser).shops(shop.front)
	page.click("#buy")
	page.appears(`button[value="paid"]`)
	before := len(shop.keys())
	shop.swallow(1000)
	page.click(`button[value="paid"]`)
	shop.wait("it is ordered", func() bool { return len(shop.asked) > before })
	page.open(shop.front + "/")
	shop.swallow(0)
	page.until(`document.querySelector('#order-state').dataset.kind === 'good'`)
	page.until(`document.querySelectorAll('#orders [data-status="PAID"]').length === 1`)
	page.want(`document.querySelectorAll('#orders li').length`, 1)
	page.until(orderUnits + ` === '99'`)
	keys := shop.keys()[before:]
	if want := "order-" + shop.provider.Payments()[0].ImpUID; len(keys) < 2 || keys[0] != want || len(slices.Compact(keys)) != 1 {
		t.Errorf("ordered with the keys %q, want %s several times", keys, want)
	}
	shop.paid(t, 25_000, 0)
}

// The node dies when it has accepted the order and not heard of the payment. The page hears the verdict from the next one.
func testKilledBeforeVerdict(t *testing.T, browser context.Context) {
	shop := newTill(t)
	if err := shop.provider.Fail("get", fake.Fault{Kind: fake.Error}, 0); err != nil {
		t.Fatal(err)
	}
	page := newProfile(t, browser).shops(shop.front)
	page.pays("paid")
	page.appears(`#orders [data-status="VERIFYING"]`)
	page.until(orderSays + ` === '결제를 확인하는 중…'`)
	page.run(`window.stayed = true`)
	shop.life.kill()
	shop.provider.Behave()
	node := shop.start()
	page.until(`document.querySelector('#order-state').dataset.kind === 'good'`)
	page.until(orderList + ` === '결제 완료 1개, 25,000원 '`)
	page.until(orderUnits + ` === '99'`)
	page.want(`window.stayed`, true)
	shop.paid(t, 25_000, 0)
	node.end(t)
	shop.audit()
}
