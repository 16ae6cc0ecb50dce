// What the page of a schedule says while it waits, and where there is nothing to buy.

package browser

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
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

// Where there is no schedule the page says that and nothing else.
func TestSchedulePage_Unknown(t *testing.T) {
	t.Parallel()
	node := harness.NewNode(t)
	node.Start()
	page := newProfile(t).tab()
	page.open(node.URL() + "/s/nowhere")
	page.waitFor(`document.querySelector('#title').innerText.startsWith('회차가 없습니다.')`)
	page.want(visibleText, "회차가 없습니다. (onsale serve --demo)")
	page.screenshots(t, "unknown")
}
