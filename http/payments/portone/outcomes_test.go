// Under every fault, the outcome is yes, no or unknown as it must be, and money is refunded at most once.

package portone_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"onsale/http/payments/portone"
	"onsale/http/payments/portone/fakeportone"
)

func TestOutcome_DependsOnFault(t *testing.T) {
	for _, row := range []struct {
		kind                 fakeportone.Kind
		get, cancel, prepare string
		effects              int
	}{
		{fakeportone.None, "yes", "yes", "yes", 1},
		{fakeportone.Slow, "unknown", "unknown", "unknown", 1},
		{fakeportone.Error, "unknown", "unknown", "unknown", 0},
		{fakeportone.ErrorAfter, "unknown", "unknown", "unknown", 1},
		{fakeportone.Reset, "unknown", "unknown", "unknown", 0},
		{fakeportone.ResetAfter, "unknown", "unknown", "unknown", 1},
		{fakeportone.TooMany, "unknown", "unknown", "unknown", 0},
		{fakeportone.Refuse, "unknown", "no", "no", 0},
		{fakeportone.Redirect, "unknown", "unknown", "unknown", 0},
		{fakeportone.Garbage, "unknown", "unknown", "unknown", 1},
		{fakeportone.Page, "unknown", "unknown", "unknown", 1},
		{fakeportone.Huge, "unknown", "unknown", "unknown", 1},
		{fakeportone.Extra, "yes", "yes", "yes", 1},
		{fakeportone.Enum, "yes", "v2: unknown", "yes", 1},
		{fakeportone.Fraction, "unknown", "unknown", "v1: unknown", 1},
		{fakeportone.Revoke, "yes", "yes", "yes", 1},
	} {
		t.Run(string(row.kind), func(t *testing.T) {
			forEachAPI(t, func(t *testing.T, f *fixture) {
				ref, uid := f.pay("order-1", 1000)
				client := f.client(t)

				wantOutcome(t, f.withFault(t, row.kind, "get", func(ctx context.Context) error {
					_, err := client.Get(ctx, ref)
					return err
				}), row.get)
				find := map[string]string{"v1": "find", "v2": "get"}[f.api]
				wantOutcome(t, f.withFault(t, row.kind, find, func(ctx context.Context) error {
					found, err := client.Find(ctx, "order-1")
					if (err == nil) != (len(found) == 1) {
						t.Errorf("found %+v, %v", found, err)
					}
					return err
				}), row.get)
				wantOutcome(t, f.withFault(t, row.kind, "cancel", func(ctx context.Context) error {
					pending, err := client.Cancel(ctx, cancelRequest(ref, 400, 1000))
					if pending {
						t.Error("got pending")
					}
					return err
				}), f.forAPI(row.cancel))
				wantOutcome(t, f.withFault(t, row.kind, "prepare", func(ctx context.Context) error {
					return client.Prepare(ctx, "order-2", 5000)
				}), f.forAPI(row.prepare))

				f.server.Close() // waits for slow requests
				if got := len(f.Cancels(uid)); got != row.effects {
					t.Errorf("got %d cancellations, want %d", got, row.effects)
				}
				if _, refunded := f.Sums(); refunded != 400*int64(row.effects) {
					t.Errorf("got %d refunded", refunded)
				}
				if got := f.Prepared("order-2"); got != 5000*int64(row.effects) {
					t.Errorf("got %d prepared, want it %d times", got, row.effects)
				}
				f.wantNoViolations(t)
			})
		})
	}
}

// forAPI resolves "v2: unknown": unknown for V2, yes for V1.
func (f *fixture) forAPI(want string) string {
	if len(want) > 4 && want[2] == ':' {
		if want[:2] == f.api {
			return want[4:]
		}
		return "yes"
	}
	return want
}

// withFault calls do while every request of a route has a fault. The caller of a slow request gives up at once; a token is
// revoked once only, or no request would succeed.
func (f *fixture) withFault(t *testing.T, kind fakeportone.Kind, route string, do func(context.Context) error) error {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f.Plan(func(at string, n int) fakeportone.Fault {
		if at != route || kind == fakeportone.Revoke && n > 1 {
			return fakeportone.Fault{}
		}
		if kind == fakeportone.Slow {
			cancel()
		}
		return fakeportone.Fault{Kind: kind, Delay: 2 * time.Second}
	})
	defer f.Plan(nil)
	return do(ctx)
}

