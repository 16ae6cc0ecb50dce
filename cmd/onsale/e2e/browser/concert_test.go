// Paid seats on the page of the schedule "concert": from the hold over coupon and payment to the ticket, and back.

package browser

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
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
	page.waitFor(`document.querySelectorAll('#seats .seat').length === 2000 && document.querySelector('#live').dataset.on === 'yes'`)
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

// screenshots writes what the page looks like on a phone and on a desktop.
func (page *tab) screenshots(t *testing.T, name string) {
	t.Helper()
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

// With a coupon a hold costs less, or nothing. A payment that fails leaves the hold, and another one makes it a ticket, which can be
// cancelled for what the page says beforehand.
func TestConcert_FromHoldToTicketAndBack(t *testing.T) {
	t.Parallel()
	fixture := newPaymentFixture(t)
	page := newProfile(t).openConcert(fixture.frontURL)
	page.click("#issue")
	page.waitVisible(`#coupon-state[data-kind="good"]`)
	page.best("2", "R")
	page.waitFor(`document.querySelectorAll('#holds select option').length === 2`)
	page.want(concertPrices, "x")
	page.screenshots(t, "held")
	page.pays("failed")
	page.waitVisible(`#order-state[data-kind="bad"]`)
	page.want(concertOrder, "x")
	page.waitVisible(`#holds [data-verb="pay"]:not([disabled])`)
	page.screenshots(t, "failed")
	page.pays("paid")
	page.waitVisible(`#tickets li`)
	page.waitVisible(`#order-state[data-kind="good"]`)
	page.want(concertTicket, "x")
	page.screenshots(t, "paid")
	page.click(`#tickets [data-verb="cancel"]`)
	page.waitVisible("#confirm-yes")
	page.want(`document.querySelector('#confirm-text').textContent`, "x")
	page.screenshots(t, "confirm")
	page.click("#confirm-yes")
	page.waitVisible(`#tickets [data-status="CANCELLED"]`)
	page.waitFor(`document.querySelector('#tickets').innerText.includes('환불됨')`)
	page.want(concertTicket, "x")
	page.click("#language")
	page.screenshots(t, "english")
}
