// What the page of a schedule says while it waits, and where there is nothing to buy.

package browser

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	pagedomain "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"onsale/cmd/onsale/e2e/harness"
)

// onNewDocument runs a script before those of every page that the tab opens from now on.
func (page *tab) onNewDocument(script string) {
	page.tb.Helper()
	_, err := chromedp.Run(page.ctx, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, pagedomain.AddScriptToEvaluateOnNewDocument, pagedomain.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return chromedp.Void{}, err
	})
	if err != nil {
		page.tb.Fatal(err)
	}
}

// holdBackRequests lets the page wait with reading the seats until open.seats() is called, and with its order until open.order() is.
const holdBackRequests = `{
	const send = window.fetch, opened = {};
	window.open = {};
	for (const name of ['seats', 'order']) opened[name] = new Promise((resolve) => { window.open[name] = resolve; });
	window.fetch = async (url, options) => {
		if (url.endsWith('/seats')) await opened.seats;
		if (url === '/api/v1/orders' && options?.method === 'POST') await opened.order;
		return send(url, options);
	};
}`

// Back from the payment window, nothing can be done with what was paid for, and it is not shown without names and prices.
func TestSchedulePage_BusyUntilOrdered(t *testing.T) {
	t.Parallel()
	fixture := newPaymentFixture(t)
	page := newProfile(t).openConcert(fixture.frontURL)
	page.best("1", "S")
	page.click(`#holds [data-verb="pay"]`)
	page.waitVisible(`button[value="paid"]`)
	page.onNewDocument(holdBackRequests)
	page.click(`button[value="paid"]`)
	const busy = `document.querySelector('#holds .why')?.textContent.startsWith('결제를 확인하고 있습니다.') &&
		document.querySelector('#holds .time').textContent === '' &&
		[...document.querySelectorAll('#holds :is(button, select)')].every((control) => control.disabled) && `
	page.waitFor(busy + concertPrices + ` === '결제 금액 90,000원'`)
	page.run(`window.open.seats()`)
	page.waitFor(busy + concertPrices + ` === 'S-1-13 90,000원, 결제 금액 90,000원'`)
	page.want(`document.querySelector('#orders').childElementCount`, 0)
	page.run(`window.open.order()`)
	page.waitFor(concertTicket + `.startsWith('S-1-13 예매 번호 ')`)
	page.waitFor(`document.querySelector('#holds').childElementCount === 0`)
	fixture.checkPaid(t, 90_000, 0)
}

// visibleText is what the page shows below its header.
const visibleText = `document.querySelector('main').innerText.replace(/\s+/g, ' ').trim()`

// A page of a performance that was called off says why, and shows what becomes of the user's tickets; there is nothing to choose.
func TestSchedulePage_CalledOff(t *testing.T) {
	t.Parallel()
	fixture := newPaymentFixture(t)
	fixture.sendWebhooks()
	browser := newProfile(t)
	page := browser.openConcert(fixture.frontURL)
	page.best("2", "S")
	page.pays("paid")
	page.waitFor(concertTicket + `.endsWith(' 예매 취소')`)
	harness.MustCommand(t, fixture.Node.URL(), "admin", "/api/v1/admin/schedules/concert/cancel", `{"reason":"가수가 아파요"}`)
	page.waitFor(`document.querySelector('#how').innerText === '공연이 취소되었습니다: 가수가 아파요'`)
	page.waitFor(concertTicket + `.endsWith(' 결제 금액 180,000원 취소된 예매 · 180,000원 환불됨')`)
	page.want(`[...document.querySelectorAll('main :is(button, select, table, details, .seat, .legend, #limit)')].filter((part) => part.checkVisibility()).map((part) => part.outerHTML).join()`, "")
	page.screenshots(t, "called-off")
	page.click("#language")
	page.waitFor(`document.querySelector('#how').innerText === 'The performance was called off: 가수가 아파요'`)

	page = browser.tab() // of a user who has nothing here
	page.open(fixture.frontURL + "/s/concert")
	page.run(`localStorage.clear()`)
	page.open(fixture.frontURL + "/s/concert")
	page.waitFor(`document.querySelector('#title').innerText.startsWith('여름밤 콘서트') && document.querySelectorAll('#seats .seat').length === 2000`)
	page.want(`[...document.querySelectorAll('main > section')].filter((part) => part.checkVisibility()).map((part) => part.className).join()`, "card about")
}

