// Orders on the demo page: all ways to pay, races for a payment, and failures in between.

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

	"onsale/cmd/onsale/e2e/harness"
	"onsale/http/payments/portone/fakeportone"
)

// waitVisible waits until an element is visible, also across navigation.
func (page *tab) waitVisible(selector string) {
	page.tb.Helper()
	ctx, cancel := context.WithTimeout(page.ctx, waitTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS(selector))); err != nil {
		var shown string
		page.eval(`document.body.innerText.slice(0, 3000)`, &shown)
		page.tb.Fatalf("%s does not appear: %v\nthe page shows\n%s", selector, err, shown)
	}
}

// openDemo opens the demo page, and waits for its product.
func (p *profile) openDemo(url string) *tab {
	p.tb.Helper()
	page := p.tab()
	page.open(url + "/")
	page.waitFor(`document.querySelector('#units').textContent === '100'`)
	return page
}

// payWith opens the payment window, and clicks a button there.
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

func TestDemoOrder_EveryPaymentMethod(t *testing.T) {
	t.Parallel()
	node := harness.NewNode(t, "--demo")
	process := node.StartDemo()
	page := newProfile(t).openDemo(node.URL())
	page.run(`document.querySelector('#count').value = '2'; document.querySelector('#count').dispatchEvent(new Event('input'))`)
	page.want(`document.querySelector('#buy').textContent`, "50,000원 결제하기")
	page.payWith("paid")
	page.waitVisible(`#orders [data-status="PAID"]`)
	page.waitVisible(`#order-state[data-kind="good"]`)
	page.waitFor(orderText + ` === '주문이 완료되었습니다. (결제 번호: ' + document.querySelector('#orders li').dataset.impUid + ')'`)
	page.waitFor(`location.search + ` + orderUnits + ` === '98'`)
	page.waitFor(orderList + ` === '결제 완료 2개, 50,000원 '`)

	page.payWith("ready")
	page.waitVisible(`#orders [data-status="PENDING_PAYMENT"] a`)
	page.open(node.URL() + "/") // the order is still shown
	page.waitFor(orderText + ` === '입금 대기'`)
	page.click(`#orders [data-status="PENDING_PAYMENT"] a`)
	page.click(`button[value="paid"]`)
	page.waitVisible(`#orders li:nth-child(2)`)
	page.waitFor(orderList + ` === '결제 완료 1개, 25,000원 ,결제 완료 2개, 50,000원 '`)
	page.waitFor(`document.querySelector('#order-state').dataset.kind === 'good'`)

	page.payWith("closed")
	page.waitVisible(`#order-state[data-kind="bad"]`)
	page.waitFor(orderText + ` === '결제하지 않고 돌아왔습니다.'`)
	page.payWith("failed")
	page.waitVisible(`#orders [data-status="FAILED"]`)
	page.waitFor(orderText + ` === '주문이 완료되지 않았습니다. 결제가 승인되지 않았습니다.'`)
	page.waitFor(orderUnits + ` === '97'`)

	page.open(node.URL() + "/?imp_uid=imp_1&merchant_uid=m1&imp_success=true") // a link from elsewhere
	page.waitFor(orderText + ` === '이 브라우저에서 시작한 결제가 아니어서 주문하지 않았습니다. (결제 번호: imp_1)'`)
	page.click("#language")
	page.waitFor(orderList + ` === 'Failed 1 for ₩25,000 The payment did not go through.,Paid 1 for ₩25,000 ,Paid 2 for ₩50,000 '`)
	page.want(`Object.keys(localStorage).filter((slot) => slot.startsWith('onsale.paid')).length`, 0)

	process.Terminate(t)
	node.Args = nil // no demo, and so no payment provider
	node.Start()
	page.open(node.URL() + "/")
	page.click("#language")
	page.click("#buy")
	page.waitFor(orderText + ` === '결제가 설정되지 않았습니다. (onsale serve --demo)'`)
}

// paymentFixture is a node and a payment provider that outlives it, both at one address.
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
	node := harness.NewNode(t, "--demo", "--payments-provider", "portone", "--payments-url", providerServer.URL,
		"--payments-key", provider.Key, "--payments-secret", provider.Secret)
	process := node.StartDemo()
	g := newFlakyProxy(t, node.URL())
	mux := http.NewServeMux()
	mux.Handle("/fakepay/", http.StripPrefix("/fakepay", provider))
	mux.Handle("/", g.Config.Handler)
	front := httptest.NewServer(mux)
	t.Cleanup(func() {
		g.cutStreams()
		front.CloseClientConnections()
		front.Close()
	})
	return &paymentFixture{node, g, process, provider, front.URL}
}

// sendWebhooks makes the provider report to the node.
func (f *paymentFixture) sendWebhooks() {
	if err := f.provider.SendWebhooks(fakeportone.Webhooks{URL: f.Node.URL() + "/api/v1/payments/webhook"}); err != nil {
		f.tb.Fatal(err)
	}
}

// checkPaid requires one payment of this amount at the provider, and this refund of it.
func (f *paymentFixture) checkPaid(tb testing.TB, amount, back int64) {
	tb.Helper()
	paid, refunded := f.provider.Sums()
	if n := len(f.provider.Payments()); n != 1 || paid != amount || refunded != back {
		tb.Errorf("%d payments of %d, %d refunded; want one of %d, %d refunded", n, paid, refunded, amount, back)
	}
	for _, v := range f.provider.Violations() {
		tb.Errorf("violation at the provider: %s", v)
	}
}