// A slow refund takes effect after its retry: its balance is no longer right, and PortOne refuses it.
func TestOutcome_RefundsOnceOnLateEffect(t *testing.T) {
	forEachAPI(t, func(t *testing.T, f *fixture) {
		ref, uid := f.pay("order-1", 1000)
		client := f.client(t)
		wantOutcome(t, f.withFault(t, fakeportone.Slow, "cancel", func(ctx context.Context) error {
			_, err := client.Cancel(ctx, cancelRequest(ref, 400, 1000))
			return err
		}), "unknown")
		retry := cancelRequest(ref, 400, 1000)
		retry.Key = "another-key-0123456789"
		_, err := client.Cancel(t.Context(), retry)
		if got := outcome(err); got == "unknown" {
			t.Errorf("got %s: %v", got, err)
		}
		f.server.Close()
		if got := len(f.Cancels(uid)); got != 1 {
			t.Errorf("got %d cancellations, want 1", got)
		}
	})
}

// With the same key V2 first says that the request is still in progress, and then repeats the response that was lost.
func TestOutcome_ReplaysSameKey(t *testing.T) {
	f := newFixture(t, "v2")
	ref, uid := f.pay("order-1", 1000)
	client := f.client(t)
	cancel := func(ctx context.Context) error {
		_, err := client.Cancel(ctx, cancelRequest(ref, 400, 1000))
		return err
	}
	wantOutcome(t, f.withFault(t, fakeportone.Slow, "cancel", cancel), "unknown")
	err := cancel(t.Context())
	for ; errors.Is(err, portone.ErrUnknown); err = cancel(t.Context()) {
	}
	wantOutcome(t, err, "yes")
	if got := len(f.Cancels(uid)); got != 1 {
		t.Errorf("got %d cancellations, want 1", got)
	}
	f.clock.advance(3*time.Hour + time.Second) // the key has expired, the balance still protects
	wantOutcome(t, cancel(t.Context()), "no")
}

// Under random faults a caller that retries refunds each payment exactly once.
func TestRandomFaults_RefundOnce(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			forEachAPI(t, func(t *testing.T, f *fixture) {
				f.Asynchronous = f.api == "v2" && seed%2 == 1
				if err := f.RandomFaults(seed, 0.4); err != nil {
					t.Fatal(err)
				}
				client, total := f.client(t), int64(0)
				for n := range 10 {
					amount := int64(1000 + n)
					total += amount
					ref, uid := f.pay(fmt.Sprintf("order-%d", n), amount)
					refundFully(t, client, ref)
					if got := f.Cancels(uid); len(got) != 1 || got[0].Amount != amount {
						t.Fatalf("%s was refunded as %+v", ref, got)
					}
					if f.Asynchronous {
						if err := f.Settle(uid, true); err != nil {
							t.Fatal(err)
						}
					}
				}
				if paid, refunded := f.Sums(); paid != total || refunded != total {
					t.Errorf("paid %d, refunded %d, want %d", paid, refunded, total)
				}
				f.wantNoViolations(t)
			})
		})
	}
}

// refundFully does what a caller must: look up, refund the balance, look up again, until nothing is left.
func refundFully(t *testing.T, client apiClient, ref string) {
	t.Helper()
	for attempt := range 200 {
		p, err := client.Get(t.Context(), ref)
		if err != nil {
			wantOutcome(t, err, "unknown")
			continue
		}
		if p.Cancelled+p.Pending == p.Amount {
			return
		}
		c := cancelRequest(ref, p.Amount, p.Amount-p.Cancelled)
		c.Key = fmt.Sprintf("key-of-%s-attempt-%d", ref, attempt)
		if _, err = client.Cancel(t.Context(), c); outcome(err) == "no" {
			var balance portone.Payment
			balance, err = client.Get(t.Context(), ref)
			t.Logf("refused: now %+v, %v", balance, err)
		}
	}
	t.Fatalf("%s is not refunded after 200 attempts", ref)
}
