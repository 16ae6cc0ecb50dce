// Currencies with decimals: V1 speaks major units (14.2), V2 and this package minor ones (1420).

package portone_test

import (
	"errors"
	"fmt"
	"testing"

	"onsale/http/payments/portone"
	"onsale/http/payments/portone/fakeportone"
)

// A payment is prepared, paid, looked up and refunded in parts, the first of one minor unit.
func TestCurrency_KeepsMinorUnits(t *testing.T) {
	for code, amount := range map[string]int64{"USD": 1420, "KWD": 12005, "JPY": 1420, "KRW": big, "EUR": 7} {
		t.Run(code, func(t *testing.T) {
			forEachAPI(t, func(t *testing.T, f *fixture) {
				f.config.Currency = code
				client, ctx := f.client(t), t.Context()
				for range 2 { // the second compares with what was prepared
					wantOutcome(t, client.Prepare(ctx, "order-1", amount), "yes")
				}
				if got := f.Prepared("order-1"); got != amount {
					t.Fatalf("prepared %d, want %d", got, amount)
				}
				p, err := f.Create(fakeportone.Payment{MerchantUID: "order-1", Amount: amount, Currency: code})
				if err != nil {
					t.Fatal(err)
				}
				ref := map[string]string{"v1": p.ImpUID, "v2": "order-1"}[f.api]
				got, err := client.Get(ctx, ref)
				if err != nil || got.Amount != amount || got.Currency != code || got.Status != portone.Paid {
					t.Fatalf("got %+v, %v, want %d %s", got, err, amount, code)
				}
				left := amount
				for _, part := range []int64{1, 2, amount - 3} {
					c := cancelRequest(ref, part, left)
					c.Currency = code
					c.Key += fmt.Sprint(left)
					if _, err := client.Cancel(ctx, c); err != nil {
						t.Fatalf("refund of %d of %d: %v", part, left, err)
					}
					left -= part
					status := portone.Paid
					if left == 0 {
						status = portone.Cancelled
					}
					wantPayment(t, client, ref, status, amount-left, 0)
				}
				f.wantNoViolations(t)
			})
		})
	}
}

// A part in a currency that is not the payment's has another balance in V1's major units: it is refused, whatever its amount.
// V2 has no currency in a refund, and minor units in all of them.
func TestCurrency_RefusesRefundInAnother(t *testing.T) {
	f := newFixture(t, "v1")
	client := f.client(t)
	for paid, others := range map[string][]string{"USD": {"KRW", "KWD", "XXX", ""}, "KRW": {"USD", "KWD"}} {
		p, err := f.Create(fakeportone.Payment{MerchantUID: "order-" + paid, Amount: 14200, Currency: paid})
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range others {
			c := part(p.ImpUID, 4200, 14200)
			c.Currency = code
			_, err := client.Cancel(t.Context(), c)
			wantOutcome(t, err, "no")
		}
		f.wantRefunds(t, p.ImpUID)
	}
}

// The wire as PortOne documents it, independent of the fake.
func TestCurrency_ReadsMajorUnitsOfV1(t *testing.T) {
	a := new(cannedResponse)
	client := cannedClients(t, a)["v1"]
	for text, want := range map[string]int64{"14.2": 1420, "14.20": 1420, "14": 1400, "0.29": 29, "14.205": -1, "1.42e1": -1} {
		*a = cannedResponse{200, `{"code":0,"response":{"imp_uid":"r","merchant_uid":"o","amount":` + text +
			`,"cancel_amount":0,"currency":"USD","status":"paid","sandbox":false}}`}
		p, err := client.Get(t.Context(), "r")
		if want < 0 && !errors.Is(err, portone.ErrMalformed) || want >= 0 && (err != nil || p.Amount != want) {
			t.Errorf("%s: got %d, %v, want %d", text, p.Amount, err, want)
		}
	}
	*a = cannedResponse{200, `{"code":0,"response":{"imp_uid":"r","merchant_uid":"o","amount":1,"cancel_amount":0,"currency":"XXX","status":"paid","sandbox":false}}`}
	if p, err := client.Get(t.Context(), "r"); !errors.Is(err, portone.ErrMalformed) {
		t.Errorf("an unknown currency: got %+v, %v", p, err)
	}
}

func TestCurrency_RefusesUnknown(t *testing.T) {
	for _, code := range []string{"XXX", "usd", "WON", "XAU"} {
		c := portone.Config{URL: "http://127.0.0.1:1", Key: "k", Secret: "s", Currency: code}
		if _, err := portone.NewV1(c); err == nil {
			t.Errorf("V1 takes %s", code)
		}
		if _, err := portone.NewV2(c); err == nil {
			t.Errorf("V2 takes %s", code)
		}
	}
}
