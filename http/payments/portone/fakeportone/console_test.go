// The console of the demo, as a browser uses it.

package fakeportone_test

import (
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"onsale/http/payments/portone/fakeportone"
)

func (c *client) console(form url.Values) (status int, page string) {
	c.t.Helper()
	response, err := http.Get(c.url + "/_fake/console")
	if form != nil {
		response, err = http.PostForm(c.url+"/_fake/console", form) // follows the redirect to the page
	}
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response.StatusCode, html.UnescapeString(string(text))
}

func TestConsole_RefundsParts(t *testing.T) {
	c := newClient(t)
	won := c.Pay("order-1", 1000)
	dollars, err := c.Create(fakeportone.Payment{MerchantUID: "order-2", Amount: 1420, Currency: "USD"})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		uid, amount string
		status      int
		shows       string
	}{
		{won, "300", 200, `value="700"`},
		{won, "701", 400, "초과합니다"},
		{won, "0", 400, "amount must be above 0"},
		{won, "-1", 400, "amount must be above 0"},
		{won, "", 400, "is not an amount"},
		{won, "1.5", 400, "has no amount"},
		{won, "<b>", 400, "is not an amount"},
		{"none", "1", 400, "no payment"},
		{dollars.ImpUID, "4.21", 200, `value="9.99"`},
		{dollars.ImpUID, "4.211", 400, "has no amount"},
		{won, "700", 200, "<td>cancelled"},
		{won, "1", 400, "이미 전액취소"},
	} {
		status, page := c.console(url.Values{"do": {"refund"}, "imp_uid": {step.uid}, "amount": {step.amount}})
		if status != step.status || !strings.Contains(page, step.shows) {
			t.Errorf("refund of %q of %s: got %d, want %d and %q in\n%s", step.amount, step.uid, status, step.status, step.shows, page)
		}
	}
	if len(c.Cancels(won)) != 2 || len(c.Cancels(dollars.ImpUID)) != 1 || c.Cancels(dollars.ImpUID)[0].Amount != 421 {
		t.Errorf("refunds %+v and %+v", c.Cancels(won), c.Cancels(dollars.ImpUID))
	}
}

// The demo mounts the fake under a path of its own.
func TestConsole_StaysUnderItsPath(t *testing.T) {
	c := newClient(t)
	uid := c.Pay("order-1", 1000)
	server := httptest.NewServer(http.StripPrefix("/fakepay", c.Server))
	defer server.Close()
	response, err := http.PostForm(server.URL+"/fakepay/_fake/console", url.Values{"do": {"refund"}, "imp_uid": {uid}, "amount": {"1"}})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 200 || response.Request.URL.Path != "/fakepay/_fake/console" {
		t.Errorf("got %s of %s", response.Status, response.Request.URL)
	}
}

func TestConsole_CompletesPayments(t *testing.T) {
	c := newClient(t)
	for status, do := range map[string]string{"ready": "deposit", "failed": "succeed"} {
		p, err := c.Create(fakeportone.Payment{MerchantUID: "order-" + status, Amount: 1000, Status: status})
		if err != nil {
			t.Fatal(err)
		}
		if _, page := c.console(nil); !strings.Contains(page, `value="`+do+`"`) {
			t.Errorf("no button to %s in\n%s", do, page)
		}
		for _, want := range []int{200, 400} { // once only
			if got, _ := c.console(url.Values{"do": {do}, "imp_uid": {p.ImpUID}}); got != want {
				t.Errorf("%s: got %d, want %d", do, got, want)
			}
		}
	}
	if got, _ := c.console(url.Values{"do": {"steal"}}); got != 400 {
		t.Errorf("no such button: got %d", got)
	}
	if paid, _ := c.Sums(); paid != 2000 {
		t.Errorf("%d paid", paid)
	}
}

// Names come from buyers. The page escapes them, and shows the newest hundred payments.
func TestConsole_EscapesAndEnds(t *testing.T) {
	c := newClient(t)
	for range 150 {
		c.Pay("<script>x</script>", 1)
	}
	response, err := http.Get(c.url + "/_fake/console")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	page := string(text)
	if strings.Contains(page, "<script>") || strings.Count(page, "&lt;script&gt;") != 100 || !strings.Contains(page, "150 payments") {
		t.Errorf("got %s", page)
	}
	if policy := response.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") {
		t.Errorf("got the policy %q", policy)
	}
}
