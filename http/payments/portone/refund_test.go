// Refunds in parts: each moves its own amount once, whatever becomes of its response, and the payment stays paid until
// nothing is left.

package portone_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"onsale/http/payments/portone"
	"onsale/http/payments/portone/fakeportone"
)

// part is a request to refund amount of balance, with a key of its own.
func part(ref string, amount, balance int64) portone.Cancel {
	c := cancelRequest(ref, amount, balance)
	c.Key = fmt.Sprintf("key-of-%s-%d-of-%d", ref, amount, balance)
	return c
}

// wantPayment looks a payment up and compares.
func wantPayment(t *testing.T, client apiClient, ref string, status portone.Status, cancelled, pending int64) {
	t.Helper()
	p, err := client.Get(t.Context(), ref)
	if err != nil || p.Status != status || p.Cancelled != cancelled || p.Pending != pending {
		t.Errorf("got %+v, %v, want it %s, %d refunded and %d pending", p, err, status, cancelled, pending)
	}
}

func (f *fixture) wantRefunds(t *testing.T, uid string, want ...int64) {
	t.Helper()
	var got []int64
	for _, c := range f.Cancels(uid) {
		got = append(got, c.Amount)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("refunds of %v, want %v", got, want)
	}
}

func TestCancel_RefundsInParts(t *testing.T) {
	for _, status := range []string{"paid", "cancelled"} { // V1 does not document its status in between
		forEachAPI(t, func(t *testing.T, f *fixture) {
			f.PartlyCancelled = status
			ref, uid := f.pay("order-1", 1000)
			client := f.client(t)
			for _, step := range []struct {
				amount, balance, cancelled int64
				status                     portone.Status
			}{
				{300, 1000, 300, portone.Paid},
				{1, 700, 301, portone.Paid},
				{698, 699, 999, portone.Paid},
				{1, 1, 1000, portone.Cancelled},
			} {
				if pending, err := client.Cancel(t.Context(), part(ref, step.amount, step.balance)); err != nil || pending {
					t.Fatalf("refund of %d of %d: pending %v, %v", step.amount, step.balance, pending, err)
				}
				wantPayment(t, client, ref, step.status, step.cancelled, 0)
			}
			f.wantRefunds(t, uid, 300, 1, 698, 1)
			f.wantNoViolations(t)
		})
	}
}

// A balance that is not the provider's, or an amount above it, is a definite no and moves nothing.
func TestCancel_RefusesWrongBalance(t *testing.T) {
	forEachAPI(t, func(t *testing.T, f *fixture) {
		ref, uid := f.pay("order-1", 1000)
		client := f.client(t)
		if _, err := client.Cancel(t.Context(), part(ref, 300, 1000)); err != nil {
			t.Fatal(err)
		}
		code := map[string]string{"v1": "1", "v2": "CANCELLABLE_AMOUNT_CONSISTENCY_BROKEN"}[f.api]
		for _, row := range []struct {
			amount, balance int64
			code            string
		}{
			{100, 1000, code}, // as it was before
			{800, 1000, code}, // more than is left, by an old balance
			{100, 699, code},
			{701, 701, code},
			{701, 700, "not_sent"},
			{0, 700, "not_sent"}, // to V1 that is everything
			{-1, 700, "not_sent"},
		} {
			_, err := client.Cancel(t.Context(), part(ref, row.amount, row.balance))
			wantOutcome(t, err, "no")
			if refusal, ok := errors.AsType[*portone.Refusal](err); ok && refusal.Code != row.code {
				t.Errorf("refund of %d of %d: %v, want the code %s", row.amount, row.balance, err, row.code)
			}
		}
		wantPayment(t, client, ref, portone.Paid, 300, 0)
		f.wantRefunds(t, uid, 300)
		if _, err := client.Cancel(t.Context(), part(ref, 700, 700)); err != nil {
			t.Error(err)
		}
		f.wantRefunds(t, uid, 300, 700)
		f.wantNoViolations(t)
	})
}

// A part whose response was lost is repeated as it was. V1 refuses the repetition by its balance, V2 repeats its response;
// the money moves once, and a second part of the same amount is another refund.
func TestCancel_RepeatsLostPart(t *testing.T) {
	for kind, effect := range map[fakeportone.Kind]bool{
		fakeportone.ResetAfter: true, fakeportone.ErrorAfter: true, fakeportone.Garbage: true, fakeportone.Page: true,
		fakeportone.Reset: false, fakeportone.Error: false, fakeportone.TooMany: false, fakeportone.Redirect: false,
	} {
		t.Run(string(kind), func(t *testing.T) {
			forEachAPI(t, func(t *testing.T, f *fixture) {
				ref, uid := f.pay("order-1", 1000)
				client := f.client(t)
				wantOutcome(t, f.withFault(t, kind, "cancel", func(ctx context.Context) error {
					_, err := client.Cancel(ctx, part(ref, 400, 1000))
					return err
				}), "unknown")
				_, err := client.Cancel(t.Context(), part(ref, 400, 1000))
				if want := map[bool]string{true: "no", false: "yes"}[effect && f.api == "v1"]; outcome(err) != want {
					t.Errorf("repeated: got %s, want %s: %v", outcome(err), want, err)
				}
				wantPayment(t, client, ref, portone.Paid, 400, 0)
				if _, err := client.Cancel(t.Context(), part(ref, 400, 600)); err != nil {
					t.Error(err)
				}
				wantPayment(t, client, ref, portone.Paid, 800, 0)
				f.wantRefunds(t, uid, 400, 400)
				f.wantNoViolations(t)
			})
		})
	}
}

