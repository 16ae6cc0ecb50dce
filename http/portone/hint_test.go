// Webhooks arrive twice, in any order, forged, as JSON and as forms; a hint is all that they are good for.
package portone_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onsale/http/portone"
	"onsale/http/portone/fake"
)

// listen gives the hints that a shop's client reads from what the fake sends it.
func (w *world) listen(t *testing.T, hooks fake.Webhooks) (heard func() []string) {
	t.Helper()
	client := w.client(t)
	var mu sync.Mutex
	var refs []string
	shop := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		hint, err := client.Hint(r.Header, body)
		if err != nil {
			hint.Ref = err.Error()
		}
		mu.Lock()
		defer mu.Unlock()
		refs = append(refs, hint.Ref)
	}))
	t.Cleanup(shop.Close)
	hooks.URL, hooks.V2 = shop.URL, w.api == "v2"
	if err := w.SendWebhooks(hooks); err != nil {
		t.Fatal(err)
	}
	return func() []string {
		w.Wait()
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(refs)
	}
}

func TestHint(t *testing.T) {
	inBoth(t, func(t *testing.T, w *world) {
		for _, form := range []bool{false, true} {
			heard := w.listen(t, fake.Webhooks{Form: form, Copies: 2})
			ref, _ := w.pay("order-1", 1000)
			if got := heard(); !slices.Equal(got, []string{ref, ref}) {
				t.Errorf("got %q, want %s twice", got, ref)
			}
		}
	})
}

func TestHint_dropped_and_late(t *testing.T) {
	inBoth(t, func(t *testing.T, w *world) {
		heard := w.listen(t, fake.Webhooks{Drop: true})
		w.pay("order-1", 1000)
		if got := heard(); len(got) != 0 {
			t.Errorf("got %q of what was dropped", got)
		}
		heard = w.listen(t, fake.Webhooks{Reorder: true})
		first, _ := w.pay("order-2", 1000)
		second, _ := w.pay("order-3", 1000)
		if got := heard(); !slices.Equal(got, []string{second, first}) {
			t.Errorf("got %q, want %s before %s", got, second, first)
		}
	})
}

// A webhook about a cancellation may come before the answer to it.
func TestHint_first(t *testing.T) {
	w := newWorld(t, "v2")
	ref, _ := w.pay("order-1", 1000)
	heard := w.listen(t, fake.Webhooks{First: true})
	if _, err := w.client(t).Cancel(t.Context(), refund(ref, 1000, 1000)); err != nil {
		t.Fatal(err)
	}
	if got := heard(); !slices.Equal(got, []string{ref}) {
		t.Errorf("got %q, want %s", got, ref)
	}
}

func TestHint_forged(t *testing.T) {
	w := newWorld(t, "v2")
	heard := w.listen(t, fake.Webhooks{Forge: true})
	w.pay("order-1", 1000)
	if got := heard(); len(got) != 1 || !strings.HasPrefix(got[0], portone.ErrSignature.Error()) {
		t.Errorf("got %q, want it refused", got)
	}
}

// The signature is one that the standard's own library made.
func TestHint_signature(t *testing.T) {
	const (
		secret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
		other     = "whsec_b3RoZXItc2VjcmV0LW90aGVyLXNlY3JldA=="
		body      = `{"test": 2432232314}`
		signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	)
	at := time.Unix(1614265330, 0)
	for name, row := range map[string]struct {
		secrets   []string
		signature string
		body      string
		now       time.Time
		ok        bool
	}{
		"right":                {[]string{secret}, signature, body, at, true},
		"second of secrets":    {[]string{other, secret}, signature, body, at, true},
		"second of signatures": {[]string{secret}, "v1a,xx v1,AAAA " + signature, body, at, true},
		"five minutes late":    {[]string{secret}, signature, body, at.Add(5 * time.Minute), true},
		"five minutes early":   {[]string{secret}, signature, body, at.Add(-5 * time.Minute), true},
		"too late":             {[]string{secret}, signature, body, at.Add(5*time.Minute + time.Second), false},
		"too early":            {[]string{secret}, signature, body, at.Add(-5*time.Minute - time.Second), false},
		"another secret":       {[]string{other}, signature, body, at, false},
		"no secret":            {nil, signature, body, at, false},
		"another body":         {[]string{secret}, signature, body + " ", at, false},
		"another version":      {[]string{secret}, "v2" + signature[2:], body, at, false},
		"none":                 {[]string{secret}, "", body, at, false},
	} {
		client := open(t, "v2", portone.Config{URL: "http://127.0.0.1:1", Secret: "x", WebhookSecrets: row.secrets,
			Now: func() time.Time { return row.now }})
		_, err := client.Hint(http.Header{"Webhook-Id": {"msg_p5jXN8AQM9LWM0D4loKWxJek"}, "Webhook-Timestamp": {"1614265330"},
			"Webhook-Signature": {row.signature}}, []byte(row.body))
		if (err == nil) != row.ok || err != nil && !errors.Is(err, portone.ErrSignature) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, bad := range []string{"", "whsec_", "whsec_*"} {
		c := portone.Config{URL: "http://127.0.0.1:1", Secret: "x", WebhookSecrets: []string{bad}}
		if _, err := portone.NewV2(c); err == nil {
			t.Errorf("the webhook secret %q is taken", bad)
		}
	}
}

func TestHint_v1_nonsense(t *testing.T) {
	client := newWorld(t, "v1").client(t)
	for _, row := range [][2]string{
		{"application/json", ``}, {"application/json", `null`}, {"application/json", `[]`},
		{"application/json", `{"imp_uid":7}`},
		{"application/json", `{"imp_uid":"../cancel"}`}, {"", `imp_uid=imp_1`}, {"application/x-www-form-urlencoded", `imp_uid=%`},
		{"application/x-www-form-urlencoded", `merchant_uid=1`},
		{"application/json", strings.Repeat(" ", 64<<10) + `{"imp_uid":"a"}`},
	} {
		hint, err := client.Hint(http.Header{"Content-Type": {row[0]}}, []byte(row[1]))
		if !errors.Is(err, portone.ErrHint) {
			t.Errorf("%.40q: got %+v, %v", row, hint, err)
		}
	}
}
