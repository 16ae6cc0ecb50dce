// Somebody buys on the demo page, in a real browser: what they pay, what somebody else makes them pay, and what breaks in
// between.

package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"onsale/http/payments/portone/fakeportone"

	"onsale/cmd/onsale/e2e/harness"
)

func TestBrowser_Orders(t *testing.T) {
	browser := startChromium(t)
	for name, test := range map[string]func(*testing.T, context.Context){
		"every way to pay": testPaymentMethods, "another amount": testTamperedAmount, "reloaded before the order": testReloadedBeforeOrder,
		"killed before the verdict": testKilledBeforeResult,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, browser)
		})
	}
}

// waitVisible waits until something is to be seen, on whatever page comes next.
func (page *tab) waitVisible(selector string) {
	page.tb.Helper()
	ctx, cancel := context.WithTimeout(page.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS(selector))); err != nil {
		page.tb.Fatalf("%s does not appear: %v", selector, err)
	}
}

// openShop opens the page, when there is something to buy.
func (p *profile) openShop(url string) *tab {
	p.tb.Helper()
	page := p.tab()
	page.open(url + "/")
	page.waitFor(`document.querySelector('#units').textContent === '100'`)
	return page
}

// payWith goes from the page to the window, and clicks what is to be clicked there.
func (page *tab) payWith(button string) {
	page.tb.Helper()
	page.click("#buy")
	page.click(`button[value="` + button + `"]`)
}

const (
	orderText  = `document.querySelector('#order-state').textContent`
	orderUnits = `document.querySelector('#units').textContent`
	orderList  = `[...document.querySelectorAll('#orders li')].map((li) => li.textContent).join()`
)

func testPaymentMethods(t *testing.T, browser context.Context) {
	b := harness.NewNode(t, "--demo")
	node := b.StartDemo()
	page := newProfile(t, browser).openShop(b.URL())
	page.run(`document.querySelector('#count').value = '2'; document.querySelector('#count').dispatchEvent(new Event('input'))`)
	page.want(`document.querySelector('#buy').textContent`, "50,000원 결제하기")
	page.payWith("paid")
	page.waitVisible(`#orders [data-status="PAID"]`)
	page.waitVisible(`#order-state[data-kind="good"]`)
	page.waitFor(orderText + ` === '주문이 완료되었습니다. (결제 번호: ' + document.querySelector('#orders li').dataset.impUid + ')'`)
	page.want(`location.search + `+orderUnits, "98")
	page.want(orderList, "결제 완료 2개, 50,000원 ")

	page.payWith("ready")
	page.waitVisible(`#orders [data-status="PENDING_PAYMENT"] a`)
	page.open(b.URL() + "/") // and is found again
	page.waitFor(orderText + ` === '입금 대기'`)
	page.click(`#orders [data-status="PENDING_PAYMENT"] a`)
	page.click(`button[value="paid"]`)
	page.waitVisible(`#orders li:nth-child(2)`)
	page.waitFor(orderList + ` === '결제 완료 1개, 25,000원 ,결제 완료 2개, 50,000원 '`)
	page.waitFor(`document.querySelector('#order-state').dataset.kind === 'good'`)

	page.payWith("closed")
	page.waitVisible(`#order-state[data-kind="bad"]`)
	page.want(orderText, "결제하지 않고 돌아왔습니다.")
	page.payWith("failed")
	page.waitVisible(`#orders [data-status="FAILED"]`)
	page.waitFor(orderText + ` === '주문이 완료되지 않았습니다. 결제가 승인되지 않았습니다.'`)
	page.waitFor(orderUnits + ` === '97'`)

	page.open(b.URL() + "/?imp_uid=imp_1&merchant_uid=m1&imp_success=true") // a link that somebody sent
	page.waitFor(orderText + ` === '이 브라우저에서 시작한 결제가 아니어서 주문하지 않았습니다. (결제 번호: imp_1)'`)
	page.click("#language")
	page.waitFor(orderList + ` === 'Failed 1 for ₩25,000 The payment did not go through.,Paid 1 for ₩25,000 ,Paid 2 for ₩50,000 '`)
	page.want(`Object.keys(localStorage).filter((slot) => slot.startsWith('onsale.paid')).length`, 0)

	node.Terminate(t)
	b.Args = nil // no demo any more, and nobody to pay
	b.Start()
	page.open(b.URL() + "/")
	page.click("#language")
	page.click("#buy")
	page.waitFor(orderText + ` === '결제가 설정되지 않았습니다. (onsale serve --demo)'`)
}

// paymentFixture is a node, and its payment provider, which lives on when the node dies. A browser finds both at one address.
type paymentFixture struct {
	*harness.Node
	*flakyProxy
	process  *harness.Process
	provider *fakeportone.Server
	frontURL string
}

