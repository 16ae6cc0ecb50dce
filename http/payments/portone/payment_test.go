// Payments in both APIs: every status, exact amounts, and requests that are refused without being sent.

package portone_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"onsale/http/payments/portone"
	"onsale/http/payments/portone/fakeportone"
)

func TestPayment_ReadsEveryState(t *testing.T) {
	for name, row := range map[string]struct {
		made fakeportone.Payment
		then func(f *fixture, uid string) error
		want portone.Payment
	}{
		"paid":  {want: portone.Payment{Status: portone.Paid}},
		"ready": {made: fakeportone.Payment{Status: "ready"}, want: portone.Payment{Status: portone.Ready}},
		"failed": {made: fakeportone.Payment{Status: "failed", FailReason: "한도초과"},
			want: portone.Payment{Status: portone.Failed, FailReason: "한도초과"}},
		"waiting": {made: fakeportone.Payment{Status: "ready", Method: "vbank"},
			want: portone.Payment{Status: portone.Ready, Waiting: true}},
		"deposited": {made: fakeportone.Payment{Status: "ready", Method: "vbank"},
			then: func(f *fixture, uid string) error { return f.Deposit(uid) }, want: portone.Payment{Status: portone.Paid}},
		"paid late": {made: fakeportone.Payment{Status: "failed"},
			then: func(f *fixture, uid string) error { return f.SucceedLate(uid) }, want: portone.Payment{Status: portone.Paid}},
		"partly cancelled": {then: func(f *fixture, uid string) error { return f.CancelAtConsole(uid, 1) },
			want: portone.Payment{Status: portone.Paid, Cancelled: 1}},
		"partly cancelled, the other status": {then: func(f *fixture, uid string) error {
			f.PartlyCancelled = "cancelled"
			return f.CancelAtConsole(uid, 1)
		}, want: portone.Payment{Status: portone.Paid, Cancelled: 1}},
		"cancelled": {then: func(f *fixture, uid string) error { return f.CancelAtConsole(uid, 0) },
			want: portone.Payment{Status: portone.Cancelled, Cancelled: big}},
		"of a test channel": {made: fakeportone.Payment{Test: true}, want: portone.Payment{Status: portone.Paid, Test: true}},
		"in another currency": {then: func(f *fixture, uid string) error {
			return f.Tamper(uid, func(p *fakeportone.Payment) { p.Currency = "USD" })
		}, want: portone.Payment{Status: portone.Paid, Currency: "USD"}},
	} {
		t.Run(name, func(t *testing.T) {
			forEachAPI(t, func(t *testing.T, f *fixture) {
				f.config.Test = true
				made := row.made
				made.MerchantUID, made.Amount = "order-1", big
				p, err := f.Create(made)
				if err != nil {
					t.Fatal(err)
				}
				if row.then != nil {
					if err := row.then(f, p.ImpUID); err != nil {
						t.Fatal(err)
					}
				}
				want := row.want
				want.Ref, want.MerchantUID, want.Amount = "order-1", "order-1", big
				if f.api == "v1" {
					want.Ref = p.ImpUID
				} else if want.Cancelled > 0 {
					want.Refunds = 1
				}
				if want.Currency == "" {
					want.Currency = "KRW"
				}
				got, err := f.client(t).Get(t.Context(), want.Ref)
				if err != nil || got != want {
					t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
				}
			})
		})
	}
}

// big is an amount that a float64 cannot hold.
const big = 1<<53 + 1

func TestPayment_HidesTestChannel(t *testing.T) {
	f := newFixture(t, "v1")
	p, err := f.Create(fakeportone.Payment{MerchantUID: "order-1", Amount: 1, Test: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.client(t).Get(t.Context(), p.ImpUID)
	wantOutcome(t, err, "no")
}

// A requested refund is pending until it succeeds or fails.
func TestPayment_ReportsPendingRefund(t *testing.T) {
	for _, succeeded := range []bool{true, false} {
		f := newFixture(t, "v2")
		f.Asynchronous = true
		ref, uid := f.pay("order-1", 1000)
		client := f.client(t)
		pending, err := client.Cancel(t.Context(), cancelRequest(ref, 1000, 1000))
		if !pending || err != nil {
			t.Fatalf("got %v, %v, want it pending", pending, err)
		}
		p, err := client.Get(t.Context(), ref)
		if err != nil || p.Status != portone.Paid || p.Pending != 1000 || p.Cancelled != 0 {
			t.Errorf("got %+v, %v, want 1000 pending", p, err)
		}
		if err := f.Settle(uid, succeeded); err != nil {
			t.Fatal(err)
		}
		p, err = client.Get(t.Context(), ref)
		if err != nil || p.Pending != 0 || (p.Status == portone.Cancelled) != succeeded || (p.Cancelled == 1000) != succeeded {
			t.Errorf("got %+v, %v after the refund, success %v", p, err, succeeded)
		}
	}
}

func TestCancel_RejectsInvalidLocally(t *testing.T) {
	forEachAPI(t, func(t *testing.T, f *fixture) {
		sent := false
		f.Plan(func(string, int) fakeportone.Fault { sent = true; return fakeportone.Fault{} })
		client := f.client(t)
		for _, corrupt := range []func(*portone.Cancel){
			func(c *portone.Cancel) { c.Amount = 0 },
			func(c *portone.Cancel) { c.Amount = -1 },
			func(c *portone.Cancel) { c.Cancellable = 399 },
			func(c *portone.Cancel) { c.Cancellable = 0 },
			func(c *portone.Cancel) { c.Reason = " " },
			func(c *portone.Cancel) { c.Key = "short" },
			func(c *portone.Cancel) { c.Key = `a"quote-in-a-long-key` },
			func(c *portone.Cancel) { c.Ref = "" },
			func(c *portone.Cancel) { c.Ref = ".." },
			func(c *portone.Cancel) { c.Ref = "a/cancel" },
			func(c *portone.Cancel) { c.Ref = strings.Repeat("a", 65) },
		} {
			c := cancelRequest("imp_1", 400, 1000)
			corrupt(&c)
			_, err := client.Cancel(t.Context(), c)
			wantOutcome(t, err, "no")
		}
		for _, order := range []string{"", strings.Repeat("a", 41), "a b", "주문"} {
			wantOutcome(t, client.Prepare(t.Context(), order, 1), "no")
			_, err := client.Find(t.Context(), order)
			wantOutcome(t, err, "no")
		}
		wantOutcome(t, client.Prepare(t.Context(), "order-1", 0), "no")
		_, err := client.Get(t.Context(), "a?b")
		wantOutcome(t, err, "no")
		f.server.Close()
		if sent {
			t.Error("a request was sent")
		}
	})
}

// The keys are not sent to a redirect's target, and a server that never responds runs into the timeout.
func TestTransport_StopsAtRedirectAndTimeout(t *testing.T) {
	forEachAPI(t, func(t *testing.T, f *fixture) {
		elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			t.Errorf("followed the redirect to %s with %q", r.URL, r.Header.Get("Authorization"))
		}))
		defer elsewhere.Close()
		redirecting := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
		defer redirecting.Close()
		ended := make(chan struct{})
		silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-ended }))
		defer silent.Close()
		defer close(ended)
		for _, url := range []string{redirecting.URL, silent.URL} {
			f.config.URL, f.config.Timeout = url, 200*time.Millisecond
			_, err := f.client(t).Get(t.Context(), "imp_1")
			wantOutcome(t, err, "unknown")
		}
	})
}
