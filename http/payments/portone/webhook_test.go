// Webhooks: twice, in any order, forged, as JSON and as forms.

package portone_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/http/payments/portone"
	"onsale/http/payments/portone/fakeportone"
)

// receiveWebhooks collects the references that a client parses from the fake's webhooks.
func (f *fixture) receiveWebhooks(t *testing.T, hooks fakeportone.Webhooks) (received func() []string) {
	t.Helper()
	client := f.client(t)
	var mu sync.Mutex
	var refs []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		hook, err := client.ParseWebhook(r.Header, body)
		ref := hook.Ref
		if err != nil {
			ref = err.Error()
		} else if !strings.HasPrefix(hook.MerchantUID, "order-") {
			t.Errorf("got the order %q", hook.MerchantUID)
		}
		mu.Lock()
		defer mu.Unlock()
		refs = append(refs, ref)
	}))
	t.Cleanup(server.Close)
	hooks.URL, hooks.V2 = server.URL, f.api == "v2"
	if err := f.SendWebhooks(hooks); err != nil {
		t.Fatal(err)
	}
	return func() []string {
		f.Wait()
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(refs)
	}
}

func TestWebhook_NamesPayment(t *testing.T) {
	forEachAPI(t, func(t *testing.T, f *fixture) {
		for _, form := range []bool{false, true} {
			received := f.receiveWebhooks(t, fakeportone.Webhooks{Form: form, Copies: 2})
			ref, _ := f.pay("order-1", 1000)
			if got := received(); !slices.Equal(got, []string{ref, ref}) {
				t.Errorf("got %q, want %s twice", got, ref)
			}
		}
	})
}

func TestWebhook_AllowsDropAndReorder(t *testing.T) {
	forEachAPI(t, func(t *testing.T, f *fixture) {
		received := f.receiveWebhooks(t, fakeportone.Webhooks{Drop: true})
		f.pay("order-1", 1000)
		if got := received(); len(got) != 0 {
			t.Errorf("got dropped webhooks %q", got)
		}
		received = f.receiveWebhooks(t, fakeportone.Webhooks{Reorder: true})
		first, _ := f.pay("order-2", 1000)
		second, _ := f.pay("order-3", 1000)
		if got := received(); !slices.Equal(got, []string{second, first}) {
			t.Errorf("got %q, want %s before %s", got, second, first)
		}
	})
}

// A webhook about a refund may come before the response to it.
func TestWebhook_PrecedesResponse(t *testing.T) {
	f := newFixture(t, "v2")
	ref, _ := f.pay("order-1", 1000)
	received := f.receiveWebhooks(t, fakeportone.Webhooks{First: true})
	if _, err := f.client(t).Cancel(t.Context(), cancelRequest(ref, 1000, 1000)); err != nil {
		t.Fatal(err)
	}
	if got := received(); !slices.Equal(got, []string{ref}) {
		t.Errorf("got %q, want %s", got, ref)
	}
}

func TestWebhook_RejectsForged(t *testing.T) {
	f := newFixture(t, "v2")
	received := f.receiveWebhooks(t, fakeportone.Webhooks{Forge: true})
	f.pay("order-1", 1000)
	if got := received(); len(got) != 1 || !strings.HasPrefix(got[0], portone.ErrSignature.Error()) {
		t.Errorf("got %q, want it refused", got)
	}
}

