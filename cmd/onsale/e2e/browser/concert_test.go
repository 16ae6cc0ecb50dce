// Paid seats on the page of the schedule "concert": from the hold over coupon and payment to the ticket, and back.

package browser

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"onsale/cmd/onsale/e2e/harness"
	"onsale/http/payments/portone/fakeportone"
)

// openConcert opens the page of the paid seats, and waits for them.
func (p *profile) openConcert(url string) *tab {
	p.tb.Helper()
	page := p.tab()
	page.open(url + "/s/concert")
	page.concertReady()
	return page
}

func (page *tab) concertReady() {
	page.tb.Helper()
	page.waitFor(`document.body.dataset.status === 'OPEN' && document.querySelectorAll('#seats .seat').length === 2000 && document.querySelector('#live').dataset.on === 'yes'`)
}

// best holds the best seats of a section that are next to each other; "" is any.
func (page *tab) best(count, section string) {
	page.tb.Helper()
	page.waitFor(`document.querySelectorAll('#best-section option').length === 5`)
	page.run(`document.querySelector('#best-count').value = '` + count + `'; document.querySelector('#best-section').value = '` + section + `'`)
	page.click("#best-hold")
	page.waitVisible(`#holds [data-verb="pay"]`)
}

// pays presses the button that pays, and one in the payment window; then it waits until the page is back.
func (page *tab) pays(button string) {
	page.tb.Helper()
	page.click(`#holds [data-verb="pay"]`)
	page.click(`button[value="` + button + `"]`)
	page.concertReady()
}

// screenshots writes what the page looks like on a phone and on a desktop, if the tests are run with -artifacts.
func (page *tab) screenshots(t *testing.T, name string) {
	t.Helper()
	if wanted := flag.Lookup("test.artifacts"); wanted == nil || wanted.Value.String() != "true" {
		return
	}
	for size, width := range map[string]int64{"desktop": 1280, "phone": 360} {
		if err := chromedp.Do(page.ctx, chromedp.EmulateViewport(width, 900)); err != nil {
			t.Fatal(err)
		}
		png, err := chromedp.Run(page.ctx, chromedp.FullScreenshot(100))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.ArtifactDir(), name+"-"+size+".png")
		if err := os.WriteFile(file, png, 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("screenshot: %s", file)
	}
}

const (
	concertOrder  = `document.querySelector('#order-state').textContent`
	concertPrices = `[...document.querySelectorAll('#holds .prices div')].map((row) => row.innerText.replace(/\s+/g, ' ')).join(', ')`
	concertTicket = `[...document.querySelectorAll('#tickets li')].map((li) => li.innerText.replace(/\s+/g, ' ')).join(', ')`
)

