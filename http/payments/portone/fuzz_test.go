// Whatever a server answers, the client says yes, no or unknown; whatever a webhook says, at most one plain reference
// comes of it.

package portone_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"onsale/http/payments/portone"
)

func FuzzResponse(f *testing.F) {
	for _, seed := range []string{
		v1Paid, v2Paid, v2Done, `{"code":1,"message":"이미 전액취소된 주문입니다.","response":null}`, `{"type":"PAYMENT_NOT_FOUND"}`,
		`{"status":"PAID","id":"r","cancellations":[{"status":"REQUESTED","totalAmount":1}]}`, `null`, `[]`, ``,
	} {
		for _, status := range []int{200, 404, 409, 500} {
			f.Add(status, seed)
		}
	}
	a := new(cannedResponse)
	clients := cannedClients(f, a)
	f.Fuzz(func(t *testing.T, s int, body string) {
		if s < 200 || s > 599 || s == 204 || s == 304 {
			return
		}
		*a = cannedResponse{s, body}
		for _, client := range clients {
			p, err := client.Get(t.Context(), "r")
			wrong := p.Ref != "r" || p.Cancelled < 0 || p.Cancelled > p.Amount || p.Status == "" || p.Currency == ""
			if err == nil && wrong {
				t.Errorf("got %+v of %q", p, body)
			}
			wantAnyOutcome(t, err)
			_, err = client.Cancel(t.Context(), cancelRequest("r", 400, 1000))
			wantAnyOutcome(t, err)
			wantAnyOutcome(t, client.Prepare(t.Context(), "o", 1000))
			if err == nil && s != 200 {
				t.Errorf("a %d is a yes", s)
			}
		}
	})
}

func wantAnyOutcome(t *testing.T, err error) {
	t.Helper()
	if got := outcome(err); got != "yes" && got != "no" && got != "unknown" {
		t.Error(got)
	}
}

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
		if (err == nil) != (unsigned.Ref != "") {
			t.Errorf("got %+v, %v", unsigned, err)
		}
		signed, err := v2.ParseWebhook(header, []byte(body))
		if errors.Is(err, portone.ErrSignature) || err != nil && signed.Ref != "" {
			t.Errorf("got %+v, %v", signed, err)
		}
		for _, ref := range []string{unsigned.Ref, signed.Ref} {
			if len(ref) > 64 || strings.ContainsAny(ref, "/.?#%\r\n\x00 ") {
				t.Errorf("got %q", ref)
			}
		}
	})
}