// Where there is no schedule the page says that and nothing else, until there is one.
func TestSchedulePage_Unknown(t *testing.T) {
	t.Parallel()
	node := harness.NewNode(t)
	node.Start()
	page := newProfile(t).tab()
	page.open(node.URL() + "/s/nowhere")
	page.waitFor(`document.querySelector('#title').innerText.startsWith('회차가 없습니다.')`)
	page.want(visibleText, "회차가 없습니다. (onsale serve --demo)")
	page.screenshots(t, "unknown")
	harness.MustCommand(t, node.URL(), "admin", "/api/v1/admin/schedules", `{"scheduleId":"nowhere","title":"Now here","sections":[{"name":"A","price":0,"rows":[{"name":"1","seats":1}]}]}`)
	page.waitFor(`document.querySelector('#title').innerText === 'Now here' && document.querySelector('#best').checkVisibility()`)
	page.waitFor(`document.querySelector('#live').dataset.on === 'yes'`)
}

// Of a cancelled ticket the page says what is refunded and what becomes of the coupon. It lists the orders of its own schedule only.
func TestSchedulePage_CancelledForLess(t *testing.T) {
	t.Parallel()
	fixture := newPaymentFixture(t)
	fixture.sendWebhooks()
	base := fixture.Node.URL()
	harness.MustCommand(t, base, "admin", "/api/v1/admin/schedules", `{"scheduleId":"half","title":"Half","startsAt":"2100-01-01T10:00:00Z","payment":"required",
		"refundTiers":[{"untilSeconds":0,"percent":50}],"sections":[{"name":"A","price":20002,"rows":[{"name":"1","seats":2}]}]}`)
	harness.MustCommand(t, base, "admin", "/api/v1/admin/promotions", `{"promotionId":"half","name":"Half","stock":1,"discount":{"kind":"fixed","amount":1000}}`)
	page := newProfile(t).openConcert(fixture.frontURL)
	page.best("1", "A")
	page.pays("paid")
	page.waitFor(`document.querySelector('#orders').textContent === '결제 완료 A-1-13 · 50,000원 '`)

	page.open(fixture.frontURL + "/s/half")
	page.click("#issue")
	page.waitVisible(`#coupon-state[data-kind="good"]`)
	buy := func(seat string) {
		t.Helper()
		page.click(`[data-seat-id="` + seat + `"]`)
		page.click("#hold")
		page.waitFor(`document.querySelector('#holds li')`)
		if seat == "1" {
			page.waitFor(concertPrices + `.endsWith('할인 −1,000원, 결제 금액 19,002원')`)
		}
		page.click(`#holds [data-verb="pay"]`)
		page.click(`button[value="paid"]`)
		page.waitVisible(`#tickets [data-verb="cancel"]`)
	}
	buy("1")
	page.click(`#tickets [data-verb="cancel"]`)
	page.waitVisible("#confirm-yes")
	page.want(`document.querySelector('#confirm-text').textContent`, "지금 취소하면 9,501원이 환불됩니다. (결제하신 19,002원의 50%) 사용하신 쿠폰은 돌려드리지 않습니다.")
	page.click("#confirm-yes")
	page.waitFor(concertTicket + `.endsWith(' 결제 금액 19,002원 취소된 예매 · 9,501원 환불됨 사용하신 쿠폰은 돌려드리지 않습니다.')`)
	page.waitFor(`document.querySelector('#orders').textContent === '환불 완료 A-1-1 · 19,002원 예매를 취소하셨습니다. 9,501원 환불됨'`)

	buy("2")
	payments := fixture.provider.Payments()
	harness.MustCommand(t, base, "admin", "/api/v1/admin/orders/"+payments[len(payments)-1].ImpUID+"/cancel", `{"reason":"resold","percent":0}`)
	page.waitFor(concertTicket + `.startsWith('A-1-2 ') && ` + concertTicket + `.includes(' 결제 금액 20,002원 취소된 예매 · 환불 없음')`)
	page.waitFor(`document.querySelector('#orders').textContent.startsWith('취소 · 환불 없음 A-1-2 · 20,002원 ')`)
	page.screenshots(t, "cancelled")
}

// Times are the browser's, and its zone is named.
func TestSchedulePage_NamesTimeZone(t *testing.T) {
	t.Parallel()
	node := harness.NewNode(t)
	node.Start()
	harness.MustCommand(t, node.URL(), "admin", "/api/v1/admin/schedules", `{"scheduleId":"zone","title":"Zone","startsAt":"2100-01-01T10:00:00Z","payment":"required",
		"refundTiers":[{"untilSeconds":3600,"percent":50}],"sections":[{"name":"A","price":1000,"rows":[{"name":"1","seats":1}]}]}`)
	page := newProfile(t).tab()
	_, err := chromedp.Run(page.ctx, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Seoul"})
		return chromedp.Void{}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	page.open(node.URL() + "/s/zone")
	page.waitFor(`document.querySelector('#starts').textContent === '2100년 1월 1일 금요일 오후 7:00 (GMT+9)'`)
	page.want(`document.querySelector('#refund-rules').textContent`, "2100. 1. 1. 오후 6:00 (GMT+9)까지 취소하면 50% 환불")
}