// With a coupon a hold costs less. A payment that fails leaves the hold, and another one makes it a ticket, which can be cancelled for
// what the page says beforehand.
func TestConcert_FromHoldToTicketAndBack(t *testing.T) {
	t.Parallel()
	fixture := newPaymentFixture(t)
	fixture.sendWebhooks()
	page := newProfile(t).openConcert(fixture.frontURL)
	page.click("#issue")
	page.waitVisible(`#coupon-state[data-kind="good"]`)
	page.best("2", "R")
	page.waitFor(concertPrices + ` === 'R-1-12 140,000원, R-1-13 140,000원, 정가 280,000원, 할인 −50,000원, 결제 금액 230,000원'`)
	page.run(`document.querySelector('#holds select').value = ''; document.querySelector('#holds select').dispatchEvent(new Event('change'))`)
	page.want(concertPrices, "R-1-12 140,000원, R-1-13 140,000원, 결제 금액 280,000원")
	page.run(`document.querySelector('#holds select').selectedIndex = 1; document.querySelector('#holds select').dispatchEvent(new Event('change'))`)
	page.screenshots(t, "held")

	page.pays("failed")
	page.waitFor(concertOrder + ` === '주문이 완료되지 않았습니다. 결제가 승인되지 않았습니다.'`)
	page.waitFor(`document.querySelector('#holds .why').textContent.startsWith('이전 결제는 완료되지 않았습니다.')`)
	page.waitFor(`[...document.querySelectorAll('#holds button')].filter((button) => !button.disabled).map((button) => button.dataset.verb).join() === 'pay,extend,release'`)
	page.screenshots(t, "failed")

	page.pays("ready") // a bank transfer: until it arrives the hold stays as it is
	page.waitFor(`document.querySelector('#holds .time')?.textContent.startsWith('입금 기한 ')`)
	page.waitFor(`[...document.querySelectorAll('#holds button')].every((button) => button.disabled)`)
	page.click(`#orders [data-status="PENDING_PAYMENT"] a`)
	page.click(`button[value="paid"]`)
	page.concertReady()
	page.waitFor(concertTicket + `.startsWith('R-1-12, R-1-13 예매 번호 concert-r') && ` + concertTicket + `.endsWith(' 결제 금액 230,000원 예매 취소')`)
	page.waitVisible(`#order-state[data-kind="good"]`)
	page.waitFor(`document.querySelector('#holds').childElementCount === 0 && document.querySelectorAll('#seats [data-state="bought"]').length === 2`)
	page.screenshots(t, "paid")

	page.click(`#tickets [data-verb="cancel"]`)
	page.waitVisible("#confirm-yes")
	page.want(`document.querySelector('#confirm-text').textContent`, "지금 취소하면 230,000원이 환불됩니다. (결제하신 230,000원의 100%) 사용하신 쿠폰은 돌려드립니다.")
	page.screenshots(t, "confirm")
	page.click("#confirm-yes")
	page.waitFor(`document.querySelector('#ticket-state').textContent === '예매를 취소했습니다. 230,000원이 환불됩니다.'`)
	page.waitFor(concertTicket + `.endsWith(' 결제 금액 230,000원 취소된 예매 · 230,000원 환불됨 사용하신 쿠폰은 돌려드립니다.')`)
	page.waitFor(`document.querySelectorAll('#seats [data-state="available"]').length === 2000`)
	page.click("#language")
	page.waitFor(concertTicket + `.endsWith(' ₩230,000 paid Cancelled · ₩230,000 refunded Your coupon can be used again.')`)
	page.best("2", "R") // the coupon is back
	page.waitFor(concertPrices + `.endsWith('Full price ₩280,000, Discount −₩50,000, To pay ₩230,000')`)
	page.screenshots(t, "english")
	if paid, refunded := fixture.provider.Sums(); paid != 230_000 || refunded != 230_000 {
		t.Errorf("%d paid and %d refunded, want 230,000 each", paid, refunded)
	}
}

// What a coupon pays for needs no payment window. Everything is done with the keyboard alone.
func TestConcert_FreeOrderByKeyboard(t *testing.T) {
	t.Parallel()
	fixture := newPaymentFixture(t)
	page := newProfile(t).openConcert(fixture.frontURL)
	press := func(keys ...string) {
		t.Helper()
		for _, key := range keys {
			if err := chromedp.Do(page.ctx, chromedp.KeyEvent(key)); err != nil {
				t.Fatal(err)
			}
		}
	}
	page.run(`document.querySelector('#issue').focus()`)
	press(kb.Enter)
	page.waitVisible(`#coupon-state[data-kind="good"]`)
	page.run(`document.querySelector('#seats .seat').focus()`)
	for range 11 { // ten rows of VIP, and one
		press(kb.ArrowDown)
	}
	press(kb.End)
	page.want(`document.activeElement.ariaLabel`, "R 2열 25번, 140,000원, 선택 가능")
	page.run(`document.querySelector('[data-seat-id="2000"]').focus()`)
	press(" ")
	page.want(`document.activeElement.ariaLabel`, "A 24열 25번, 50,000원, 고른 좌석")
	press(kb.Tab, kb.Enter) // hold
	page.waitFor(`document.activeElement.dataset.verb === 'pay'`)
	page.waitFor(`document.activeElement.textContent === '결제 없이 예매하기'`)
	press(kb.Enter)
	page.waitFor(concertTicket + `.endsWith(' 결제 금액 0원 예매 취소')`)
	page.waitFor(concertOrder + ` === '예매되었습니다. 결제할 금액이 없습니다.'`)
	page.waitFor(`document.querySelector('#orders').textContent === '결제 완료 A-24-25 · 0원 '`)
	if payments := fixture.provider.Payments(); len(payments) != 0 {
		t.Errorf("the provider has %v, want no payment", payments)
	}
}