// Two nodes refund a part of the same balance at the same time: one of them does.
func TestCancel_RefundsPartOnceInParallel(t *testing.T) {
	forEachAPI(t, func(t *testing.T, f *fixture) {
		ref, uid := f.pay("order-1", 1000)
		client, yes := f.client(t), atomic.Int64{}
		var nodes sync.WaitGroup
		for node := range 8 {
			nodes.Go(func() {
				c := part(ref, 300, 1000)
				c.Key += fmt.Sprint("-by-", node)
				_, err := client.Cancel(t.Context(), c)
				if err == nil {
					yes.Add(1)
				} else {
					wantOutcome(t, err, "no")
				}
			})
		}
		nodes.Wait()
		if yes.Load() != 1 {
			t.Errorf("%d refunds succeeded, want 1", yes.Load())
		}
		f.wantRefunds(t, uid, 300)
	})
}

// V2 may only take note of a part. It is pending until it succeeds or fails; after a failure the same balance needs a new
// key, because the old one still gets the old response.
func TestCancel_ReportsPendingPart(t *testing.T) {
	f := newFixture(t, "v2")
	f.Asynchronous = true
	ref, uid := f.pay("order-1", 1000)
	client := f.client(t)
	request := func(c portone.Cancel) {
		t.Helper()
		if pending, err := client.Cancel(t.Context(), c); err != nil || !pending {
			t.Errorf("got pending %v, %v", pending, err)
		}
	}
	settle := func(succeeded bool) {
		t.Helper()
		if err := f.Settle(uid, succeeded); err != nil {
			t.Fatal(err)
		}
	}

	request(part(ref, 400, 1000))
	request(part(ref, 400, 1000)) // the response was lost
	wantPayment(t, client, ref, portone.Paid, 0, 400)
	_, err := client.Cancel(t.Context(), part(ref, 401, 1000)) // what is pending is no longer in the balance
	wantOutcome(t, err, "no")
	settle(true)
	wantPayment(t, client, ref, portone.Paid, 400, 0)

	request(part(ref, 100, 600))
	wantPayment(t, client, ref, portone.Paid, 400, 100)
	settle(false)
	wantPayment(t, client, ref, portone.Paid, 400, 0)
	request(part(ref, 100, 600)) // the response of the part that failed
	wantPayment(t, client, ref, portone.Paid, 400, 0)
	retry := part(ref, 100, 600)
	retry.Key += "-2"
	request(retry)
	settle(true)
	wantPayment(t, client, ref, portone.Paid, 500, 0)

	request(part(ref, 500, 500))
	settle(true)
	wantPayment(t, client, ref, portone.Cancelled, 1000, 0)
	f.wantRefunds(t, uid, 400, 100, 500)
	f.wantNoViolations(t)
}

// Under random faults a caller that looks up, refunds what is missing and looks up again refunds each part once.
func TestRandomFaults_RefundPartsOnce(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			forEachAPI(t, func(t *testing.T, f *fixture) {
				f.Asynchronous = f.api == "v2" && seed%2 == 1
				if err := f.RandomFaults(seed, 0.4); err != nil {
					t.Fatal(err)
				}
				client := f.client(t)
				for n := range 5 {
					order := fmt.Sprintf("order-%d", n)
					_, uid := f.pay(order, 1000)
					for _, goal := range []int64{300, 600, 750} {
						refundUpTo(t, f, client, order, goal)
					}
					f.wantRefunds(t, uid, 300, 300, 150)
				}
				f.wantNoViolations(t)
			})
		})
	}
}

// refundUpTo refunds until goal of the order's one payment is refunded.
func refundUpTo(t *testing.T, f *fixture, client apiClient, order string, goal int64) {
	t.Helper()
	for attempt := range 500 {
		found, err := client.Find(t.Context(), order)
		if err != nil {
			wantOutcome(t, err, "unknown")
			continue
		}
		if len(found) != 1 {
			t.Fatalf("found %+v", found)
		}
		p := found[0]
		switch {
		case p.Cancelled == goal:
			return
		case p.Pending > 0:
			if err := f.Settle(f.Payments()[len(f.Payments())-1].ImpUID, true); err != nil {
				t.Fatal(err)
			}
			continue
		}
		c := part(p.Ref, goal-p.Cancelled, p.Amount-p.Cancelled)
		c.Key += fmt.Sprint("-attempt-", attempt)
		_, _ = client.Cancel(t.Context(), c) // the next look-up shows its effect
	}
	t.Fatalf("%s is not refunded up to %d after 500 attempts", order, goal)
}
