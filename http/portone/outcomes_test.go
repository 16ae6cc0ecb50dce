// Whatever goes wrong, there is a yes, a no or an unknown; and how often money went back is known to the fake.
package portone_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"onsale/http/portone"
	"onsale/http/portone/fake"
)

func TestOutcomes(t *testing.T) {
	for _, row := range []struct {
		kind                 fake.Kind
		get, cancel, prepare string
		effects              int
	}{
		{fake.None, "yes", "yes", "yes", 1},
		{fake.Slow, "unknown", "unknown", "unknown", 1},
		{fake.Error, "unknown", "unknown", "unknown", 0},
		{fake.ErrorAfter, "unknown", "unknown", "unknown", 1},
		{fake.Reset, "unknown", "unknown", "unknown", 0},
		{fake.ResetAfter, "unknown", "unknown", "unknown", 1},
		{fake.TooMany, "unknown", "unknown", "unknown", 0},
		{fake.Refuse, "unknown", "no", "no", 0},
		{fake.Redirect, "unknown", "unknown", "unknown", 0},
		{fake.Garbage, "unknown", "unknown", "unknown", 1},
		{fake.Page, "unknown", "unknown", "unknown", 1},
		{fake.Huge, "unknown", "unknown", "unknown", 1},
		{fake.Extra, "yes", "yes", "yes", 1},
		{fake.Enum, "yes", "v2: unknown", "yes", 1},
		{fake.Fraction, "unknown", "unknown", "v1: unknown", 1},
		{fake.Revoke, "yes", "yes", "yes", 1},
	} {
		t.Run(string(row.kind), func(t *testing.T) {
			inBoth(t, func(t *testing.T, w *world) {
				ref, uid := w.pay("order-1", 1000)
				client := w.client(t)

				wantOutcome(t, w.suffer(t, row.kind, "get", func(ctx context.Context) error {
					_, err := client.Get(ctx, ref)
					return err
				}), row.get)
				wantOutcome(t, w.suffer(t, row.kind, "cancel", func(ctx context.Context) error {
					pending, err := client.Cancel(ctx, refund(ref, 400, 1000))
					if pending {
						t.Error("nothing is pending")
					}
					return err
				}), w.only(row.cancel))
				wantOutcome(t, w.suffer(t, row.kind, "prepare", func(ctx context.Context) error {
					return client.Prepare(ctx, "order-2", 5000)
				}), w.only(row.prepare))

				w.http.Close() // waits for what is still being done
				if got := len(w.Cancels(uid)); got != row.effects {
					t.Errorf("got %d cancellations, want %d", got, row.effects)
				}
				if _, refunded := w.Sums(); refunded != 400*int64(row.effects) {
					t.Errorf("got %d back", refunded)
				}
				if got := w.Prepared("order-2"); got != 5000*int64(row.effects) {
					t.Errorf("got %d prepared, want it %d times", got, row.effects)
				}
				w.behaved(t)
			})
		})
	}
}

// only reads "v2: unknown": unknown for V2, and yes for the other.
func (w *world) only(want string) string {
	if len(want) > 4 && want[2] == ':' {
		if want[:2] == w.api {
			return want[4:]
		}
		return "yes"
	}
	return want
}

// suffer does something of which every request goes wrong. Of what is slow, the caller does not see the end; a token is
// taken back once, for otherwise nobody could do anything.
func (w *world) suffer(t *testing.T, kind fake.Kind, route string, do func(context.Context) error) error {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.Plan(func(at string, n int) fake.Fault {
		if at != route || kind == fake.Revoke && n > 1 {
			return fake.Fault{}
		}
		if kind == fake.Slow {
			cancel()
		}
		return fake.Fault{Kind: kind, Delay: 2 * time.Second}
	})
	defer w.Plan(nil)
	return do(ctx)
}

// A cancellation that nobody waits for any more takes effect after another one: PortOne finds a balance that it was not
// told of, and refuses it.
func TestOutcomes_late_effect(t *testing.T) {
	inBoth(t, func(t *testing.T, w *world) {
		ref, uid := w.pay("order-1", 1000)
		client := w.client(t)
		wantOutcome(t, w.suffer(t, fake.Slow, "cancel", func(ctx context.Context) error {
			_, err := client.Cancel(ctx, refund(ref, 400, 1000))
			return err
		}), "unknown")
		again := refund(ref, 400, 1000)
		again.Key = "another-key-0123456789"
		_, err := client.Cancel(t.Context(), again)
		if got := outcome(err); got == "unknown" {
			t.Errorf("got %s: %v", got, err)
		}
		w.http.Close()
		if got := len(w.Cancels(uid)); got != 1 {
			t.Errorf("got %d cancellations, want 1", got)
		}
	})
}

// With the same key V2 says that the first request is still under way, and then how it ended: the answer that nobody
// heard.
func TestOutcomes_same_key(t *testing.T) {
	w := newWorld(t, "v2")
	ref, uid := w.pay("order-1", 1000)
	client := w.client(t)
	cancel := func(ctx context.Context) error {
		_, err := client.Cancel(ctx, refund(ref, 400, 1000))
		return err
	}
	wantOutcome(t, w.suffer(t, fake.Slow, "cancel", cancel), "unknown")
	err := cancel(t.Context())
	for ; errors.Is(err, portone.ErrUnknown); err = cancel(t.Context()) {
	}
	wantOutcome(t, err, "yes")
	if got := len(w.Cancels(uid)); got != 1 {
		t.Errorf("got %d cancellations, want 1", got)
	}
	w.clock.pass(3*time.Hour + time.Second) // the key is forgotten, the balance is not
	wantOutcome(t, cancel(t.Context()), "no")
}