// Two browsers choose the same pair of seats at once: one gets both, and the other is not given a part of them in silence. What
// others do paints only their seats.
func TestConcert_TwoBrowsersRace(t *testing.T) {
	t.Parallel()
	node := harness.NewNode(t, "--demo")
	node.StartDemo()
	tabs := []*tab{newProfile(t).openConcert(node.URL()), newProfile(t).openConcert(node.URL())}
	for _, page := range tabs {
		page.click(`[data-seat-id="205"]`)
		page.click(`[data-seat-id="206"]`)
		page.want(`document.querySelector('#chosen').textContent`, "2석 선택, 280,000원")
	}
	var group sync.WaitGroup
	for _, page := range tabs {
		group.Go(func() { page.run(`document.querySelector('#hold').click()`) })
	}
	group.Wait()
	winners := 0
	for _, page := range tabs {
		page.waitFor(`document.querySelector('#holds li') || document.querySelector('#seat-state').dataset.kind === 'bad'`)
		var said string
		page.eval(`document.querySelector('#seat-state').textContent`, &said)
		t.Log("the page says: ", said)
		page.waitFor(`['205', '206'].every((id) => ['mine', 'held'].includes(document.querySelector('[data-seat-id="' + id + '"]').dataset.state))`)
		var seats []string
		page.eval(`[...document.querySelectorAll('#seats [data-state="mine"]')].map((seat) => seat.dataset.seatId)`, &seats)
		switch len(seats) {
		case 0:
			page.want(`document.querySelector('#seat-state').dataset.kind + document.querySelector('#holds').childElementCount`, "bad0")
		case 2:
			winners++
		default:
			t.Errorf("one browser holds %v of the two seats", seats)
		}
	}
	if winners != 1 {
		t.Errorf("%d browsers hold the seats, want 1", winners)
	}

	page := tabs[0]
	page.run(`window.painted = new Set(); new MutationObserver((all) => all.forEach(({ target }) => painted.add(target.dataset.seatId)))
		.observe(document.querySelector('#seats'), { attributes: true, subtree: true, childList: true })`)
	page.click(`[data-seat-id="401"]`)
	harness.MustCommand(t, node.URL(), "other", "/api/v1/schedules/concert/seats/hold", `{"scheduleSeatIds":[401,402,1999]}`)
	page.waitFor(`document.querySelector('[data-seat-id="1999"]').dataset.state === 'held'`)
	page.waitFor(`document.querySelector('#seat-state').textContent === 'R-9-1 좌석을 방금 다른 사람이 선점했습니다. 다른 좌석을 골라 주세요.'`)
	page.want(`[...painted].sort().join()`, "1999,401,402")
}

// The payer pays and the browser vanishes: it never comes back from the payment window. The order turns up all the same, and the page
// shows it when it is opened again.
func TestConcert_PaidAndGone(t *testing.T) {
	t.Parallel()
	fixture := newPaymentFixture(t)
	fixture.sendWebhooks()
	browser := newProfile(t)
	page := browser.openConcert(fixture.frontURL)
	page.best("2", "S")
	page.click(`#holds [data-verb="pay"]`)
	page.waitVisible(`button[value="paid"]`)
	var query string
	page.eval(`location.search`, &query)
	window, err := url.ParseQuery(strings.TrimPrefix(query, "?"))
	if err != nil {
		t.Fatal(err)
	}
	page.close()
	window.Set("status", "paid")
	window.Del("redirect")
	response, err := http.PostForm(fixture.frontURL+"/fakepay/_fake/window", window)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	page = browser.openConcert(fixture.frontURL)
	page.waitFor(concertTicket + `.endsWith(' 결제 금액 180,000원 예매 취소')`)
	page.waitFor(`document.querySelector('#holds').childElementCount === 0`)
	page.waitFor(`document.querySelector('#orders').textContent === '결제 완료 S-1-12, S-1-13 · 180,000원 '`)
	fixture.checkPaid(t, 180_000, 0)
}

