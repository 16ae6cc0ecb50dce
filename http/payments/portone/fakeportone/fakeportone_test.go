// The fake over HTTP: what PortOne's documents promise, the control API, and the payment window.

package fakeportone_test

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/http/payments/portone/fakeportone"
)

// client is a fake and an HTTP client with its keys.
type client struct {
	*fakeportone.Server
	t   *testing.T
	url string
	now time.Time
}

func newClient(t *testing.T) *client {
	c := &client{fakeportone.New(), t, "", time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	c.Now = func() time.Time { return c.now }
	server := httptest.NewServer(c.Server)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

const formType = "application/x-www-form-urlencoded"

// do sends one request and returns its status and its JSON, nil if the body is not JSON.
func (c *client) do(method, path, authorization, contentType, body string) (int, map[string]any) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Authorization", authorization)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	var tree map[string]any
	_ = json.Unmarshal(text, &tree)
	return response.StatusCode, tree
}

func (c *client) token() (access string, ttl time.Duration) {
	c.t.Helper()
	_, got := c.do("POST", "/users/getToken", "", formType, "imp_key="+c.Key+"&imp_secret="+c.Secret)
	response, ok := got["response"].(map[string]any)
	if !ok {
		c.t.Fatalf("got %v", got)
	}
	ttl = time.Duration(response["expired_at"].(float64)-response["now"].(float64)) * time.Second
	return response["access_token"].(string), ttl
}

func (c *client) control(method, path, body string, want int) map[string]any {
	c.t.Helper()
	status, got := c.do(method, "/_fake/"+path, "", "application/json", body)
	if status != want {
		c.t.Errorf("%s %s %s: got %d %v, want %d", method, path, body, status, got, want)
	}
	return got
}

// A token lives half an hour, is repeated while it lasts, and is extended by five minutes in its last minute.
func TestFake_ExtendsToken(t *testing.T) {
	c := newClient(t)
	first, ttl := c.token()
	if ttl != 30*time.Minute {
		t.Errorf("got a ttl of %v", ttl)
	}
	for _, step := range []struct {
		pass, ttl time.Duration
		same      bool
	}{
		{28 * time.Minute, 2 * time.Minute, true},
		{time.Minute, 6 * time.Minute, true}, // in its last minute
		{time.Minute, 5 * time.Minute, true},
		{5 * time.Minute, 30 * time.Minute, false},
	} {
		c.Advance(step.pass)
		access, ttl := c.token()
		if ttl != step.ttl || (access == first) != step.same {
			t.Errorf("%v later: got a ttl of %v, the same: %v", step.pass, ttl, access == first)
		}
	}
	status, _ := c.do("GET", "/payments/imp_1", first, "", "")
	if status != 401 || len(c.Violations()) != 1 {
		t.Errorf("expired token: got %d, %q", status, c.Violations())
	}
	for keys, want := range map[string]int{"imp_key=x": 400, "imp_key=x&imp_secret=y": 401} {
		if status, _ := c.do("POST", "/users/getToken", "", formType, keys); status != want {
			t.Errorf("%s: got %d, want %d", keys, status, want)
		}
	}
}

// V1's traps: an amount of 0 refunds everything, and every refusal is a 200.
func TestFake_CancelsV1(t *testing.T) {
	c := newClient(t)
	uid := c.Pay("order-1", 1000)
	access, _ := c.token()
	cancel := func(body string) (int, float64, map[string]any) {
		status, got := c.do("POST", "/payments/cancel", access, "application/json", body)
		response, _ := got["response"].(map[string]any)
		return status, got["code"].(float64), response
	}
	for _, body := range []string{
		`{"imp_uid":"none","merchant_uid":"order-1","amount":1,"checksum":1000}`, // imp_uid wins
		`{"imp_uid":"` + uid + `","amount":1,"checksum":999}`,
		`{"imp_uid":"` + uid + `","amount":1001,"checksum":1000}`,
		`{"imp_uid":"` + uid + `","amount":1.5,"checksum":1000}`,
	} {
		if status, code, _ := cancel(body); status != 200 || code == 0 {
			t.Errorf("%s: got %d, code %v", body, status, code)
		}
	}
	_, code, p := cancel(`{"merchant_uid":"order-1","amount":300,"checksum":1000}`)
	if code != 0 || p["cancel_amount"] != 300.0 || p["status"] != "paid" {
		t.Errorf("got code %v, %v", code, p)
	}
	_, code, p = cancel(`{"imp_uid":"` + uid + `"}`)
	if code != 0 || p["cancel_amount"] != 1000.0 || p["status"] != "cancelled" {
		t.Errorf("got code %v, %v", code, p)
	}
	if len(c.Violations()) != 3 { // 1.5; no amount; no checksum
		t.Errorf("got %q", c.Violations())
	}
	if paid, refunded := c.Sums(); paid != 1000 || refunded != 1000 || len(c.Cancels(uid)) != 2 {
		t.Errorf("paid %d, refunded %d", paid, refunded)
	}
}

func TestFake_ListsV1(t *testing.T) {
	c := newClient(t)
	first, second := c.Pay("order-1", 1), c.Pay("order-1", 2)
	access, _ := c.token()
	for path, want := range map[string]int{
		"/payments?imp_uid[]=" + first + "&imp_uid[]=" + second: 200,
		"/payments?imp_uid[]=" + first + "&merchant_uid[]=none": 207,
		"/payments?imp_uid[]=none":                              404,
		"/payments":                                             400,
		"/payments/find/order-1":                                200,
		"/payments/find/order-1/failed":                         404,
		"/payments/findAll/order-1/all":                         200,
		"/payments/status/paid?page=1":                          200,
		"/payments/status/paid?page=9223372036854775807":        400,
		"/payments/status/failed":                               200,
		"/payments/status/sold":                                 400,
		"/payments/findAll/order-1?limit=1001":                  400,
		"/payments/findAll/order-1?page=0":                      400,
		"/payments/findAll/order-1?sorting=price":               400,
		"/payments/none":                                        404,
		"/nowhere":                                              404,
	} {
		if status, got := c.do("GET", path, "Bearer "+access, "", ""); status != want {
			t.Errorf("%s: got %d %v, want %d", path, status, got, want)
		}
	}
	_, got := c.do("GET", "/payments/find/order-1", access, "", "")
	if p := got["response"].(map[string]any); p["imp_uid"] != second {
		t.Errorf("got %v, want the newest", p["imp_uid"])
	}
}

func TestFake_RejectsV2Conflicts(t *testing.T) {
	c := newClient(t)
	c.Pay("order-1", 1000)
	if _, err := c.Create(fakeportone.Payment{MerchantUID: "order-2", Amount: 1, Status: "ready"}); err != nil {
		t.Fatal(err)
	}
	for _, row := range [][2]string{
		{`order-2/cancel {"reason":"r","amount":1,"currentCancellableAmount":1}`, "PAYMENT_NOT_PAID"},
		{`order-1/cancel {"reason":"r","amount":1,"currentCancellableAmount":1}`, "CANCELLABLE_AMOUNT_CONSISTENCY_BROKEN"},
		{`order-1/cancel {"reason":"r","amount":1001,"currentCancellableAmount":1000}`, "CANCEL_AMOUNT_EXCEEDS_CANCELLABLE_AMOUNT"},
		{`order-1/cancel {"amount":1,"currentCancellableAmount":1000}`, "INVALID_REQUEST"},
		{`order-1/pre-register {"totalAmount":1000}`, "ALREADY_PAID"},
		{`order-1/cancel {"reason":"r","amount":1000,"currentCancellableAmount":1000}`, ""},
		{`order-1/cancel {"reason":"r","amount":1,"currentCancellableAmount":0}`, "PAYMENT_ALREADY_CANCELLED"},
	} {
		path, body, _ := strings.Cut(row[0], " ")
		_, got := c.do("POST", "/payments/"+path, "PortOne "+c.APISecret, "application/json", body)
		if kind, _ := got["type"].(string); kind != row[1] {
			t.Errorf("%s: got %v, want %q", row[0], got, row[1])
		}
	}
	keyless := func(v string) bool { return strings.Contains(v, "without an idempotency key") }
	if got := c.Violations(); !slices.ContainsFunc(got, keyless) {
		t.Errorf("got %q", got)
	}
}

func TestFake_ServesControlAPI(t *testing.T) {
	c := newClient(t)
	uid := c.control("POST", "payments", `{"merchant_uid":"order-1","amount":1000,"status":"failed"}`, 200)["imp_uid"].(string)
	c.control("POST", "payments/"+uid+"/deposit", "", 400)
	c.control("POST", "payments/"+uid+"/succeed", "", 200)
	c.control("POST", "payments/"+uid+"/tamper", `{"amount":900,"currency":"USD","merchant_uid":"order-9","sandbox":true}`, 200)
	c.control("POST", "payments/"+uid+"/cancel", `{"amount":100}`, 200)
	c.control("POST", "payments/none/cancel", "", 400)
	c.control("POST", "payments/"+uid+"/settle", `{"succeeded":true}`, 200)
	c.control("POST", "payments", `{"merchant_uid":"order-1"}`, 400)
	c.control("POST", "payments", `{"merchant_uid":"order-1","amount":1,"imp_uid":"`+uid+`"}`, 400)
	c.control("POST", "faults", `{"route":"get","kind":"500","times":2}`, 200)
	c.control("POST", "faults", `{"seed":7,"rate":2}`, 400)
	c.control("POST", "faults", `{"kind":"slow","delay":"1h"}`, 400)
	c.control("DELETE", "faults", "", 200)
	c.control("POST", "webhooks", `{"url":"ftp://x"}`, 400)
	c.control("POST", "time", `{"advance":"soon"}`, 400)
	c.control("POST", "time", `{"advance":"30m"}`, 200)
	c.control("POST", "revoke", "", 200)
	want := fakeportone.Payment{ImpUID: uid, MerchantUID: "order-9", Amount: 900, Currency: "USD", Status: "paid", Method: "card",
		Test: true, StartedAt: c.now, PaidAt: c.now}
	got := c.Payments()[0]
	if len(got.Cancels) != 1 || got.Cancels[0].Amount != 100 {
		t.Errorf("got %+v", got.Cancels)
	}
	if got.Cancels = nil; !equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func equal(a, b fakeportone.Payment) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// The window refuses an amount other than the prepared one, redirects back with the imp_uid, if any, accepts a transfer, and
// escapes its parameters.
func TestFake_ServesWindow(t *testing.T) {
	c := newClient(t)
	access, _ := c.token()
	status, _ := c.do("POST", "/payments/prepare", access, formType, "merchant_uid=order-1&amount=1000")
	if status != 200 {
		t.Fatalf("got %d", status)
	}
	stay := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	use := func(amount, redirect, status string) *http.Response {
		response, err := stay.PostForm(c.url+"/_fake/window", url.Values{"merchant_uid": {"order-1"}, "amount": {amount},
			"redirect": {redirect}, "status": {status}})
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response
	}
	if got := use("1", "", "paid").StatusCode; got != 400 {
		t.Errorf("not the prepared amount: got %d", got)
	}
	if got := use("1000", "javascript:alert(1)", "paid").StatusCode; got != 400 {
		t.Errorf("redirect to a script: got %d", got)
	}
	back := use("1000", "http://127.0.0.1:8080/orders?a=b", "paid").Header.Get("Location")
	uid := c.Payments()[0].ImpUID
	if back != "http://127.0.0.1:8080/orders?a=b&imp_success=true&imp_uid="+uid+"&merchant_uid=order-1" {
		t.Errorf("redirected to %s", back)
	}
	back = use("1000", "http://127.0.0.1:8080/orders", "closed").Header.Get("Location")
	if !strings.HasSuffix(back, "&imp_success=false&merchant_uid=order-1") || len(c.Payments()) != 1 {
		t.Errorf("closed: redirected to %s with %+v", back, c.Payments())
	}
	use("1000", "", "ready")
	waiting := c.Payments()[1]
	deposit, err := stay.PostForm(c.url+"/_fake/window", url.Values{"imp_uid": {waiting.ImpUID}, "redirect": {"http://127.0.0.1:8080/"}})
	if err != nil {
		t.Fatal(err)
	}
	deposit.Body.Close()
	if after := c.Payments()[1]; waiting.Status != "ready" || after.Status != "paid" || deposit.Header.Get("Location") != "http://127.0.0.1:8080/" {
		t.Errorf("transfer: %+v, then %+v, redirected to %q", waiting, after, deposit.Header.Get("Location"))
	}
	page, err := http.Get(c.url + "/_fake/window?amount=5&merchant_uid=" + url.QueryEscape("<script>x</script>"))
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	text, _ := io.ReadAll(page.Body)
	if strings.Contains(string(text), "<script>") || !strings.Contains(string(text), "&lt;script&gt;") {
		t.Errorf("got %s", text)
	}
}

// A client may remember imp_uids of an earlier start of the fake.
func TestFake_ImpUIDsDifferBetweenStarts(t *testing.T) {
	first := newClient(t).Pay("order-1", 1)
	time.Sleep(2 * time.Millisecond) // the prefix is the start time in milliseconds
	if second := newClient(t).Pay("order-1", 1); first == second || len(first) > 20 {
		t.Errorf("got %s and %s", first, second)
	}
}

// V1 has amounts in the major unit, with decimals; V2 in the minor one.
func TestFake_SpeaksUnitsOfEachAPI(t *testing.T) {
	c := newClient(t)
	access, _ := c.token()
	if status, got := c.do("POST", "/payments/prepare", access, "application/json", `{"merchant_uid":"o1","amount":14.2,"currency":"USD"}`); status != 200 || got["code"] != 0.0 {
		t.Fatalf("got %d %v", status, got)
	}
	c.control("POST", "payments", `{"merchant_uid":"o1","amount":1421}`, 400) // not what was prepared
	made := c.control("POST", "payments", `{"imp_uid":"u1","merchant_uid":"o1","amount":1420}`, 200)
	if made["currency"] != "USD" {
		t.Errorf("paid %v", made)
	}
	_, got := c.do("POST", "/payments/cancel", access, "application/json", `{"imp_uid":"u1","amount":4.21,"checksum":14.20,"reason":"r"}`)
	v1, _ := got["response"].(map[string]any)
	if v1["amount"] != 14.2 || v1["cancel_amount"] != 4.21 {
		t.Errorf("V1 says %v", got)
	}
	_, got = c.do("GET", "/payments/o1", "PortOne "+c.APISecret, "", "")
	if v2, _ := got["amount"].(map[string]any); v2["total"] != 1420.0 || v2["cancelled"] != 421.0 {
		t.Errorf("V2 says %v", got)
	}
	if _, got = c.do("POST", "/payments/cancel", access, "application/json", `{"imp_uid":"u1","amount":1.001,"reason":"r"}`); got["code"] == 0.0 {
		t.Error("a tenth of a cent was refunded")
	}
}

// A payment after a restart has another name than the first of the start before, whose order is known.
func TestFake_NamesDifferBetweenStarts(t *testing.T) {
	names := map[string]bool{}
	for range 3 {
		names[fakeportone.New().Pay("order-1", 1000)] = true
	}
	if len(names) != 3 {
		t.Errorf("three starts named their first payments %v", names)
	}
}

// A refund's webhook names it, and says whether it is pending, one part, or the last.
func TestFake_SendsWebhooksOfParts(t *testing.T) {
	c := newClient(t)
	c.Asynchronous = true // refunds by the API; those at the console succeed at once
	bodies := make(chan map[string]any, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body map[string]any
		_ = json.NewDecoder(r.Body).Decode(&body)
		bodies <- body
	}))
	defer server.Close()
	uid := c.Pay("order-1", 1000)
	for _, step := range []struct {
		v2    bool
		path  string
		body  string
		want  string
		names bool
	}{
		{true, "cancel", `{"amount":300}`, "Transaction.PartialCancelled", true},
		{false, "cancel", `{"amount":100}`, "paid", true},
		{true, "", `{"amount":200,"currentCancellableAmount":600,"reason":"r"}`, "Transaction.CancelPending", true},
		{true, "settle", `{"succeeded":true}`, "Transaction.PartialCancelled", true},
		{true, "", `{"amount":400,"currentCancellableAmount":400,"reason":"r"}`, "Transaction.CancelPending", true},
		{true, "settle", `{"succeeded":false}`, "Transaction.Paid", false},
		{true, "cancel", `{"amount":399}`, "Transaction.PartialCancelled", true},
		{true, "cancel", `{"amount":1}`, "Transaction.Cancelled", true},
	} {
		if err := c.SendWebhooks(fakeportone.Webhooks{URL: server.URL, V2: step.v2}); err != nil {
			t.Fatal(err)
		}
		if step.path == "" {
			c.do("POST", "/payments/order-1/cancel", "PortOne "+c.APISecret, "application/json", step.body)
		} else {
			c.control("POST", "payments/"+uid+"/"+step.path, step.body, 200)
		}
		c.Wait()
		body := <-bodies
		kind, data := body["status"], body
		if step.v2 {
			kind, data = body["type"], body["data"].(map[string]any)
		}
		id := cmp.Or(data["cancellationId"], data["cancellation_id"])
		if kind != step.want || (id != nil) != step.names {
			t.Errorf("%+v: got %v", step, body)
		}
	}
}
