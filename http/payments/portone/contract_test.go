// What both APIs promise, checked against the fake and, with keys of a test store in the environment, against the real
// sandbox:
//
//	ONSALE_PORTONE_V1_KEY, ONSALE_PORTONE_V1_SECRET, and ONSALE_PORTONE_V1_REF, an imp_uid of a test payment
//	ONSALE_PORTONE_V2_SECRET, and ONSALE_PORTONE_V2_REF, a payment id; ONSALE_PORTONE_V2_STORE where there are several
//
// No existing payment is refunded.

package portone_test

import (
	"crypto/rand"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"onsale/http/payments/portone"
)

func TestContract_HoldsForFake(t *testing.T) {
	forEachAPI(t, func(t *testing.T, f *fixture) {
		ref, _ := f.pay("order-1", 1000)
		checkContract(t, f.api, f.config, ref)
		f.wantNoViolations(t)
	})
}

func TestContract_HoldsForSandbox(t *testing.T) {
	for api, address := range map[string]string{"v1": "https://api.iamport.kr", "v2": "https://api.portone.io"} {
		t.Run(api, func(t *testing.T) {
			env := func(name string) string { return os.Getenv("ONSALE_PORTONE_" + strings.ToUpper(api) + "_" + name) }
			c := portone.Config{URL: address, Key: env("KEY"), Secret: env("SECRET"), Store: env("STORE"), Test: true}
			if c.Secret == "" || api == "v1" && c.Key == "" || env("REF") == "" {
				t.Skip("no keys of a test store in the environment; see contract_test.go")
			}
			checkContract(t, api, c, env("REF"))
		})
	}
}

func checkContract(t *testing.T, api string, c portone.Config, ref string) {
	client, ctx := newClient(t, api, c), t.Context()
	p, err := client.Get(ctx, ref)
	if err != nil || p.Ref != ref || p.MerchantUID == "" || p.Amount <= 0 || p.Status == portone.Unknown {
		t.Errorf("got %+v, %v", p, err)
	}
	same := func(other portone.Payment) bool { return other == p }
	if found, err := client.Find(ctx, p.MerchantUID); err != nil || !slices.ContainsFunc(found, same) {
		t.Errorf("found %+v, %v, without %+v", found, err, p)
	}

	missing := "none" + rand.Text()[:20]
	if found, err := client.Find(ctx, missing); err != nil || len(found) != 0 {
		t.Errorf("missing order: found %+v, %v, want none", found, err)
	}
	_, err = client.Get(ctx, missing)
	if !errors.Is(err, portone.ErrNotFound) {
		t.Errorf("missing payment: got %v, want ErrNotFound", err)
	}
	_, err = client.Cancel(ctx, cancelRequest(missing, 100, 100))
	wantOutcome(t, err, "no")
	if p.Status == portone.Paid {
		_, err = client.Cancel(ctx, cancelRequest(ref, 1, p.Amount-p.Cancelled+1)) // a wrong balance
		wantOutcome(t, err, "no")
	}

	order := "onsale-" + rand.Text()
	wantOutcome(t, client.Prepare(ctx, order, 1000), "yes")
	wantOutcome(t, client.Prepare(ctx, order, 1000), "yes") // repeated
	other := map[string]string{"v1": "no", "v2": "yes"}[api]
	wantOutcome(t, client.Prepare(ctx, order, 2000), other)

	c.Secret = "wrong" + rand.Text()
	if _, err = newClient(t, api, c).Get(ctx, ref); !errors.Is(err, portone.ErrAuth) {
		t.Errorf("got %v with a wrong secret, want ErrAuth", err)
	}
}