// A payer who comes back after the end of the hold gets the seats all the same if they are still free, and the page says so. One whose
// seats are gone by then gets the money back.
func TestConcert_LatePayments(t *testing.T) {
	t.Parallel()
	fixture := newPaymentFixture(t)
	base := fixture.Node.URL()
	harness.MustCommand(t, base, "admin", "/api/v1/admin/schedules", `{"scheduleId":"short","title":"Short","holdSeconds":8,"maxHoldSeconds":8,"payment":"required",
		"sections":[{"name":"A","price":1000,"rows":[{"name":"1","seats":3}]}]}`)
	command := func(user, path, body string) (result struct{ HoldID, MerchantUID string }) {
		t.Helper()
		a := fixture.MustDo(t.Context(), http.DefaultClient, "POST", path, body, "X-User-Id", user, "Content-Type", "application/json")
		var outcome struct{ Result map[string]any }
		if err := json.Unmarshal([]byte(a.Body), &outcome); err != nil || outcome.Result == nil {
			t.Fatalf("%s %s: %v", path, body, a)
		}
		result.HoldID, _ = outcome.Result["holdId"].(string)
		result.MerchantUID, _ = outcome.Result["merchant_uid"].(string)
		return result
	}
	pages, returns := []*tab{newProfile(t).tab(), newProfile(t).tab()}, []string{}
	for i, page := range pages { // each has gone to the payment window
		user := fmt.Sprint("payer-", i)
		hold := command(user, "/api/v1/schedules/short/seats/hold", fmt.Sprintf(`{"scheduleSeatIds":[%d]}`, i+1)).HoldID
		uid := command(user, "/api/v1/orders/prepare", `{"holdId":"`+hold+`"}`).MerchantUID
		payment, err := fixture.provider.Create(fakeportone.Payment{MerchantUID: uid, Amount: 1000, Status: "paid"})
		if err != nil {
			t.Fatal(err)
		}
		page.open(fixture.frontURL + "/healthz")
		page.run(fmt.Sprintf(`localStorage.setItem('onsale.prepared %s', JSON.stringify({ user: '%s', holdId: '%s', amount: 1000, at: Date.now() }))`, uid, user, hold))
		returns = append(returns, fmt.Sprintf("%s/s/short?imp_uid=%s&merchant_uid=%s", fixture.frontURL, payment.ImpUID, uid))
	}
	fixture.waitFor("the holds are over", func() bool {
		a := fixture.MustDo(t.Context(), http.DefaultClient, "GET", "/api/v1/schedules/short/seats/summary", "")
		return strings.Contains(a.Body, `"available":3`)
	})
	harness.MustCommand(t, base, "admin", "/api/v1/admin/schedules/short/block", `{"scheduleSeatIds":[2],"reason":"sold elsewhere"}`)
	for i, page := range pages {
		page.open(returns[i])
	}
	pages[0].waitFor(concertTicket + `.includes('결제가 늦어 선점이 끝났지만, 좌석이 남아 있어 예매되었습니다.')`)
	pages[1].waitVisible(`#orders [data-status="REFUNDED"]`)
	pages[1].waitFor(`document.querySelector('#orders')?.textContent === '환불 완료 A-1-2 · 1,000원 선점 시간이 끝났습니다.'`)
	pages[1].waitFor(concertOrder + ` === '주문되지 않았습니다. 선점 시간이 끝났습니다. 결제하신 금액은 환불됩니다.'`)
	pages[1].want(`document.querySelector('#tickets').childElementCount`, 0)
}

// The node is killed between payment and order: the browser comes back from the payment window to nobody. Reloaded after the restart,
// the page orders what was paid.
func TestConcert_SurvivesKillBeforeOrder(t *testing.T) {
	t.Parallel()
	fixture := newPaymentFixture(t)
	page := newProfile(t).openConcert(fixture.frontURL)
	page.best("1", "VIP")
	page.click(`#holds [data-verb="pay"]`)
	page.waitVisible(`button[value="paid"]`)
	fixture.process.Kill()
	page.click(`button[value="paid"]`)
	page.waitFor(`location.protocol === 'chrome-error:'`)
	process := fixture.Start()
	page.open(fmt.Sprintf("%s/s/concert?imp_uid=%s&merchant_uid=%s", fixture.frontURL, fixture.provider.Payments()[0].ImpUID, fixture.provider.Payments()[0].MerchantUID))
	page.concertReady()
	page.waitFor(concertTicket + `.endsWith(' 결제 금액 180,000원 예매 취소')`)
	page.want(`location.search`, "")
	fixture.checkPaid(t, 180_000, 0)
	process.Terminate(t)
	fixture.MustAudit()
}

