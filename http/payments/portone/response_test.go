// Canned responses that are almost right, and the outcome of each.

package portone_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"onsale/http/payments/portone"
)

type cannedResponse struct {
	status int
	body   string
}

// cannedClients is a client of each API on a server that responds to all requests, except for V1's token, with *a.
func cannedClients(t testing.TB, a *cannedResponse) map[string]apiClient {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/users/getToken" {
			_, _ = io.WriteString(w, `{"code":0,"response":{"access_token":"t","expired_at":1800,"now":0}}`)
			return
		}
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body)
	}))
	t.Cleanup(server.Close)
	c := portone.Config{URL: server.URL, Key: "k", Secret: "s"}
	return map[string]apiClient{"v1": newClient(t, "v1", c), "v2": newClient(t, "v2", c)}
}

const (
	v1Paid = `{"code":0,"message":null,"response":{"imp_uid":"r","merchant_uid":"o","amount":1000,"cancel_amount":400,` +
		`"currency":"KRW","status":"paid","sandbox":false}}`
	v2Paid = `{"status":"PAID","id":"r","amount":{"total":1000,"cancelled":400},"currency":"KRW","channel":{"type":"LIVE"}}`
	v2Done = `{"cancellation":{"status":"SUCCEEDED","totalAmount":400}}`
)

// Each row changes one thing in a good response.
func TestResponse_YieldsOutcome(t *testing.T) {
	a := new(cannedResponse)
	clients := cannedClients(t, a)
	for _, row := range []struct {
		api, call    string
		status       int
		good         string
		instead, new string
		want         string
	}{
		{"v1", "get", 200, v1Paid, ``, ``, "yes"},
		{"v1", "get", 200, v1Paid, `:1000`, `:1000.00`, "yes"},
		{"v1", "get", 200, v1Paid, `:1000`, `:1000.5`, "unknown"},
		{"v1", "get", 200, v1Paid, `:1000`, `:1e3`, "unknown"},
		{"v1", "get", 200, v1Paid, `:1000`, `:-1000`, "unknown"},
		{"v1", "get", 200, v1Paid, `:1000`, `:"1000"`, "unknown"},
		{"v1", "get", 200, v1Paid, `:1000`, `:9223372036854775807`, "yes"},
		{"v1", "get", 200, v1Paid, `:1000`, `:9223372036854775808`, "unknown"},
		{"v1", "get", 200, v1Paid, `:1000`, `:399`, "unknown"},                          // less than was refunded
		{"v1", "get", 200, v1Paid, `"amount"`, `"Amount"`, "unknown"},                   // another field
		{"v1", "get", 200, v1Paid, `:"r"`, `:"other"`, "unknown"},                       // another payment
		{"v1", "get", 200, v1Paid, `,"sandbox":false`, ``, "unknown"},                   // is the channel live?
		{"v1", "get", 200, v1Paid, `:{`, `:null,"was":{`, "unknown"},                    //
		{"v1", "get", 404, v1Paid, ``, ``, "unknown"},                                   // a 404 with a yes
		{"v1", "get", 404, `{"error":"no route"}`, ``, ``, "unknown"},                   // a proxy's no
		{"v1", "get", 404, `{"code":-1,"message":"x"}`, ``, ``, "no"},                   //
		{"v1", "get", 200, `{"code":-1,"message":"x"}`, ``, ``, "unknown"},              // says nothing about the payment
		{"v1", "get", 200, v1Paid, `"message":null`, `"message":"\ud83d"`, "yes"},       // a text that was cut in an emoji
		{"v1", "get", 200, v1Paid, `"message":null`, "\"message\":\"\xb0\xa1\"", "yes"}, // and one in another encoding
		{"v1", "cancel", 200, v1Paid, `:1000`, `:1001`, "unknown"},                      // not the balance that must be left
		{"v1", "cancel", 200, v1Paid, `:"r"`, `:"other"`, "unknown"},                    //
		{"v1", "cancel", 200, `{"code":1,"message":"이미 전액취소된 주문입니다."}`, ``, ``, "no"},
		{"v1", "cancel", 500, `{"code":1,"message":"x"}`, ``, ``, "unknown"},
		{"v1", "cancel", 408, `{"code":1,"message":"x"}`, ``, ``, "unknown"},
		{"v2", "get", 200, v2Paid, ``, ``, "yes"},
		{"v2", "get", 200, v2Paid, `:"r"`, `:"other"`, "unknown"},
		{"v2", "get", 200, v2Paid, `"LIVE"`, `"NEW"`, "unknown"}, // is the channel live?
		{"v2", "get", 200, v2Paid, `"cancelled":400`, `"cancelled":null`, "unknown"},
		{"v2", "get", 404, `{"type":"PAYMENT_NOT_FOUND"}`, ``, ``, "no"},
		{"v2", "get", 404, `{"type":"NO_ROUTE"}`, ``, ``, "unknown"},
		{"v2", "get", 400, `{"type":"INVALID_REQUEST"}`, ``, ``, "unknown"},
		{"v2", "cancel", 200, v2Done, ``, ``, "yes"},
		{"v2", "cancel", 200, v2Done, `:400`, `:401`, "unknown"},
		{"v2", "cancel", 200, v2Done, `SUCCEEDED`, `FAILED`, "no"},
		{"v2", "cancel", 200, v2Done, `SUCCEEDED`, `NEW`, "unknown"},
		{"v2", "cancel", 202, v2Done, ``, ``, "unknown"},
		{"v2", "cancel", 409, `{"type":"PAYMENT_ALREADY_CANCELLED"}`, ``, ``, "no"},
		{"v2", "cancel", 409, `{}`, ``, ``, "unknown"},
		{"v2", "cancel", 502, `{"type":"PG_PROVIDER","pgMessage":"x"}`, ``, ``, "unknown"}, // the card company may have done it
	} {
		*a = cannedResponse{row.status, strings.Replace(row.good, row.instead, row.new, 1)}
		if row.instead != "" && a.body == row.good {
			t.Fatalf("%q is not in %s", row.instead, row.good)
		}
		var err error
		if row.call == "get" {
			_, err = clients[row.api].Get(t.Context(), "r")
		} else {
			_, err = clients[row.api].Cancel(t.Context(), cancelRequest("r", 400, 1000))
		}
		if got := outcome(err); got != row.want {
			t.Errorf("%s %s %d %s: got %s, want %s: %v", row.api, row.call, row.status, a.body, got, row.want, err)
		}
	}
}

