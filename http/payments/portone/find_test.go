// Find: every payment of an order and no other, however many pages they take, or an unknown outcome.

package portone_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"onsale/http/payments/portone"
	"onsale/http/payments/portone/fakeportone"
)

// pays makes attempts to pay order-1, a second apart, and returns what Get says of each.
func (f *fixture) pays(t *testing.T, client apiClient, attempts ...fakeportone.Payment) (refs []string, want []portone.Payment) {
	t.Helper()
	for _, made := range attempts {
		f.clock.advance(time.Second)
		made.MerchantUID = "order-1"
		p, err := f.Create(made)
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, p.ImpUID)
	}
	if f.api == "v2" {
		refs = []string{"order-1"} // a payment has one id, and its last attempt counts
	}
	for _, ref := range refs {
		p, err := client.Get(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, p)
	}
	return refs, want
}

func TestFind_ReturnsEveryAttempt(t *testing.T) {
	forEachAPI(t, func(t *testing.T, f *fixture) {
		client, ctx := f.client(t), t.Context()
		f.Pay("order-2", 9000)
		if got, err := client.Find(ctx, "order-1"); err != nil || len(got) != 0 {
			t.Fatalf("no attempt yet: got %+v, %v", got, err)
		}
		wantOutcome(t, client.Prepare(ctx, "order-1", 1000), "yes")
		if got, err := client.Find(ctx, "order-1"); err != nil || len(got) != 0 {
			t.Fatalf("prepared, and no attempt yet: got %+v, %v", got, err)
		}
		_, want := f.pays(t, client, fakeportone.Payment{Amount: 1000, Status: "failed"},
			fakeportone.Payment{Amount: 1000, Status: "ready", Method: "vbank"}, fakeportone.Payment{Amount: 1000})
		got, err := client.Find(ctx, "order-1")
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
		}
		if last := got[len(got)-1]; last.Status != portone.Paid || last.MerchantUID != "order-1" {
			t.Errorf("the last attempt is %+v", last)
		}
		f.wantNoViolations(t)
	})
}

// Refunds are shown, under both of V1's statuses of a partly refunded payment.
func TestFind_ShowsRefunds(t *testing.T) {
	for _, status := range []string{"paid", "cancelled"} {
		forEachAPI(t, func(t *testing.T, f *fixture) {
			f.PartlyCancelled = status
			_, uid := f.pay("order-1", 1000)
			for _, step := range []struct {
				refund, cancelled int64
				status            portone.Status
			}{{400, 400, portone.Paid}, {600, 1000, portone.Cancelled}} {
				if err := f.CancelAtConsole(uid, step.refund); err != nil {
					t.Fatal(err)
				}
				got, err := f.client(t).Find(t.Context(), "order-1")
				if err != nil || len(got) != 1 || got[0].Status != step.status || got[0].Cancelled != step.cancelled {
					t.Errorf("got %+v, %v, want it %s with %d refunded", got, err, step.status, step.cancelled)
				}
			}
		})
	}
}

func TestFind_ReadsAllPages(t *testing.T) {
	for _, attempts := range []int{99, 100, 101, 250, 1000} {
		f := newFixture(t, "v1")
		client := f.client(t)
		refs, _ := f.pays(t, client, slices.Repeat([]fakeportone.Payment{{Amount: 1000, Status: "failed"}}, attempts)...)
		got, err := client.Find(t.Context(), "order-1")
		if err != nil || len(got) != attempts {
			t.Fatalf("got %d of %d, %v", len(got), attempts, err)
		}
		for i, p := range got {
			if p.Ref != refs[i] {
				t.Fatalf("number %d is %s, want %s", i, p.Ref, refs[i])
			}
		}
		f.wantNoViolations(t)
	}
}

// The payer tries again while the pages are read: the new attempt comes last, and moves none past a page.
func TestFind_MissesNoneWhilePaging(t *testing.T) {
	f := newFixture(t, "v1")
	attempt := fakeportone.Payment{MerchantUID: "order-1", Amount: 1000, Status: "failed"}
	f.pays(t, f.client(t), slices.Repeat([]fakeportone.Payment{attempt}, 100)...)
	if _, err := f.Create(fakeportone.Payment{MerchantUID: "order-1", Amount: 1000}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.ServeHTTP(w, r)
		if strings.Contains(r.URL.Path, "findAll") {
			if _, err := f.Create(attempt); err != nil {
				t.Error(err)
			}
		}
	}))
	defer server.Close()
	f.config.URL = server.URL
	got, err := f.client(t).Find(t.Context(), "order-1")
	if err != nil || len(got) != 102 || got[100].Status != portone.Paid {
		t.Errorf("got %d payments, %v, want 102, of which number 100 is paid", len(got), err)
	}
}