func newPaymentFixture(t *testing.T) *paymentFixture {
	t.Helper()
	provider := fakeportone.New()
	providerServer := httptest.NewServer(provider)
	t.Cleanup(providerServer.Close)
	b := harness.NewNode(t, "--demo", "--payments-provider", "portone", "--payments-url", providerServer.URL,
		"--payments-key", provider.Key, "--payments-secret", provider.Secret)
	life := b.StartDemo()
	g := newFlakyProxy(t, b.URL())
	mux := http.NewServeMux()
	mux.Handle("/fakepay/", http.StripPrefix("/fakepay", provider))
	mux.Handle("/", g.Config.Handler)
	front := httptest.NewServer(mux)
	t.Cleanup(func() {
		g.cutStreams()
		front.CloseClientConnections()
		front.Close()
	})
	return &paymentFixture{b, g, life, provider, front.URL}
}

// checkPaid wants one payment of this amount at the provider, with so much of it given back.
func (t *paymentFixture) checkPaid(tb testing.TB, amount, back int64) {
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
func testTamperedAmount(t *testing.T, browser context.Context) {
	fixture := newPaymentFixture(t)
	if err := fixture.provider.Fail("prepare", fakeportone.Fault{Kind: fakeportone.Refuse}, 0); err != nil {
		t.Fatal(err)
	}
	page := newProfile(t, browser).openShop(fixture.frontURL)
	page.click("#buy")
	page.waitVisible(`button[value="paid"]`)
	page.run(`document.querySelector('[name="amount"]').value = '1000'`)
	page.click(`button[value="paid"]`)
	page.waitVisible(`#orders [data-status="REFUNDED"]`)
	page.waitFor(orderText + ` === '주문이 완료되지 않아 결제하신 금액이 환불되었습니다. 결제 금액이 주문 금액과 다릅니다.'`)
	page.want(orderList, "환불 완료 1개, 25,000원 결제 금액이 주문 금액과 다릅니다.")
	page.waitFor(orderUnits + ` === '100'`)
	fixture.checkPaid(t, 1000, 1000)
}

// The order arrives, and no answer does; then somebody loads the page again. It is the same order.
func testReloadedBeforeOrder(t *testing.T, browser context.Context) {
	fixture := newPaymentFixture(t)
	page := newProfile(t, browser).openShop(fixture.frontURL)
	page.click("#buy")
	page.waitVisible(`button[value="paid"]`)
	before := len(fixture.keys())
	fixture.dropResponses(1000)
	page.click(`button[value="paid"]`)
	fixture.waitFor("it is ordered", func() bool { return len(fixture.commandKeys) > before })
	page.open(fixture.frontURL + "/")
	fixture.dropResponses(0)
	page.waitFor(`document.querySelector('#order-state').dataset.kind === 'good'`)
	page.waitFor(`document.querySelectorAll('#orders [data-status="PAID"]').length === 1`)
	page.want(`document.querySelectorAll('#orders li').length`, 1)
	page.waitFor(orderUnits + ` === '99'`)
	keys := fixture.keys()[before:]
	if want := "order-" + fixture.provider.Payments()[0].ImpUID; len(keys) < 2 || keys[0] != want || len(slices.Compact(keys)) != 1 {
		t.Errorf("ordered with the keys %q, want %s several times", keys, want)
	}
	fixture.checkPaid(t, 25_000, 0)
}

// The node dies when it has accepted the order and not heard of the payment. The page hears the verdict from the next one.
func testKilledBeforeResult(t *testing.T, browser context.Context) {
	fixture := newPaymentFixture(t)
	if err := fixture.provider.Fail("get", fakeportone.Fault{Kind: fakeportone.Error}, 0); err != nil {
		t.Fatal(err)
	}
	page := newProfile(t, browser).openShop(fixture.frontURL)
	page.payWith("paid")
	page.waitVisible(`#orders [data-status="VERIFYING"]`)
	page.waitFor(orderText + ` === '결제를 확인하는 중…'`)
	page.run(`window.stayed = true`)
	fixture.process.Kill()
	fixture.provider.ClearFaults()
	node := fixture.Start()
	page.waitFor(`document.querySelector('#order-state').dataset.kind === 'good'`)
	page.waitFor(orderList + ` === '결제 완료 1개, 25,000원 '`)
	page.waitFor(orderUnits + ` === '99'`)
	page.want(`window.stayed`, true)
	fixture.checkPaid(t, 25_000, 0)
	node.Terminate(t)
	fixture.MustAudit()
}

// Somebody names a payment in an order of theirs before the one who pays comes back from the window.

func TestBrowser_PaymentRace(t *testing.T) {
	browser := startChromium(t)
	for name, test := range map[string]func(*testing.T, context.Context){
		"by another": testPaymentNamedByOther, "by themselves": testOrderedInAnotherTab,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, browser)
		})
	}
}

const racedPayment = "imp_named"

