package browser

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"onsale/cmd/onsale/e2e/harness"
)

func TestDemoPage_SellsCouponsAndSeats(t *testing.T) {
	t.Parallel()
	node := harness.NewNode(t, "--demo")
	node.StartDemo()
	page := newProfile(t).tab()
	page.open(node.URL() + "/")
	page.waitFor(`document.querySelectorAll('#seats .seat').length === 600`)
	page.waitFor(`document.querySelector('#live').dataset.on === 'yes'`)
	page.waitFor(`document.querySelector('#remaining').textContent === '1,000'`)
	var user string
	page.eval(`document.querySelector('#user').value`, &user)

	page.click("#issue")
	page.waitFor(`document.querySelector('#coupon-state').dataset.kind === 'good'`)
	page.waitFor(`document.querySelector('#coupon-state').textContent === '쿠폰 발급이 완료되었습니다. (프로모션 ID: demo)'`)
	page.waitFor(`document.querySelector('#remaining').textContent === '999'`)
	page.click("#issue")
	page.waitFor(`document.querySelector('#coupon-state').dataset.kind === 'bad'`)

	page.click(`[data-seat-id="7"]`)
	page.click(`[data-seat-id="8"]`)
	page.want(`document.querySelector('#chosen').textContent`, "2석 선택, 300,000원")
	page.click("#hold")
	page.waitFor(`['7', '8'].every((id) => document.querySelector('[data-seat-id="' + id + '"]').dataset.state === 'mine')`)
	harness.MustCommand(t, node.URL(), "other", "/api/v1/schedules/demo/seats/hold", `{"scheduleSeatIds":[30,31,32]}`)
	page.waitFor(`['30', '31', '32'].every((id) => document.querySelector('[data-seat-id="' + id + '"]').dataset.state === 'held')`)
	page.click("#holds button") // reserve
	page.waitFor(`['7', '8'].every((id) => document.querySelector('[data-seat-id="' + id + '"]').dataset.state === 'bought')`)
	page.waitFor(`document.querySelector('#holds').childElementCount === 0`)
	page.click(`[data-seat-id="9"]`)
	page.click("#hold")
	page.waitFor(`document.querySelector('#holds .time')`)
	page.click(`[data-seat-id="50"]`)
	page.click(`[data-seat-id="51"]`)

	for name, width := range map[string]int64{"page.png": 1280, "phone.png": 400} {
		if err := chromedp.Do(page.ctx, chromedp.EmulateViewport(width, 900)); err != nil {
			t.Fatal(err)
		}
		png, err := chromedp.Run(page.ctx, chromedp.FullScreenshot(100))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.ArtifactDir(), name)
		if err := os.WriteFile(file, png, 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("screenshot: %s", file)
	}
	if got := couponCount(t, node.URL(), user); got != 1 {
		t.Errorf("%s has %d coupons, want 1", user, got)
	}
}

func couponCount(t *testing.T, base, user string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/v1/me/coupons", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-User-Id", user)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var list struct{ Items []json.RawMessage }
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	return len(list.Items)
}