func TestResponse_MapsV2Status(t *testing.T) {
	a := new(cannedResponse)
	client := cannedClients(t, a)["v2"]
	for word, want := range map[string]portone.Status{
		"READY": portone.Ready, "PENDING": portone.Ready, "PAY_PENDING": portone.Ready, "VIRTUAL_ACCOUNT_ISSUED": portone.Ready,
		"PAID": portone.Paid, "PARTIAL_CANCELLED": portone.Paid, "FAILED": portone.Failed, "DISPUTED": portone.Unknown,
		"CANCELLED": portone.Paid, // for 600 of 1000 are left
	} {
		*a = cannedResponse{200, strings.Replace(v2Paid, `"PAID"`, `"`+word+`"`, 1)}
		p, err := client.Get(t.Context(), "r")
		if err != nil || p.Status != want {
			t.Errorf("%s: got %s, %v, want %s", word, p.Status, err, want)
		}
	}
}

// A payment that was called off before it was paid has failed. One that was or may have been paid, and is cancelled without
// a refund, keeps its status.
func TestResponse_FailsNeverPaid(t *testing.T) {
	a := new(cannedResponse)
	clients := cannedClients(t, a)
	const v1 = `{"code":0,"message":null,"response":{"imp_uid":"r","merchant_uid":"o","amount":1000,"cancel_amount":0,"currency":"KRW",` +
		`"status":"cancelled","sandbox":false,"paid_at":0}}`
	const v2 = `{"status":"CANCELLED","id":"r","amount":{"total":1000,"cancelled":0},"currency":"KRW","channel":{"type":"LIVE"}}`
	for _, row := range []struct {
		api, text string
		want      portone.Status
	}{
		{"v1", v1, portone.Failed},
		{"v1", strings.Replace(v1, `"paid_at":0`, `"paid_at":1782000000`, 1), portone.Cancelled},
		{"v1", strings.Replace(v1, `,"paid_at":0`, ``, 1), portone.Cancelled},
		{"v1", strings.Replace(v1, `"cancel_amount":0`, `"cancel_amount":1000`, 1), portone.Cancelled},
		{"v2", v2, portone.Failed},
		{"v2", strings.Replace(v2, `"id":"r"`, `"id":"r","paidAt":"2026-07-01T01:00:00Z"`, 1), portone.Cancelled},
	} {
		*a = cannedResponse{200, row.text}
		if p, err := clients[row.api].Get(t.Context(), "r"); err != nil || p.Status != row.want {
			t.Errorf("%s: got %s, %v, want %s", row.text, p.Status, err, row.want)
		}
	}
}

// Whatever a server responds, the outcome is yes, no or unknown.
func FuzzResponse(f *testing.F) {
	for _, seed := range []string{
		v1Paid, v2Paid, v2Done, v1ListOf(v1Item("r", "o"), v1Item("s", "o")), `{"code":1,"message":"이미 전액취소된 주문입니다.","response":null}`, `{"type":"PAYMENT_NOT_FOUND"}`,
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
			found, err := client.Find(t.Context(), "o")
			for _, p := range found {
				if err != nil || p.MerchantUID != "o" || p.Ref == "" || p.Cancelled < 0 || p.Cancelled > p.Amount {
					t.Errorf("found %+v, %v in %q", p, err, body)
				}
			}
			wantAnyOutcome(t, err)
			_, err = client.Cancel(t.Context(), cancelRequest("r", 400, 1000))
			wantAnyOutcome(t, err)
			wantAnyOutcome(t, client.Prepare(t.Context(), "o", 1000))
			if err == nil && s != 200 {
				t.Errorf("a %d is taken as yes", s)
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