// A hold can be changed to other seats, extended once, and released. Seats that cost nothing to reserve have the same page.
func TestConcert_ChangesHolds(t *testing.T) {
	t.Parallel()
	node := harness.NewNode(t, "--demo")
	node.StartDemo()
	page := newProfile(t).openConcert(node.URL())
	page.best("2", "R")
	page.click(`[data-seat-id="1"]`)
	page.waitFor(`document.querySelector('[data-verb="swap"]').textContent === '고른 1석으로 변경'`)
	page.click(`[data-verb="swap"]`)
	page.waitFor(concertPrices + ` === 'VIP-1-1 180,000원, 결제 금액 180,000원'`)
	page.waitFor(`document.querySelectorAll('#seats [data-state="mine"]').length === 1`)
	page.click(`[data-verb="extend"]`)
	page.waitFor(`document.querySelector('#seat-state').textContent.includes('연장되었습니다') && !document.querySelector('[data-verb="extend"]').disabled`)
	page.click(`[data-verb="extend"]`)
	page.waitFor(`document.querySelector('#seat-state').dataset.kind === 'bad' && !document.querySelector('[data-verb="extend"]').disabled`)
	page.waitFor(`/선점 시간을 더( 이상)? 연장할 수 없습니다/.test(document.querySelector('#seat-state').textContent)`) // the response's words or the event's
	page.click(`[data-verb="release"]`)
	page.waitFor(`document.querySelector('#holds').childElementCount === 0 && document.querySelectorAll('#seats [data-state="available"]').length === 2000`)

	page.open(node.URL() + "/s/demo")
	page.waitFor(`document.querySelectorAll('#seats .seat').length === 600 && document.querySelectorAll('#best-section option').length === 4`)
	page.click("#best-hold")
	page.click(`#holds [data-verb="reserve"]`)
	page.waitFor(concertTicket + `.endsWith('예매 취소')`)
	page.click(`#tickets [data-verb="cancel"]`)
	page.click("#confirm-yes")
	page.waitFor(concertTicket + `.endsWith('취소된 예매')`)
}

// Both languages have every text, and nothing on a page stays in the other one.
func TestPages_BothLanguagesAreComplete(t *testing.T) {
	t.Parallel()
	node := harness.NewNode(t, "--demo")
	node.StartDemo()
	page := newProfile(t).openConcert(node.URL())
	page.run(`(async () => {
		const { text, switchLanguage, language } = await import('/i18n.js');
		const flat = (all, prefix = '') => Object.entries(all).flatMap(([name, value]) => typeof value === 'object' ? flat(value, prefix + name + '.')
			: [[prefix + name, typeof value === 'function' ? value('1', '2', '3') : value]]);
		const before = language, one = Object.fromEntries(flat(text()));
		switchLanguage();
		const two = Object.fromEntries(flat(text())), hangul = /[가-힣]/, [ko, en] = before === 'ko' ? [one, two] : [two, one];
		switchLanguage();
		window.faults = [...new Set([...Object.keys(ko), ...Object.keys(en)])].filter((name) => name !== 'other' && (!ko[name] || !en[name] || hangul.test(en[name])
			|| !hangul.test(ko[name]) && !/^[\d₩ /]*$/.test(en[name])));
		for (const path of ['/', '/s/concert']) {
			const page = new DOMParser().parseFromString(await (await fetch(path)).text(), 'text/html');
			for (const part of page.querySelectorAll('[data-text], [data-label]')) {
				const name = part.dataset.text ?? part.dataset.label;
				if (!(name in ko) || part.dataset.text && part.textContent !== ko[name]) faults.push(path + ' ' + name);
			}
		}
	})()`)
	page.want(`faults.join()`, "")
	page.click("#language")
	page.waitFor(`document.documentElement.lang === 'en' && document.querySelector('#live-text').textContent === 'Live'`)
	page.run(`document.querySelector('#language').remove()`)
	page.want(`document.body.innerText.replace('여름밤 콘서트', '').replace('콘서트 5만 원 할인', '').match(/[가-힣]+/g) ?? []`, "[]")
}