// The amount was not prepared at the provider, and the user pays less than the page asks for: the payment is refunded.
func TestDemoOrder_RefundsTamperedAmount(t *testing.T) {
	t.Parallel()
	fixture := newPaymentFixture(t)
	if err := fixture.provider.Fail("prepare", fakeportone.Fault{Kind: fakeportone.Refuse}, 0); err != nil {
		t.Fatal(err)
	}
	page := newProfile(t).openDemo(fixture.frontURL)
	page.click("#buy")
	page.waitVisible(`button[value="paid"]`)
	page.run(`document.querySelector('[name="amount"]').value = '1000'`)
	page.click(`button[value="paid"]`)
	page.waitVisible(`#orders [data-status="REFUNDED"]`)
	page.waitFor(orderText + ` === '주문이 완료되지 않아 결제하신 금액이 환불되었습니다. 결제 금액이 주문 금액과 다릅니다.'`)
	page.waitFor(orderList + ` === '환불 완료 1개, 25,000원 결제 금액이 주문 금액과 다릅니다. 1,000원 환불됨'`)
	page.waitFor(orderUnits + ` === '100'`)
	fixture.checkPaid(t, 1000, 1000)
}

// The order arrives, its response does not, and the page is reloaded: the order is repeated with the same key.
func TestDemoOrder_SurvivesReload(t *testing.T) {
	t.Parallel()
	fixture := newPaymentFixture(t)
	page := newProfile(t).openDemo(fixture.frontURL)
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

// The node is killed between an order and its result: the page gets the result after the restart.
func TestDemoOrder_SurvivesKill(t *testing.T) {
	t.Parallel()
	fixture := newPaymentFixture(t)
	if err := fixture.provider.Fail("get", fakeportone.Fault{Kind: fakeportone.Error}, 0); err != nil {
		t.Fatal(err)
	}
	page := newProfile(t).openDemo(fixture.frontURL)
	page.payWith("paid")
	page.waitVisible(`#orders [data-status="VERIFYING"]`)
	page.waitFor(orderText + ` === '결제를 확인하는 중…'`)
	page.run(`window.stayed = true`)
	fixture.process.Kill()
	fixture.provider.ClearFaults()
	process := fixture.Start()
	page.waitFor(`document.querySelector('#order-state').dataset.kind === 'good'`)
	page.waitFor(orderList + ` === '결제 완료 1개, 25,000원 '`)
	page.waitFor(orderUnits + ` === '99'`)
	page.want(`window.stayed`, true)
	fixture.checkPaid(t, 25_000, 0)
	process.Terminate(t)
	fixture.MustAudit()
}

const racedPayment = "imp_named"

// orderDuringPayment lets a user (the page's, if "") order with the buyer's payment while the provider fails; then the buyer returns
// from the payment window.
func (f *paymentFixture) orderDuringPayment(page *tab, user string) {
	page.tb.Helper()
	if err := f.provider.Fail("get", fakeportone.Fault{Kind: fakeportone.Error}, 0); err != nil {
		page.tb.Fatal(err)
	}
	if user == "" {
		page.eval(`document.querySelector('#user').value`, &user)
	}
	page.click("#buy")
	page.waitVisible(`button[value="paid"]`)
	var merchantUID string
	page.eval(`new URLSearchParams(location.search).get('merchant_uid')`, &merchantUID)
	if _, err := f.provider.Create(fakeportone.Payment{ImpUID: racedPayment, MerchantUID: merchantUID, Amount: 25_000, Status: "paid"}); err != nil {
		page.tb.Fatal(err)
	}
	order := `{"imp_uid":"` + racedPayment + `","salePostId":"demo","count":1,"amount":25000}`
	if status, _ := harness.SendCommand(page.ctx, f.frontURL, user, "/api/v1/orders", order); status/100 != 2 {
		page.tb.Fatal("the order of ", user, " is answered ", status)
	}
	page.open(f.frontURL + "/?imp_uid=" + racedPayment + "&merchant_uid=" + merchantUID)
}

// Another user's order with the payment fails verification; the buyer's page then orders with another key.
func TestDemoOrder_PaymentNamedByOther(t *testing.T) {
	t.Parallel()
	fixture := newPaymentFixture(t)
	page := newProfile(t).openDemo(fixture.frontURL)
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

func TestDemoOrder_OrderedInAnotherTab(t *testing.T) {
	t.Parallel()
	fixture := newPaymentFixture(t)
	page := newProfile(t).openDemo(fixture.frontURL)
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

// The result ends an order's stream for all tabs. Opened again, the stream has the result again.
func TestOnsaleJS_EndsOrderStream(t *testing.T) {
	t.Parallel()
	window, s := newProfile(t), newScriptedServer(t)
	connectFrame := "event: connect\nretry: 10\ndata: {\"status\":\"fresh\",\"order\":null}\nid: k3v9x2ab-5\n\n"
	resultFrame := "event: success\ndata: {\"orderStatus\":\"PAID\"}\nid: k3v9x2ab-%d\n\nretry: 10\n"
	received := func(page *tab, want ...string) {
		t.Helper()
		page.waitFor(fmt.Sprintf(`received.length >= %d`, len(want)))
		page.want(`received.map(({ name, id, data }) => [name, id.split('-')[1], data.orderStatus].join(' ')).join()`, strings.Join(want, ","))
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
		received(page, "success 7 PAID")
	}
	select {
	case l := <-s.streams:
		t.Fatalf("a tab reconnected, from %q", l.lastEventID)
	case <-time.After(time.Second): // EventSource would reconnect after ten milliseconds, onsale.js after half a second
	}

	one.open(s.URL + "/healthz") // reloaded, it shows nothing yet
	one.run(watchScript("/events", ""))
	stream = s.nextStream("")
	stream.write(strings.Replace(connectFrame, "-5", "-6", 1) + fmt.Sprintf(resultFrame, 7))
	stream.end()
	received(one, "success 7 PAID")
	received(two, "success 7 PAID")
}