// orderDuringPayment has this user order what the buyer pays, while the provider answers nobody; then the buyer comes back from the window.
func (t *paymentFixture) orderDuringPayment(page *tab, user string) {
	page.tb.Helper()
	if err := t.provider.Fail("get", fakeportone.Fault{Kind: fakeportone.Error}, 0); err != nil {
		page.tb.Fatal(err)
	}
	if user == "" {
		page.eval(`document.querySelector('#user').value`, &user)
	}
	page.click("#buy")
	page.waitVisible(`button[value="paid"]`)
	var merchantUID string
	page.eval(`new URLSearchParams(location.search).get('merchant_uid')`, &merchantUID)
	if _, err := t.provider.Create(fakeportone.Payment{ImpUID: racedPayment, MerchantUID: merchantUID, Amount: 25_000, Status: "paid"}); err != nil {
		page.tb.Fatal(err)
	}
	order := `{"imp_uid":"` + racedPayment + `","salePostId":"demo","count":1,"amount":25000}`
	if status, _ := harness.SendCommand(page.ctx, t.frontURL, user, "/api/v1/orders", order); status/100 != 2 {
		page.tb.Fatal("the order of ", user, " is answered ", status)
	}
	page.open(t.frontURL + "/?imp_uid=" + racedPayment + "&merchant_uid=" + merchantUID)
}

// Their order fails when the provider is asked, and with another key the order is that of who paid.
func testPaymentNamedByOther(t *testing.T, browser context.Context) {
	fixture := newPaymentFixture(t)
	page := newProfile(t, browser).openShop(fixture.frontURL)
	fixture.orderDuringPayment(page, "mallory")
	key := "order-" + racedPayment
	fixture.waitFor("it is ordered twice", func() bool { return slices.Contains(fixture.commandKeys, key+".1") })
	page.want(`document.querySelector('#order-state').dataset.kind`, "wait")
	fixture.provider.ClearFaults()
	page.waitVisible(`#orders [data-status="PAID"]`)
	page.waitFor(`document.querySelector('#order-state').dataset.kind === 'good'`)
	page.want(`Object.keys(localStorage).filter((slot) => slot.startsWith('onsale.paid')).length`, 0)
	t.Log(fixture.keys())
	fixture.checkPaid(t, 25_000, 0)
}

func testOrderedInAnotherTab(t *testing.T, browser context.Context) {
	fixture := newPaymentFixture(t)
	page := newProfile(t, browser).openShop(fixture.frontURL)
	fixture.orderDuringPayment(page, "")
	page.waitFor(orderText + ` === '결제를 확인하는 중…'`)
	fixture.provider.ClearFaults()
	page.waitFor(`document.querySelector('#order-state').dataset.kind === 'good'`)
	page.waitFor(orderUnits + ` === '99'`)
	if slices.Contains(fixture.keys(), "order-"+racedPayment+".1") {
		t.Errorf("it was ordered again: %q", fixture.keys())
	}
	fixture.checkPaid(t, 25_000, 0)
}

// An order's stream in a real browser: the verdict ends it, for all tabs, and whoever opens it again hears it again.

func TestBrowser_OrderStream(t *testing.T) {
	window, s := newProfile(t, startChromium(t)), newScriptedServer(t)
	connectFrame := "event: connect\nid: k3v9x2ab-5\nretry: 10\ndata: {\"status\":\"fresh\",\"order\":null}\n\n"
	resultFrame := "event: success\nid: k3v9x2ab-%d\ndata: {\"orderStatus\":\"PAID\"}\n\nretry: 10\n\n"
	heard := func(page *tab, want ...string) {
		t.Helper()
		page.waitFor(fmt.Sprintf(`heard.length >= %d`, len(want)))
		page.want(`heard.map(({ name, id, data }) => [name, id.split('-')[1], data.orderStatus].join(' ')).join()`, strings.Join(want, ","))
		page.want(`stream.leading`, false)
		page.want(`sessionStorage.length`, 0)
	}
	one := window.tab()
	one.open(s.URL + "/healthz")
	one.run(watchScript("/events", ""))
	stream := s.nextStream("")
	stream.write(connectFrame)
	one.waitFor(`states.includes('live')`)
	two := window.openWatching(s.URL, "/events", "")
	stream.write(fmt.Sprintf(resultFrame, 7))
	stream.end()
	for _, page := range []*tab{one, two} {
		heard(page, "success 7 PAID")
	}
	select {
	case l := <-s.streams:
		t.Fatalf("somebody listens again, from %q", l.lastEventID)
	case <-time.After(time.Second): // EventSource would have been back after ten milliseconds, onsale.js after half a second
	}

	one.open(s.URL + "/healthz") // loaded again, it shows nothing yet
	one.run(watchScript("/events", ""))
	stream = s.nextStream("")
	stream.write(strings.Replace(connectFrame, "-5", "-6", 1) + fmt.Sprintf(resultFrame, 7))
	stream.end()
	heard(one, "success 7 PAID")
	heard(two, "success 7 PAID")
}