// More attempts than anybody makes are unknown, and no list without the paid one.
func TestFind_StopsAtTooMany(t *testing.T) {
	f := newFixture(t, "v1")
	for range 1001 {
		if _, err := f.Create(fakeportone.Payment{MerchantUID: "order-1", Amount: 1, Status: "failed"}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := f.client(t).Find(t.Context(), "order-1")
	if !errors.Is(err, portone.ErrMalformed) || got != nil {
		t.Errorf("got %d payments, %v", len(got), err)
	}
}

// Payments of test channels are found as Get finds them.
func TestFind_HidesTestChannel(t *testing.T) {
	for _, test := range []bool{false, true} {
		f := newFixture(t, "v1")
		f.config.Test = test
		if _, err := f.Create(fakeportone.Payment{MerchantUID: "order-1", Amount: 1, Test: true}); err != nil {
			t.Fatal(err)
		}
		got, err := f.client(t).Find(t.Context(), "order-1")
		if err != nil || (len(got) == 1) != test {
			t.Errorf("test %v: got %+v, %v", test, got, err)
		}
	}
}

// A payment of a test channel is not shown to a live store, even if PortOne lists it.
func TestFind_HidesListedTestChannel(t *testing.T) {
	clients := cannedClients(t, &cannedResponse{200, v1ListOf(v1Item("r", "o"), strings.Replace(v1Item("s", "o"), "false", "true", 1))})
	got, err := clients["v1"].Find(t.Context(), "o")
	if err != nil || len(got) != 1 || got[0].Ref != "r" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func v1Item(ref, order string) string {
	return `{"imp_uid":"` + ref + `","merchant_uid":"` + order + `","amount":1000,"cancel_amount":0,"currency":"KRW","status":"paid","sandbox":false}`
}

func v1ListOf(items ...string) string {
	return fmt.Sprintf(`{"code":0,"message":null,"response":{"total":%d,"previous":0,"next":0,"list":[%s]}}`, len(items), strings.Join(items, ","))
}

// A list that may miss a payment, or has another order's, is unknown and never "none".
func TestFind_YieldsOutcome(t *testing.T) {
	a := new(cannedResponse)
	clients := cannedClients(t, a)
	good := v1ListOf(v1Item("r", "o"), v1Item("s", "o"))
	for _, row := range []struct {
		api          string
		status       int
		good         string
		instead, new string
		want         string
		payments     int
	}{
		{"v1", 200, good, ``, ``, "yes", 2},
		{"v1", 200, good, `"previous":0,"next":0`, `"previous":false,"next":false`, "yes", 2}, // as older clients read it
		{"v1", 200, good, `"total":2`, `"total":3`, "unknown", 0},
		{"v1", 200, good, `"total":2,`, ``, "unknown", 0},
		{"v1", 200, good, `"s"`, `"r"`, "unknown", 0},                               // one of them twice
		{"v1", 200, good, `"merchant_uid":"o"`, `"merchant_uid":"p"`, "unknown", 0}, // another order's
		{"v1", 200, good, `"s"`, `"../cancel"`, "unknown", 0},
		{"v1", 200, good, `"currency":"KRW",`, ``, "unknown", 0},
		{"v1", 200, good, `:1000`, `:1000.5`, "unknown", 0},
		{"v1", 200, good, `[{`, `[7,{`, "unknown", 0},
		{"v1", 200, good, `"list":[`, `"list":"none","was":[`, "unknown", 0},
		{"v1", 200, good, `"list"`, `"List"`, "unknown", 0},
		{"v1", 200, v1Item("r", "o"), ``, ``, "unknown", 0}, // no envelope
		{"v1", 200, v1ListOf(), ``, ``, "yes", 0},
		{"v1", 200, v1ListOf(), `,"list":[]`, ``, "yes", 0}, // the list is optional
		{"v1", 200, `{"code":-1,"message":"x"}`, ``, ``, "unknown", 0},
		{"v1", 400, `{"code":-1,"message":"x"}`, ``, ``, "unknown", 0},
		{"v1", 404, `{"code":-1,"message":"존재하지 않는 결제정보입니다."}`, ``, ``, "yes", 0},
		{"v1", 404, `{"error":"no route"}`, ``, ``, "unknown", 0}, // a proxy's no
		{"v2", 200, strings.ReplaceAll(v2Paid, `"r"`, `"o"`), ``, ``, "yes", 1},
		{"v2", 200, v2Paid, ``, ``, "unknown", 0}, // another payment
		{"v2", 404, `{"type":"PAYMENT_NOT_FOUND"}`, ``, ``, "yes", 0},
		{"v2", 404, `{"type":"NO_ROUTE"}`, ``, ``, "unknown", 0},
		{"v2", 400, `{"type":"INVALID_REQUEST"}`, ``, ``, "unknown", 0},
	} {
		*a = cannedResponse{row.status, strings.Replace(row.good, row.instead, row.new, 1)}
		if row.instead != "" && a.body == row.good {
			t.Fatalf("%q is not in %s", row.instead, row.good)
		}
		got, err := clients[row.api].Find(t.Context(), "o")
		if outcome(err) != row.want || len(got) != row.payments {
			t.Errorf("%s %d %s: got %s with %d payments, want %s with %d: %v", row.api, row.status, a.body, outcome(err), len(got), row.want,
				row.payments, err)
		}
	}
}
