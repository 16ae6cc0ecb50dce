// V1's token: when it is renewed, in the fake's time.

package portone_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"onsale/http/payments/portone"
	"onsale/http/payments/portone/fakeportone"
)

// newTokenFixture is a fixture of V1 with a payment, and counts token requests.
func newTokenFixture(t *testing.T) (f *fixture, ref string, tokens func() int) {
	f = newFixture(t, "v1")
	ref, _ = f.pay("order-1", 1000)
	var mu sync.Mutex
	count := 0
	f.Plan(func(route string, n int) fakeportone.Fault {
		mu.Lock()
		defer mu.Unlock()
		if route == "token" {
			count = n
		}
		return fakeportone.Fault{}
	})
	return f, ref, func() int {
		mu.Lock()
		defer mu.Unlock()
		return count
	}
}

func mustGet(t *testing.T, client apiClient, ref string) {
	t.Helper()
	if _, err := client.Get(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
}

func TestToken_RenewsAtFourFifths(t *testing.T) {
	f, ref, tokens := newTokenFixture(t)
	client := f.client(t)
	mustGet(t, client, ref)
	f.clock.advance(24*time.Minute - time.Second)
	mustGet(t, client, ref)
	if got := tokens(); got != 1 {
		t.Errorf("got %d tokens before four fifths, want 1", got)
	}
	f.clock.advance(time.Second)
	mustGet(t, client, ref)
	if got := tokens(); got != 2 {
		t.Errorf("got %d tokens at four fifths, want 2", got)
	}
}

// Three hours with a request every ten seconds: none is sent with an expired token, although PortOne repeats the same one
// until its last minute.
func TestToken_NeverSendsExpired(t *testing.T) {
	f, ref, tokens := newTokenFixture(t)
	client := f.client(t)
	for range 3 * 60 * 6 {
		mustGet(t, client, ref)
		f.clock.advance(10 * time.Second)
	}
	f.wantNoViolations(t)
	if got := tokens(); got < 6 || got > 120 {
		t.Errorf("got %d tokens in three hours", got)
	}
}

func TestToken_ToleratesClockSkew(t *testing.T) {
	f, ref, tokens := newTokenFixture(t)
	f.config.Now = func() time.Time { return f.clock.Now().AddDate(1, 0, 0) }
	client := f.client(t)
	mustGet(t, client, ref)
	mustGet(t, client, ref)
	if got := tokens(); got != 1 {
		t.Errorf("got %d tokens by a clock that is a year ahead, want 1", got)
	}
}

func TestToken_RenewsAfterRevocation(t *testing.T) {
	f, ref, tokens := newTokenFixture(t)
	client := f.client(t)
	mustGet(t, client, ref)
	f.Revoke()
	mustGet(t, client, ref)
	if got := tokens(); got != 2 {
		t.Errorf("got %d tokens, want 2", got)
	}
	f.wantNoViolations(t)
}

// The clock jumps: the token has expired and is not used again.
func TestToken_RenewsAfterExpiry(t *testing.T) {
	f, ref, tokens := newTokenFixture(t)
	client := f.client(t)
	mustGet(t, client, ref)
	f.clock.advance(time.Hour)
	mustGet(t, client, ref)
	if got := tokens(); got != 2 {
		t.Errorf("got %d tokens, want 2", got)
	}
	f.wantNoViolations(t)
}

func TestToken_SharesOneRequest(t *testing.T) {
	f, ref, tokens := newTokenFixture(t)
	client := f.client(t)
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

// The first caller gives up during the token request; the token is still stored for the others.
func TestToken_OutlivesFirstCaller(t *testing.T) {
	f := newFixture(t, "v1")
	ref, _ := f.pay("order-1", 1000)
	client := f.client(t)
	ctx, cancel := context.WithCancel(t.Context())
	requests := 0
	f.Plan(func(route string, n int) fakeportone.Fault {
		if route == "token" {
			requests = n
			cancel()
			return fakeportone.Fault{Kind: fakeportone.Slow, Delay: 500 * time.Millisecond}
		}
		return fakeportone.Fault{}
	})
	_, err := client.Get(ctx, ref)
	wantOutcome(t, err, "unknown")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it to wrap context.Canceled", err)
	}
	mustGet(t, client, ref)
	f.Plan(nil)
	if requests != 1 {
		t.Errorf("got %d tokens, want 1", requests)
	}
}

func TestToken_ReportsWrongKeys(t *testing.T) {
	forEachAPI(t, func(t *testing.T, f *fixture) {
		ref, _ := f.pay("order-1", 1000)
		f.config.Secret = "wrong"
		client := f.client(t)
		_, err := client.Get(t.Context(), ref)
		_, errCancel := client.Cancel(t.Context(), cancelRequest(ref, 1, 1000))
		for _, err := range []error{err, errCancel, client.Prepare(t.Context(), "order-2", 1)} {
			wantOutcome(t, err, "unknown")
			if !errors.Is(err, portone.ErrAuth) {
				t.Errorf("got %v, want ErrAuth", err)
			}
		}
	})
}