// The signature is an example of the Standard Webhooks specification's own library.
func TestWebhook_VerifiesSignature(t *testing.T) {
	const (
		secret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
		other     = "whsec_b3RoZXItc2VjcmV0LW90aGVyLXNlY3JldA=="
		body      = `{"test": 2432232314}`
		signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	)
	at := time.Unix(1614265330, 0)
	for name, row := range map[string]struct {
		secrets   []string
		signature string
		body      string
		now       time.Time
		ok        bool
	}{
		"valid":                {[]string{secret}, signature, body, at, true},
		"second of secrets":    {[]string{other, secret}, signature, body, at, true},
		"second of signatures": {[]string{secret}, "v1a,xx v1,AAAA " + signature, body, at, true},
		"five minutes late":    {[]string{secret}, signature, body, at.Add(5 * time.Minute), true},
		"five minutes early":   {[]string{secret}, signature, body, at.Add(-5 * time.Minute), true},
		"too late":             {[]string{secret}, signature, body, at.Add(5*time.Minute + time.Second), false},
		"too early":            {[]string{secret}, signature, body, at.Add(-5*time.Minute - time.Second), false},
		"another secret":       {[]string{other}, signature, body, at, false},
		"no secret":            {nil, signature, body, at, false},
		"another body":         {[]string{secret}, signature, body + " ", at, false},
		"another version":      {[]string{secret}, "v2" + signature[2:], body, at, false},
		"none":                 {[]string{secret}, "", body, at, false},
	} {
		client := newClient(t, "v2", portone.Config{URL: "http://127.0.0.1:1", Secret: "x", WebhookSecrets: row.secrets,
			Now: func() time.Time { return row.now }})
		_, err := client.ParseWebhook(http.Header{"Webhook-Id": {"msg_p5jXN8AQM9LWM0D4loKWxJek"}, "Webhook-Timestamp": {"1614265330"},
			"Webhook-Signature": {row.signature}}, []byte(row.body))
		if (err == nil) != row.ok || err != nil && !errors.Is(err, portone.ErrSignature) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, bad := range []string{"", "whsec_", "whsec_*"} {
		c := portone.Config{URL: "http://127.0.0.1:1", Secret: "x", WebhookSecrets: []string{bad}}
		if _, err := portone.NewV2(c); err == nil {
			t.Errorf("webhook secret %q was accepted", bad)
		}
	}
}

func TestWebhook_RejectsMalformedV1(t *testing.T) {
	client := newFixture(t, "v1").client(t)
	for _, row := range [][2]string{
		{"application/json", ``}, {"application/json", `null`}, {"application/json", `[]`},
		{"application/json", `{"imp_uid":7}`},
		{"application/json", `{"imp_uid":"../cancel"}`}, {"", `imp_uid=imp_1`}, {"application/x-www-form-urlencoded", `imp_uid=%`},
		{"application/x-www-form-urlencoded", `merchant_uid=1`},
		{"application/json", strings.Repeat(" ", 64<<10) + `{"imp_uid":"a"}`},
	} {
		hook, err := client.ParseWebhook(http.Header{"Content-Type": {row[0]}}, []byte(row[1]))
		if !errors.Is(err, portone.ErrWebhook) {
			t.Errorf("%.40q: got %+v, %v", row, hook, err)
		}
	}
}

// Whatever a webhook says, at most two safe references come of it.
func FuzzWebhook(f *testing.F) {
	f.Add("application/json", `{"imp_uid":"imp_1","merchant_uid":"o","status":"paid"}`)
	f.Add("application/x-www-form-urlencoded", `imp_uid=imp_1&status=paid`)
	f.Add("", `{"type":"Transaction.Paid","timestamp":"2026-11-22T09:00:00Z","data":{"paymentId":"o","storeId":"s"}}`)
	f.Add("", `{"type":"BillingKey.Issued","data":{"billingKey":"b"}}`)
	key, now := []byte("a key of some length"), time.Unix(1800000000, 0)
	c := portone.Config{URL: "http://127.0.0.1:1", Key: "k", Secret: "s", Now: func() time.Time { return now },
		WebhookSecrets: []string{"whsec_" + base64.StdEncoding.EncodeToString(key)}}
	v1, v2 := newClient(f, "v1", c), newClient(f, "v2", c)
	f.Fuzz(func(t *testing.T, contentType, body string) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte("id.1800000000." + body))
		header := http.Header{"Content-Type": {contentType}, "Webhook-Id": {"id"}, "Webhook-Timestamp": {"1800000000"},
			"Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))}}
		unsigned, err := v1.ParseWebhook(header, []byte(body))
		if (err == nil) != (unsigned.Ref != "") || err != nil && unsigned.MerchantUID != "" {
			t.Errorf("got %+v, %v", unsigned, err)
		}
		signed, err := v2.ParseWebhook(header, []byte(body))
		if errors.Is(err, portone.ErrSignature) || err != nil && signed != (portone.Webhook{}) || signed.Ref != signed.MerchantUID {
			t.Errorf("got %+v, %v", signed, err)
		}
		for _, ref := range []string{unsigned.Ref, unsigned.MerchantUID, signed.Ref} {
			if len(ref) > 64 || strings.ContainsAny(ref, "/.?#%\r\n\x00 ") {
				t.Errorf("got %q", ref)
			}
		}
	})
}
