package http

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/domain"
	"onsale/domain/orders"
	"onsale/http/client"
	"onsale/http/payments/portone"
	"onsale/projections/store"
)

// testPayments is a provider whose webhooks are parsed by parse.
func testPayments(parse func(http.Header, []byte) (portone.Webhook, error), notify func(portone.Webhook) bool) *Payments {
	return &Payments{
		Terms: orders.Terms{Currency: "KRW", PaySeconds: 900}, MaxOpenOrders: 3, ParseWebhook: parse, Notify: notify,
	}
}

// recordPayment appends the state of an order's payment at the provider, and waits until that is decided.
func (f *fixture) recordPayment(t testing.TB, impUID string, payment orders.Payment) {
	t.Helper()
	o := f.readOrder(t, impUID)
	sequence := must(f.log.Append(t.Context(), domain.Command{Entity: impUID, Body: orders.RecordPayment{LastEvent: o.LastEvent, Payment: payment}}))(t)
	if err := f.Projector.WaitDecided(t.Context(), sequence); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) readOrder(t testing.TB, impUID string) (o orders.Order) {
	t.Helper()
	err := f.Projector.Read("", func(v *store.View) (err error) {
		var known bool
		if o, known, err = v.Order(impUID); err == nil && !known {
			err = fmt.Errorf("there is no order %s", impUID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// Without a payment provider there are products and earlier orders; no new command is appended.
func TestOrders_RejectWithoutPayments(t *testing.T) {
	f := newFixture(t)
	kim, wait := f.client("kim"), 5*time.Second
	product := map[string]any{"salePostId": "lp", "name": "LP", "price": 100, "stock": 5}
	order := func(key string) client.Response {
		return must(kim.Order(t.Context(), "imp_1", "lp", 1, 100, client.Options{Key: key, Wait: &wait}))(t)
	}
	must(kim.Command(t.Context(), "/api/v1/admin/products", product, client.Options{}))(t)
	if a := order("first"); a.HTTPStatus != 201 {
		t.Fatalf("got %+v", a)
	}
	f.Payments = nil
	before := f.log.appended()
	for name, a := range map[string]client.Response{
		"order":   order("second"),
		"prepare": must(kim.Prepare(t.Context(), "lp", 1, client.Options{}))(t),
		"cancel":  must(kim.Command(t.Context(), "/api/v1/admin/orders/imp_1/cancel", nil, client.Options{}))(t),
		"webhook": must(kim.Command(t.Context(), "/api/v1/payments/webhook", map[string]any{"imp_uid": "imp_1"}, client.Options{}))(t),
	} {
		if a.HTTPStatus != 409 || a.Code != paymentsNotConfigured {
			t.Errorf("%s: got %+v", name, a)
		}
	}
	if a := order("first"); a.HTTPStatus != 201 || !a.Replayed {
		t.Errorf("again: got %+v", a)
	}
	if f.log.appended() != before {
		t.Error("a command was appended")
	}
	for _, path := range []string{"/api/v1/products/lp", "/api/v1/orders/imp_1", "/api/v1/me/orders"} {
		if err := kim.Get(t.Context(), path, new(any)); err != nil {
			t.Error(err)
		}
	}
	product["salePostId"] = "cd"
	if a := must(kim.Command(t.Context(), "/api/v1/admin/products", product, client.Options{}))(t); a.HTTPStatus != 201 {
		t.Errorf("got %+v", a)
	}
}

// The terms of a node may change; the same order is the same request all the same, and keeps the terms that it had.
func TestOrders_KeepOriginalTerms(t *testing.T) {
	f := newFixture(t)
	kim, wait := f.client("kim"), 5*time.Second
	product := map[string]any{"salePostId": "lp", "name": "LP", "price": 100, "stock": 5}
	must(kim.Command(t.Context(), "/api/v1/admin/products", product, client.Options{}))(t)
	for range 2 {
		if a := must(kim.Order(t.Context(), "imp_1", "lp", 1, 100, client.Options{Key: "k", Wait: &wait}))(t); a.HTTPStatus != 201 {
			t.Errorf("got %+v", a)
		}
		f.Payments.Terms.Currency = "USD"
	}
	if o := f.readOrder(t, "imp_1"); o.Currency != "KRW" || o.PaySeconds != 900 {
		t.Errorf("got %+v", o)
	}
}

// A webhook only triggers a check of its payment.
func TestWebhook_NotifiesByReference(t *testing.T) {
	f := newFixture(t)
	key := []byte("the key shared with the provider")
	v2 := must(portone.NewV2(portone.Config{
		URL: "https://provider.example", Secret: "s", WebhookSecrets: []string{"whsec_" + base64.StdEncoding.EncodeToString(key)},
	}))(t)
	var notified []string
	notify := func(hook portone.Webhook) bool { notified = append(notified, hook.Ref); return true }
	full := func(portone.Webhook) bool { return false }
	signed := func(key []byte, body string) http.Header {
		now := fmt.Sprint(time.Now().Unix())
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", "msg_1", now, body)
		return http.Header{
			"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {now},
			"Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))},
		}
	}
	const json, form = "application/json", "application/x-www-form-urlencoded"
	long := `{"imp_uid":"imp_1","custom_data":"` + strings.Repeat("x", maxBody) + `"}`
	const paid, others = `{"type":"Transaction.Paid","data":{"paymentId":"pay_1"}}`, `{"type":"BillingKey.Issued","data":{"billingKey":"b"}}`
	tests := map[string]struct {
		payments    *Payments
		header      http.Header
		contentType string
		body        string
		status      int
		code        string
		notified    []string
	}{
		"json":            {testPayments(new(portone.V1).ParseWebhook, notify), nil, json, `{"imp_uid":"imp_1","status":"paid","new":{}}`, 200, "", []string{"imp_1"}},
		"form":            {testPayments(new(portone.V1).ParseWebhook, notify), nil, form, url.Values{"imp_uid": {"imp_1"}}.Encode(), 200, "", []string{"imp_1"}},
		"no room":         {testPayments(new(portone.V1).ParseWebhook, full), nil, json, `{"imp_uid":"imp_1"}`, 429, rateLimited, nil},
		"about nothing":   {testPayments(new(portone.V1).ParseWebhook, notify), nil, json, `{}`, 400, domain.InvalidBody, nil},
		"empty":           {testPayments(new(portone.V1).ParseWebhook, notify), nil, json, "", 400, domain.InvalidBody, nil},
		"garbage":         {testPayments(new(portone.V1).ParseWebhook, notify), nil, json, "\xff{", 400, domain.InvalidBody, nil},
		"garbled form":    {testPayments(new(portone.V1).ParseWebhook, notify), nil, form, "imp_uid=%zz", 400, domain.InvalidBody, nil},
		"a path":          {testPayments(new(portone.V1).ParseWebhook, notify), nil, json, `{"imp_uid":"../users"}`, 400, domain.InvalidBody, nil},
		"too large":       {testPayments(new(portone.V1).ParseWebhook, notify), nil, json, long, 413, bodyTooLarge, nil},
		"signed":          {testPayments(v2.ParseWebhook, notify), signed(key, paid), json, paid, 200, "", []string{"pay_1"}},
		"signed, of else": {testPayments(v2.ParseWebhook, notify), signed(key, others), json, others, 200, "", nil},
		"forged":          {testPayments(v2.ParseWebhook, notify), signed([]byte("guessed"), paid), json, paid, 403, forbidden, nil},
		"not signed":      {testPayments(v2.ParseWebhook, notify), nil, json, paid, 403, forbidden, nil},
		"signed garbage":  {testPayments(v2.ParseWebhook, notify), signed(key, "["), json, "[", 400, domain.InvalidBody, nil},
	}
	for name, test := range tests {
		f.Payments, notified = test.payments, nil
		r := must(http.NewRequest("POST", f.url+"/api/v1/payments/webhook", strings.NewReader(test.body)))(t)
		if test.header != nil {
			r.Header = test.header
		}
		r.Header.Set("Content-Type", test.contentType)
		response := must(http.DefaultClient.Do(r))(t)
		body := string(must(io.ReadAll(response.Body))(t))
		response.Body.Close()
		if response.StatusCode != test.status || !slices.Equal(notified, test.notified) {
			t.Errorf("%s: got %s, %s, notified %q", name, response.Status, body, notified)
		}
		if found := strings.Contains(body, `"code":"`+test.code+`"`); test.status == 200 && body != "{}" || test.status != 200 && !found {
			t.Errorf("%s: got %s", name, body)
		}
	}
	if f.log.appended() != 0 {
		t.Error("a command was appended")
	}
}
