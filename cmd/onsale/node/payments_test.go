package node_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"onsale/cmd/onsale/e2e/harness"
	"onsale/http/payments/portone/fakeportone"
)

// An order by each API and in a currency with decimals: prepared, paid, ordered, PAID, and refunded in part. The provider is down when
// the node starts, and /readyz says so. A second payment has no order: a webhook finds it, and its user's order comes after that.
func TestPayments_VerifiesByEachAPI(t *testing.T) {
	for api, currency := range map[string]string{"v1": "USD", "v2": "KRW"} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			ctx, client := harness.TimeoutContext(t, 60*time.Second), harness.NewHTTPClient(t, 0)
			fake := fakeportone.New()
			provider := httptest.NewServer(fake)
			t.Cleanup(provider.Close)
			if err := fake.Fail("", fakeportone.Fault{Kind: fakeportone.Error}, 0); err != nil {
				t.Fatal(err)
			}
			at := harness.NewNode(t, "--demo", "--payments-provider", "portone", "--payments-api", api, "--payments-url", provider.URL,
				"--payments-currency", currency, "--payments-require-prepare")
			if api == "v1" {
				at.Args = append(at.Args, "--payments-key", fake.Key, "--payments-secret", fake.Secret)
			} else {
				at.Args = append(at.Args, "--payments-secret", fake.APISecret, "--payments-store", fake.Store,
					"--payments-webhook-secrets", strings.Join(fake.WebhookSecrets, ","))
			}
			start(t, at)
			awaitBody := func(path, want string) {
				t.Helper()
				for {
					a := at.MustDo(ctx, client, "GET", path, "", "X-User-Id", "kim")
					if strings.Contains(a.Body, want) {
						return
					}
					if !harness.Sleep(ctx, 10*time.Millisecond) {
						t.Fatalf("%s: got %s, want %s", path, a, want)
					}
				}
			}
			awaitBody("/readyz", "the payment provider does not answer")
			fake.ClearFaults()

			pay := func() (ref string) {
				t.Helper()
				a := at.MustDo(ctx, client, "POST", "/api/v1/orders/prepare", `{"salePostId":"demo","count":1}`, "X-User-Id", "kim")
				var prepared struct {
					Result struct {
						MerchantUID string `json:"merchant_uid"`
						Amount      int64  `json:"amount"`
					}
				}
				if err := json.Unmarshal([]byte(a.Body), &prepared); err != nil || prepared.Result.MerchantUID == "" {
					t.Fatalf("got %s, %v", a, err)
				}
				paid, err := fake.Create(fakeportone.Payment{MerchantUID: prepared.Result.MerchantUID, Amount: prepared.Result.Amount, Currency: currency})
				if err != nil {
					t.Fatal(err)
				}
				if api == "v2" {
					return paid.MerchantUID // V2's paymentId
				}
				return paid.ImpUID
			}
			order := func(ref string) {
				t.Helper()
				at.MustDo(ctx, client, "POST", "/api/v1/orders", `{"imp_uid":"`+ref+`","salePostId":"demo","count":1,"amount":25000}`, "X-User-Id", "kim")
			}
			ref := pay()
			order(ref)
			awaitBody("/api/v1/orders/"+ref, `"orderStatus":"PAID"`)
			at.MustDo(ctx, client, "POST", "/api/v1/admin/orders/"+ref+"/cancel", `{"reason":"broken","percent":40}`, "X-User-Id", "admin", "X-User-Roles", "admin")
			awaitBody("/api/v1/orders/"+ref, `"orderStatus":"REFUNDED"`)
			if paid, refunded := fake.Sums(); paid != 25000 || refunded != 10000 {
				t.Errorf("%d paid and %d refunded, want 25000 and 10000", paid, refunded)
			}
			if err := fake.SendWebhooks(fakeportone.Webhooks{URL: at.URL() + "/api/v1/payments/webhook", V2: api == "v2"}); err != nil {
				t.Fatal(err)
			}
			ref = pay()
			awaitBody("/api/v1/me/orders", ref)
			awaitBody("/api/v1/orders/"+ref, `"orderStatus":"PAID"`)
			order(ref)
			for _, v := range fake.Violations() {
				t.Error("protocol violation: ", v)
			}
		})
	}
}
