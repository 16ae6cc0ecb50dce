// The life of V1's token, in the fake's time.
package portone_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"onsale/http/portone"
	"onsale/http/portone/fake"
)

// counted is a world of V1 with a payment, and the number of tokens that were asked for.
func counted(t *testing.T) (w *world, ref string, tokens func() int) {
	w = newWorld(t, "v1")
	ref, _ = w.pay("order-1", 1000)
	var mu sync.Mutex
	count := 0
	w.Plan(func(route string, n int) fake.Fault {
		mu.Lock()
		defer mu.Unlock()
		if route == "token" {
			count = n
		}
		return fake.Fault{}
	})
	return w, ref, func() int {
		mu.Lock()
		defer mu.Unlock()
		return count
	}
}

func get(t *testing.T, client gateway, ref string) {
	t.Helper()
	if _, err := client.Get(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
}

func TestToken_kept_for_four_fifths(t *testing.T) {
	w, ref, tokens := counted(t)
	client := w.client(t)
	get(t, client, ref)
	w.clock.pass(24*time.Minute - time.Second)
	get(t, client, ref)
	if got := tokens(); got != 1 {
		t.Errorf("got %d tokens before four fifths, want 1", got)
	}
	w.clock.pass(time.Second)
	get(t, client, ref)
	if got := tokens(); got != 2 {
		t.Errorf("got %d tokens at four fifths, want 2", got)
	}
}

// Three hours, a payment every ten seconds: no request ever goes out with a token that is over, though PortOne gives the
// same one until its last minute.
func TestToken_never_over(t *testing.T) {
	w, ref, tokens := counted(t)
	client := w.client(t)
	for range 3 * 60 * 6 {
		get(t, client, ref)
		w.clock.pass(10 * time.Second)
	}
	w.behaved(t)
	if got := tokens(); got < 6 || got > 120 {
		t.Errorf("got %d tokens in three hours", got)
	}
}

func TestToken_other_clock(t *testing.T) {
	w, ref, tokens := counted(t)
	w.config.Now = func() time.Time { return w.clock.Now().AddDate(1, 0, 0) }
	client := w.client(t)
	get(t, client, ref)
	get(t, client, ref)
	if got := tokens(); got != 1 {
		t.Errorf("got %d tokens by a clock that is a year ahead, want 1", got)
	}
}

func TestToken_revoked(t *testing.T) {
	w, ref, tokens := counted(t)
	client := w.client(t)
	get(t, client, ref)
	w.Revoke()
	get(t, client, ref)
	if got := tokens(); got != 2 {
		t.Errorf("got %d tokens, want 2", got)
	}
	w.behaved(t)
}

// A clock that jumps: the token is over, and is known to be so before it is used.
func TestToken_over(t *testing.T) {
	w, ref, tokens := counted(t)
	client := w.client(t)
	get(t, client, ref)
	w.clock.pass(time.Hour)
	get(t, client, ref)
	if got := tokens(); got != 2 {
		t.Errorf("got %d tokens, want 2", got)
	}
	w.behaved(t)
}

func TestToken_single_flight(t *testing.T) {
	w, ref, tokens := counted(t)
	client := w.client(t)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := client.Get(t.Context(), ref); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := tokens(); got != 1 {
		t.Errorf("got %d tokens for 50 callers, want 1", got)
	}
}

// Whoever began to ask for a token leaves; the token comes all the same, for the others.
func TestToken_first_leaves(t *testing.T) {
	w := newWorld(t, "v1")
	ref, _ := w.pay("order-1", 1000)
	client := w.client(t)
	leaves, leave := context.WithCancel(t.Context())
	asked := 0
	w.Plan(func(route string, n int) fake.Fault {
		if route == "token" {
			asked = n
			leave()
			return fake.Fault{Kind: fake.Slow, Delay: 500 * time.Millisecond}
		}
		return fake.Fault{}
	})
	_, err := client.Get(leaves, ref)
	wantOutcome(t, err, "unknown")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the caller's own reason in it", err)
	}
	get(t, client, ref)
	w.Plan(nil)
	if asked != 1 {
		t.Errorf("got %d tokens, want 1", asked)
	}
}

func TestToken_wrong_keys(t *testing.T) {
	inBoth(t, func(t *testing.T, w *world) {
		ref, _ := w.pay("order-1", 1000)
		w.config.Secret = "wrong"
		client := w.client(t)
		_, err := client.Get(t.Context(), ref)
		_, errCancel := client.Cancel(t.Context(), refund(ref, 1, 1000))
		for _, err := range []error{err, errCancel, client.Prepare(t.Context(), "order-2", 1)} {
			wantOutcome(t, err, "unknown")
			if !errors.Is(err, portone.ErrAuth) {
				t.Errorf("got %v, want ErrAuth", err)
			}
		}
	})
}
